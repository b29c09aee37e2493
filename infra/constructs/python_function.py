"""One Python function with all that belongs to it: role, log group, tracing, dead letters, alarm, and its queue."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.access import Access, Permission, key_statement
from infra.acknowledgements import acknowledge, acknowledge_patterns
from infra.bundling import PackageKind
from infra.constructs.alarm import raise_alarm
from infra.constructs.queue import Queue, dead_letters
from infra.names import Names

_METRICS_NAMESPACE = "Winback"
_RETENTION = {
    1: logs.RetentionDays.ONE_DAY,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
}


@dataclass(frozen=True)
class FunctionSpec:
    """A row of a stack's function table."""

    folder: str  # functions/{folder}/handler.py
    does: str
    permissions: tuple[Permission, ...]
    environment: tuple[str, ...] = ()
    package: PackageKind = "base"
    memory_mb: int = 256
    timeout_seconds: int = 30
    storage_mb: int = 512
    reserved_concurrency: int | None = None


class PythonFunction(Construct):
    def __init__(
        self,
        scope: Construct,
        spec: FunctionSpec,
        *,
        names: Names,
        code: lambda_.Code,
        key: kms.IKey,
        environment: Mapping[str, str],
        called_asynchronously: bool = False,
    ) -> None:
        """`environment` offers values; the function gets those its spec names. A function that is called asynchronously
        gets dead letters of its own, and so does one that follows a stream; one that reads a queue has the queue's; a
        caller that waits sees the error."""
        super().__init__(scope, construct_id(spec.folder))
        config = names.config
        self.spec = spec
        self._names = names
        name = names.function(spec.folder)
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            retention=log_retention(config.log_retention_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=f"What {name} may touch"
        )
        own_name = spec.folder.replace("_", "-")
        self.dead = dead_letters(self, own_name, names=names, key=key) if called_asynchronously else None
        self._grant(log_group, key, (Access(names).send_message(f"{own_name}-dead"),) if called_asynchronously else ())
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=spec.does,
            code=code,
            handler=f"functions.{spec.folder}.handler.handler",
            runtime=lambda_.Runtime(f"python{config.target.python}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.ARM_64
            if config.target.architecture == "arm64"
            else lambda_.Architecture.X86_64,
            role=self.role,
            log_group=log_group,
            memory_size=spec.memory_mb,
            timeout=Duration.seconds(config.seconds(spec.timeout_seconds)),
            ephemeral_storage_size=Size.mebibytes(spec.storage_mb),
            tracing=lambda_.Tracing.ACTIVE if config.tracing else lambda_.Tracing.DISABLED,
            dead_letter_queue=self.dead,
            reserved_concurrent_executions=spec.reserved_concurrency if config.reserve_concurrency else None,
            environment={
                "WINBACK_STAGE": config.stage,
                "CLOCK_SOURCE": config.clock_source,
                "POWERTOOLS_SERVICE_NAME": spec.folder,
                "POWERTOOLS_METRICS_NAMESPACE": _METRICS_NAMESPACE,
                "POWERTOOLS_LOG_LEVEL": config.log_level,
                **{variable: environment[variable] for variable in spec.environment},
                **config.endpoint_overrides,
            },
        )
        if config.tracing:
            acknowledge(self.role, "AwsSolutions-IAM5[Resource::*]", "xray:PutTraceSegments has no resource")
        raise_alarm(
            self,
            "ErrorsAlarm",
            names=names,
            name=f"{own_name}-errors",
            says=f"{name} raised errors three times in a row of five minutes. Its log group says which.",
            metric=self.function.metric_errors(period=Duration.minutes(5), statistic="Sum"),
            threshold=1,
            periods=3,
        )

    def _grant(self, log_group: logs.LogGroup, key: kms.IKey, more: tuple[Permission, ...]) -> None:
        reads_clock = "CAMPAIGNS_TABLE" in self.spec.environment
        permissions = (*self.spec.permissions, *more, *(Access(self._names).simulated_clock() if reads_clock else ()))
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
            )
        )
        for permission in permissions:
            self.role.add_to_policy(permission.statement())
            acknowledge_patterns(self.role, permission)
        through_key = key_statement(permissions, key.key_arn)
        if through_key is not None:
            self.role.add_to_policy(through_key)

    def consume(self, queue: Queue, *, batch_size: int, concurrency: int, wait: Duration | None = None) -> None:
        """Reads the queue; a failed message of a batch comes back alone. SQS wants a concurrency of at least 2."""
        self.function.add_event_source(
            sources.SqsEventSource(
                queue.queue,
                batch_size=batch_size,
                max_batching_window=wait,
                max_concurrency=max(concurrency, 2),
                report_batch_item_failures=True,
            )
        )

    def follow(self, stream_arn: str, *, patterns: Sequence[Mapping[str, object]], gather: Duration) -> None:
        """Reads a table's stream, those records that match a pattern, `gather` long into one batch.

        A failed batch is halved until the record that fails is alone; after some attempts the dead letters name where
        in the stream it stands. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
        """
        assert self.dead is not None, "a function that follows a stream has dead letters"
        mapping = lambda_.CfnEventSourceMapping(
            self,
            "Stream",
            function_name=self.function.function_name,
            event_source_arn=stream_arn,
            starting_position="TRIM_HORIZON",
            batch_size=10_000,
            maximum_batching_window_in_seconds=int(gather.to_seconds()),
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=10,
            function_response_types=["ReportBatchItemFailures"],
            filter_criteria=lambda_.CfnEventSourceMapping.FilterCriteriaProperty(
                filters=[
                    lambda_.CfnEventSourceMapping.FilterProperty(pattern=json.dumps(pattern)) for pattern in patterns
                ]
            ),
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=self.dead.queue_arn)
            ),
        )
        mapping.node.add_dependency(self.role)
        raise_alarm(
            self,
            "BehindAlarm",
            names=self._names,
            name=f"{self.spec.folder.replace('_', '-')}-behind",
            says=f"{self._names.function(self.spec.folder)} is six hours behind its stream, which forgets after a day. "
            "Find the cause in its log group.",
            metric=self.function.metric(
                "IteratorAge", period=Duration.minutes(5), statistic="Maximum", unit=cloudwatch.Unit.MILLISECONDS
            ),
            threshold=Duration.hours(6).to_milliseconds(),
        )


def construct_id(folder: str) -> str:
    return "".join(part.title() for part in folder.split("_"))


def log_retention(days: int) -> logs.RetentionDays:
    return _RETENTION[days]
