"""Files on their way into the lake: upload -> queue -> import worker."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.access import Access
from infra.constructs.python_function import FunctionSpec
from infra.constructs.queue import Queue
from infra.names import Names
from infra.stacks.function_stack import FunctionStack

WORKER_SECONDS = 900


def functions(access: Access) -> tuple[FunctionSpec, ...]:
    return (
        FunctionSpec(
            folder="import_worker",
            does="An uploaded file -> the lake, its rejects, changed customers",
            package="data",
            memory_mb=3008,
            timeout_seconds=WORKER_SECONDS,
            storage_mb=4096,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "PERFORMANCE_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#import"),
                access.table("campaigns", "UpdateItem", "*#import"),
                access.table("campaigns", "Query", "*#launch"),
                access.table("customers", "BatchGetItem BatchWriteItem PutItem UpdateItem"),
                access.table("performance", "GetItem PutItem"),  # contact lists: what other tools sent
                access.read_lake("uploads/*", "orders/*", "engagement/*", "rates/*"),
                access.write_lake("orders/*", "customers/*", "engagement/*", "rates/*", "rejects/*"),
                access.list_lake("orders/*", "engagement/*", "rates/*"),
            ),
        ),
    )


class IntakeStack(FunctionStack):
    def __init__(self, scope: Construct, names: Names) -> None:
        super().__init__(scope, "intake", names)
        self.add_functions(functions(Access(names)))
        imports = Queue(self, "imports", names=names, key=self.key, consumer_seconds=WORKER_SECONDS, max_receives=3)
        self.functions["import_worker"].consume(imports, batch_size=1, concurrency=names.config.import_concurrency)
        events.Rule(
            self,
            "UploadRule",
            rule_name=names.of("uploads"),
            description="A new object under uploads/ of the lake -> the import worker's queue",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [names.bucket("lake")]}, "object": {"key": [{"prefix": "uploads/"}]}},
            ),
            targets=[
                targets.SqsQueue(
                    imports.queue, dead_letter_queue=imports.dead, retry_attempts=10, max_event_age=Duration.hours(12)
                )
            ],
        )
