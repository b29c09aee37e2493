"""What learns from customers on a schedule: each account's archetypes, and the models behind the endpoints."""

import gzip
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.access import Access, Permission
from infra.bundling import ROOT
from infra.constructs.alarm import raise_alarm
from infra.constructs.python_function import FunctionSpec
from infra.constructs.schedule import Schedule
from infra.constructs.scikit_container import IMAGE, ScikitContainer, container_role, report
from infra.constructs.workflow import Workflow
from infra.names import KINDS, Names, account_lists, champion_key
from infra.stacks.function_stack import FunctionStack
from infra.workflows import archetypes, train

_CODE = ROOT / "build" / "training"
_NOT_YET = "a job's name holds the run's id, which does not exist yet"
SHARED_CODE = tuple(ROOT / "ml" / name for name in ("archive.py", "contract.py", "metrics.py"))
"""What the scripts of a served kind of model import as their neighbours, as ml/__init__.py has it."""


def training_code(folder: Path, target: Path, shared: Sequence[Path] = ()) -> Path:
    """`folder`'s Python files and `shared` ones as the tar.gz of script mode; the same files give the same bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted([*folder.glob("*.py"), *shared], key=lambda path: path.name):
            entry = tarfile.TarInfo(path.name)
            entry.size = path.stat().st_size
            with path.open("rb") as source:
                archive.addfile(entry, source)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    return target


def archetypes_functions(access: Access, names: Names, role_arn: str) -> tuple[FunctionSpec, ...]:
    jobs = (names.training_jobs_arn("archetypes"),)
    return (
        FunctionSpec(
            folder="archetypes_plan",
            does="Which accounts to cluster, under which run ids; at the end, how many failed",
            timeout_seconds=60,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem Query", "accounts"),
                access.table("campaigns", "BatchGetItem", "*#archetypes"),
                *access.account_lists("archetypes"),
            ),
        ),
        FunctionSpec(
            folder="archetypes_train",
            does="The latest snapshot's features -> CSV -> a training job",
            package="data",
            memory_mb=2048,
            timeout_seconds=600,
            storage_mb=4096,
            environment=(
                "CAMPAIGNS_TABLE",
                "LAKE_BUCKET",
                "TRAINING_ROLE_ARN",
                "TRAINING_IMAGE",
                "ARCHETYPES_CODE",
                "CUSTOMER_KEY_ARN",
            ),
            permissions=(
                access.table("campaigns", "GetItem", "*#snapshot"),
                access.table("campaigns", "PutItem", "*#archetypes"),
                access.read_lake("snapshots/*/customers.parquet"),
                access.write_lake("archetypes/*/train/*"),
                Permission(("sagemaker:CreateTrainingJob",), jobs, reason=_NOT_YET),
                pass_role(role_arn),
            ),
        ),
        FunctionSpec(
            folder="archetypes_check",
            does="How a training job is",
            permissions=(Permission(("sagemaker:DescribeTrainingJob",), jobs, reason=_NOT_YET),),
        ),
        FunctionSpec(
            folder="archetypes_finish",
            does="Clusters -> reconciliation with the segments, drift against the last run",
            package="data",
            memory_mb=2048,
            timeout_seconds=600,
            storage_mb=4096,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem PutItem", "*#archetypes"),
                access.read_lake("archetypes/*", "snapshots/*/customers.parquet"),
                access.write_lake("archetypes/*"),
            ),
        ),
    )


def model_functions(access: Access, names: Names, role_arn: str, key_arn: str) -> tuple[FunctionSpec, ...]:
    """Of the training workflow. Items of models belong to no account: their partition keys are named by kind."""
    items = tuple(f"models#{kind}" for kind in KINDS)
    jobs = (names.training_jobs_arn("train"),)
    champions = tuple(champion_key(kind) for kind in KINDS)
    kept = tuple(f"{kind}/models/*" for kind in KINDS)
    keep = access.models("PutObject", *kept)
    look = (
        access.models("GetObject", *champions, *kept),
        access.list_models(*champions, *kept),
    )
    return (
        FunctionSpec(
            folder="train_plan",
            does="Which kinds of model to train, on which accounts, as of when",
            timeout_seconds=60,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem Query", "accounts"),
                access.table("campaigns", "GetItem PutItem", *items),
                access.write_lake(account_lists("train")),
            ),
        ),
        FunctionSpec(
            folder="train_examples",
            does="One account's orders -> what a kind of model learns from and is judged by, as CSV",
            package="data",
            memory_mb=3008,
            timeout_seconds=900,
            storage_mb=10_240,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts"),
                access.table("campaigns", "Query", "*#movement"),
                access.read_lake("orders/*", "rates/*", "engagement/*", "customers/*", "decisions/*"),
                access.read_lake("snapshots/*/customers.parquet"),
                access.write_lake("training/*"),
                access.list_lake("orders/*", "rates/*", "engagement/*", "customers/*", "decisions/*"),
            ),
        ),
        FunctionSpec(
            folder="train_job",
            does="Starts a training job, and says how it is",
            timeout_seconds=120,
            environment=(
                "CAMPAIGNS_TABLE",
                "LAKE_BUCKET",
                "MODELS_BUCKET",
                "TRAINING_ROLE_ARN",
                "TRAINING_IMAGE",
                "CUSTOMER_KEY_ARN",
                *(f"{kind.upper()}_CODE" for kind in KINDS),
            ),
            permissions=(
                access.table("campaigns", "GetItem PutItem", *items),
                access.read_lake("training/*/counts/*"),
                access.list_lake("training/*"),
                *look,
                Permission(("sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob"), jobs, reason=_NOT_YET),
                pass_role(role_arn),
            ),
        ),
        FunctionSpec(
            folder="model_judge",
            does="Is a trained model better than the champion beyond chance",
            memory_mb=512,
            timeout_seconds=120,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET", "MODELS_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem PutItem Query", *items),
                access.read_lake("training/*/jobs/*"),
                *look,
                keep,
            ),
        ),
        FunctionSpec(
            folder="model_revert",
            does="Which earlier model to bring back",
            timeout_seconds=60,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET", "MODELS_BUCKET"),
            permissions=(access.table("campaigns", "GetItem PutItem Query", *items), *look),
        ),
        FunctionSpec(
            folder="model_roll",
            does="Moves an endpoint one step towards a model, or back",
            memory_mb=512,
            timeout_seconds=300,
            environment=(
                "CAMPAIGNS_TABLE",
                "MODELS_BUCKET",
                "BAKE_SECONDS",
                *(f"{kind.upper()}_ENDPOINT" for kind in KINDS),
            ),
            permissions=(
                access.table("campaigns", "GetItem PutItem UpdateItem Query", *items),
                *look,
                access.models("PutObject", *champions, *kept),
                *roll(access, names, key_arn),
            ),
        ),
        FunctionSpec(
            folder="model_finish",
            does="Makes the model that serves the champion; notes how a run ended",
            timeout_seconds=60,
            environment=("CAMPAIGNS_TABLE", "MODELS_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem PutItem DeleteItem", *items),
                access.models("GetObject", *kept),
                access.list_models(*kept),
                access.models("PutObject", *champions),
            ),
        ),
    )


def roll(access: Access, names: Names, key_arn: str) -> tuple[Permission, ...]:
    """What moving the endpoints takes. The configuration that a deployment made has a name of CloudFormation's, and
    model and configuration must be read to make the next one like them. An instance's disk is under the customer key,
    which SageMaker uses through a grant of whoever starts the instance
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html, KmsKeyId)."""
    endpoints = tuple(names.endpoint_arn(kind) for kind in KINDS)
    parts = tuple(arn for kind in KINDS for arn in names.endpoint_parts_arns(kind))
    return (
        access.score(*KINDS),
        Permission(("sagemaker:DescribeEndpoint",), endpoints),
        Permission(
            ("sagemaker:UpdateEndpoint",),
            (*endpoints, names.any_endpoint_config_arn),
            reason="the configuration to go back to may be one that CloudFormation named",
        ),
        Permission(
            (
                "sagemaker:CreateModel",
                "sagemaker:CreateEndpointConfig",
                "sagemaker:DeleteModel",
                "sagemaker:DeleteEndpointConfig",
            ),
            parts,
            reason="models and configurations are named by the endpoint and the run, which does not exist yet",
        ),
        Permission(
            ("sagemaker:DescribeModel", "sagemaker:DescribeEndpointConfig"),
            (names.any_model_arn, names.any_endpoint_config_arn),
            reason="those of a deployment have names of CloudFormation's",
        ),
        Permission(
            ("cloudwatch:DescribeAlarms",),
            tuple(names.alarm_arn(names.endpoint_alarm(kind)) for kind in KINDS),
        ),
        pass_role(*(names.endpoint_role_arn(kind) for kind in KINDS)),
        *((grant_key(key_arn),) if names.config.endpoint.hosting == "provisioned" else ()),
    )


def grant_key(key_arn: str) -> Permission:
    """To AWS services alone, of disks that they encrypt for the caller."""
    return Permission(("kms:CreateGrant",), (key_arn,), conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}})


def pass_role(*role_arns: str) -> Permission:
    return Permission(
        ("iam:PassRole",), role_arns, conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    )


class TrainingStack(FunctionStack):
    def __init__(self, scope: Construct, names: Names) -> None:
        super().__init__(scope, "training", names)
        access = Access(names)
        code = {kind: self._code(kind) for kind in ("archetypes", *KINDS)}
        container = ScikitContainer(self) if names.config.sagemaker_resources else None
        role = self._job_role(access, tuple(code.values()), container)
        self.add_functions(
            (
                *archetypes_functions(access, names, role.role_arn),
                *model_functions(access, names, role.role_arn, self.key.key_arn),
            ),
            environment={
                "TRAINING_ROLE_ARN": role.role_arn,
                "TRAINING_IMAGE": container.image if container is not None else IMAGE,
                "CUSTOMER_KEY_ARN": self.key.key_arn,
                "BAKE_SECONDS": str(names.config.bake_seconds),
                **{f"{kind.upper()}_CODE": asset.s3_object_url for kind, asset in code.items()},
            },
        )
        self._archetypes()
        self._models()

    def _code(self, kind: str) -> assets.Asset:
        shared = () if kind == "archetypes" else SHARED_CODE
        path = training_code(ROOT / "ml" / kind, _CODE / kind / "sourcedir.tar.gz", shared)
        return assets.Asset(self, f"{''.join(part.title() for part in kind.split('_'))}Code", path=str(path))

    def _models(self) -> None:
        names, config = self.names, self.names.config
        Workflow(
            self,
            "train",
            train.definition(accounts=config.account_concurrency, poll_seconds=config.training_poll_seconds),
            names=names,
            key=self.key,
            functions={folder: self.functions[folder] for folder in train.FUNCTIONS},
            manifests=(account_lists("train"),),
            after_failure="The champion stays and serves as before. The run's item (partition models#KIND of the "
            "campaigns table) names the step and the reasons; start it again (runbook, Models).",
        )
        Schedule(
            self,
            "train-weekly",
            names=names,
            key=self.key,
            workflow="train",
            expression="cron(0 1 ? * SUN *)",
            does="Trains every kind of model on all accounts, each week, before the refresh of that night",
            queue="train-schedule",
            workflow_input='{"as_of": "<aws.scheduler.scheduled-time>"}',
        )

    def _archetypes(self) -> None:
        names, config = self.names, self.names.config
        Workflow(
            self,
            "archetypes",
            archetypes.definition(accounts=config.account_concurrency, poll_seconds=config.training_poll_seconds),
            names=names,
            key=self.key,
            functions={folder: self.functions[folder] for folder in archetypes.FUNCTIONS},
            manifests=(account_lists("archetypes"),),
            after_failure="Segments are not touched by it. The account's run names the failed step; start it again.",
        )
        Schedule(
            self,
            "archetypes-quarterly",
            names=names,
            key=self.key,
            workflow="archetypes",
            expression="cron(0 5 2 1,4,7,10 ? *)",
            does="Clusters every account's customers, each quarter",
            queue="archetypes-schedule",
        )
        raise_alarm(
            self,
            "ShiftAlarm",
            names=names,
            name="archetypes-shifted",
            says="A cluster shifted by more than 15 % since the last run. Look at the drift of the latest run "
            "and at whether the rubric still fits (runbook, Recalibration). Nobody was reassigned.",
            metric=cloudwatch.Metric(
                namespace="Winback",
                metric_name="ArchetypesShifted",
                dimensions_map={"service": "archetypes_finish"},
                statistic="Sum",
                period=Duration.hours(1),
            ),
            threshold=1,
        )

    def _job_role(self, access: Access, code: tuple[assets.Asset, ...], container: ScikitContainer | None) -> iam.Role:
        """https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createtrainingjob-perms"""
        sources = tuple(f"arn:{Aws.PARTITION}:s3:::{asset.s3_bucket_name}/{asset.s3_object_key}" for asset in code)
        champions = tuple(f"{kind}/champion/*" for kind in KINDS)
        jobs = "/aws/sagemaker/TrainingJobs"
        role = container_role(
            Construct(self, "TrainingJob"),
            (
                access.read_lake("archetypes/*/train/*", "training/*/train/*", "training/*/test/*"),
                access.list_lake("archetypes/*", "training/*"),
                access.write_lake("archetypes/*/jobs/*", "training/*/jobs/*"),
                access.models("GetObject", *champions),
                access.list_models(*champions),
                Permission(("s3:GetObject",), sources),
                *(container.pull() if container is not None else ()),
                *report(jobs, jobs),
            ),
            says="What a training job may touch",
            key_arn=self.key.key_arn,
        )
        # The job's disk is under the customer key: SageMaker uses it through a grant.
        role.add_to_policy(grant_key(self.key.key_arn).statement())
        return role
