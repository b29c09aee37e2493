"""The daily refresh: segments, scores and the snapshot of every account."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.access import Access
from infra.constructs.alarm import raise_alarm
from infra.constructs.python_function import FunctionSpec
from infra.constructs.schedule import Schedule
from infra.constructs.spark_job import SparkJob
from infra.constructs.workflow import Workflow
from infra.names import Names, account_lists, champion_key
from infra.stacks.function_stack import FunctionStack
from infra.workflows import refresh


def functions(access: Access) -> tuple[FunctionSpec, ...]:
    return (
        FunctionSpec(
            folder="refresh_start",
            does="Which accounts to refresh, as of when, under which snapshot ids; at the end, how many failed",
            timeout_seconds=60,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem Query", "accounts"),
                access.table("campaigns", "BatchGetItem", "*#snapshot"),
                *access.account_lists("refresh"),
            ),
        ),
        FunctionSpec(
            folder="refresh_compute",
            does="The lake's orders -> facts, segments, grid; parts to score",
            package="data",
            memory_mb=3008,
            timeout_seconds=900,
            storage_mb=10_240,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET", "REFRESH_ENGINE", "SPARK_FROM_ORDERS"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#snapshot", "*#playbook"),
                access.table("campaigns", "PutItem", "*#snapshot"),
                access.table("campaigns", "Query", "*#import", "*#lift"),
                access.read_lake("orders/*", "rates/*", "engagement/*", "customers/*", "rubrics/*"),
                access.read_lake(
                    "snapshots/*/rubric.json",
                    "snapshots/*/summary.json",
                    "refresh/*/coverage.json",
                    "refresh/*/histories.parquet",
                    "refresh/*/manifest.jsonl",
                    "refresh/*/proposal.json",
                ),
                access.write_lake("refresh/*", "rubrics/*/proposed.json"),
                access.list_lake("orders/*", "rates/*", "engagement/*", "customers/*", "rubrics/*", "refresh/*"),
            ),
        ),
        FunctionSpec(
            folder="refresh_value",
            does="The computed snapshot -> what each customer is expected to purchase and be worth",
            package="value",
            memory_mb=3008,
            timeout_seconds=900,
            storage_mb=10_240,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "*#snapshot"),
                access.read_lake("refresh/*/customers.parquet", "refresh/*/summary.json", "snapshots/*/lifetime.json"),
                access.write_lake("refresh/*/lifetime.parquet", "refresh/*/lifetime.json"),
                access.list_lake("snapshots/*"),
            ),
        ),
        FunctionSpec(
            folder="refresh_recommend",
            does="Order lines and the computed snapshot -> what each customer may buy next",
            package="data",
            memory_mb=3008,
            timeout_seconds=900,
            storage_mb=10_240,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts"),
                access.read_lake("orders/*", "rates/*", "refresh/*/customers.parquet"),
                access.write_lake("refresh/*/recommendations.*"),
                access.list_lake("orders/*", "rates/*"),
            ),
        ),
        FunctionSpec(
            folder="refresh_score",
            does="One part -> the churn endpoint in batches -> scores",
            memory_mb=512,
            timeout_seconds=300,
            environment=("LAKE_BUCKET", "CHURN_ENDPOINT"),
            permissions=(
                access.read_lake("refresh/*/parts/*"),
                access.write_lake("refresh/*/scores/*"),
                access.score("churn"),
            ),
        ),
        FunctionSpec(
            folder="refresh_publish",
            does="Facts and scores -> snapshot, summary, changed customers",
            package="data",
            memory_mb=3008,
            timeout_seconds=900,
            storage_mb=10_240,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "LAKE_BUCKET", "EVENT_BUS"),
            permissions=(
                access.table("campaigns", "GetItem PutItem UpdateItem DeleteItem", "*#snapshot"),
                access.table("campaigns", "PutItem", "*#movement"),
                access.table("customers", "BatchWriteItem"),
                access.read_lake("refresh/*", "snapshots/*"),
                access.write_lake("snapshots/*", "movement/*"),
                access.list_lake("refresh/*", "snapshots/*"),
                access.put_events(),
            ),
        ),
        FunctionSpec(
            folder="refresh_watch",
            does="A published snapshot -> drift of the churn model's inputs and forecasts",
            package="data",
            memory_mb=2048,
            timeout_seconds=300,
            storage_mb=4096,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET", "MODELS_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "*#snapshot"),
                access.table("campaigns", "Query", "*#movement"),
                access.read_lake("snapshots/*/customers.parquet", "snapshots/*/drift.json"),
                access.write_lake("snapshots/*/drift.json"),
                access.list_lake("snapshots/*"),
                access.models("GetObject", champion_key("churn"), "churn/models/*"),
                access.list_models(champion_key("churn"), "churn/models/*"),
            ),
        ),
    )


_DRIFT = (
    (
        "churn-inputs-shifted",
        "InputsShifted",
        (
            "An account's customers became unlike those that the churn model was trained on. drift.json of its latest "
            "snapshot names the inputs: look whether the store's data changed, then train again (runbook, Models)."
        ),
    ),
    (
        "churn-forecasts-missed",
        "ForecastsMissed",
        (
            "An account's customers did not do what the churn model forecast 91 days ago, beyond chance. drift.json of "
            "its latest snapshot has the figures: train again (runbook, Models)."
        ),
    ),
)
"""Alarm, metric, and what it says."""


class SegmentationStack(FunctionStack):
    def __init__(self, scope: Construct, names: Names) -> None:
        super().__init__(scope, "segmentation", names)
        self.add_functions(functions(Access(names)))
        config = names.config
        job = SparkJob(self, names=names, key=self.key) if config.has_spark else None
        Workflow(
            self,
            "refresh",
            refresh.definition(
                accounts=config.account_concurrency,
                chunks=config.score_concurrency,
                spark_minutes=config.spark.most_minutes if job is not None else None,
            ),
            names=names,
            key=self.key,
            functions={folder: self.functions[folder] for folder in refresh.FUNCTIONS},
            manifests=("refresh/*/manifest.jsonl", account_lists("refresh")),
            after_failure="Segments stay as they were. The account's snapshot names the failed step; start it again.",
            more_permissions=job.permissions() if job is not None else (),
            more_substitutions=job.substitutions() if job is not None else {},
        )
        Schedule(
            self,
            "refresh-daily",
            names=names,
            key=self.key,
            workflow="refresh",
            expression="cron(0 3 * * ? *)",
            does="Refreshes every account, every night, as of the scheduled time: a late start gives the same answer",
            queue="schedule",
            workflow_input='{"as_of": "<aws.scheduler.scheduled-time>"}',
        )
        for alarm, metric, says in _DRIFT:
            raise_alarm(
                self,
                f"{metric}Alarm",
                names=names,
                name=alarm,
                says=says,
                metric=cloudwatch.Metric(
                    namespace="Winback",
                    metric_name=metric,
                    dimensions_map={"service": "refresh_watch"},
                    statistic="Sum",
                    period=Duration.hours(1),
                ),
                threshold=1,
            )
