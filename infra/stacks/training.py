"""What learns from an account's customers on a schedule: today the archetypes of the cluster track."""

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
from infra.names import Names
from infra.stacks.function_stack import FunctionStack
from infra.workflows import archetypes

_CODE = ROOT / "build" / "training" / "archetypes" / "sourcedir.tar.gz"
_NOT_YET = "a job's name holds the run's id, which does not exist yet"
SHARED_CODE = (ROOT / "ml" / "contract.py", ROOT / "ml" / "metrics.py")
"""What the scripts of a served kind of model import as their neighbours."""


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


def functions(access: Access, names: Names, role_arn: str) -> tuple[FunctionSpec, ...]:
    jobs = (f"arn:{Aws.PARTITION}:sagemaker:{Aws.REGION}:{Aws.ACCOUNT_ID}:training-job/{names.of('archetypes')}-*",)
    return (
        FunctionSpec(
            folder="archetypes_plan",
            does="Which accounts to cluster, under which run ids",
            timeout_seconds=60,
            environment=("CAMPAIGNS_TABLE",),
            permissions=(access.table("campaigns", "GetItem Query", "accounts"),),
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
                Permission(
                    ("iam:PassRole",),
                    (role_arn,),
                    conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
                ),
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


class TrainingStack(FunctionStack):
    def __init__(self, scope: Construct, names: Names) -> None:
        super().__init__(scope, "training", names)
        config = names.config
        access = Access(names)
        code = assets.Asset(self, "ArchetypesCode", path=str(training_code(ROOT / "ml" / "archetypes", _CODE)))
        container = ScikitContainer(self) if config.sagemaker_resources else None
        role = self._job_role(access, code, container)
        self.add_functions(
            functions(access, names, role.role_arn),
            environment={
                "TRAINING_ROLE_ARN": role.role_arn,
                "TRAINING_IMAGE": container.image if container is not None else IMAGE,
                "ARCHETYPES_CODE": code.s3_object_url,
                "CUSTOMER_KEY_ARN": self.key.key_arn,
            },
        )
        Workflow(
            self,
            "archetypes",
            archetypes.definition(accounts=config.account_concurrency, poll_seconds=config.training_poll_seconds),
            names=names,
            key=self.key,
            functions={folder: self.functions[folder] for folder in archetypes.FUNCTIONS},
            manifests="archetypes/*/manifest.jsonl",
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

    def _job_role(self, access: Access, code: assets.Asset, container: ScikitContainer | None) -> iam.Role:
        """https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createtrainingjob-perms"""
        source = f"arn:{Aws.PARTITION}:s3:::{code.s3_bucket_name}/{code.s3_object_key}"
        jobs = "/aws/sagemaker/TrainingJobs"
        role = container_role(
            Construct(self, "TrainingJob"),
            (
                access.read_lake("archetypes/*/train/*"),
                access.list_lake("archetypes/*"),
                access.write_lake("archetypes/*/jobs/*"),
                Permission(("s3:GetObject",), (source,)),
                *(container.pull() if container is not None else ()),
                *report(jobs, jobs),
            ),
            says="What a training job may touch",
            key_arn=self.key.key_arn,
        )
        # The job's disk is under the customer key: SageMaker uses it through a grant.
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:CreateGrant"],
                resources=[self.key.key_arn],
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            )
        )
        return role
