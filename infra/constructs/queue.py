"""A queue that loses nothing silently: what keeps failing lands in its dead letters, and that raises an alarm."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.alarm import raise_alarm
from infra.names import Names

_DATA_KEY_REUSE = Duration.hours(
    1
)  # fewer KMS calls, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html


class Queue(Construct):
    def __init__(
        self, scope: Construct, which: str, *, names: Names, key: kms.IKey, consumer_seconds: int, max_receives: int = 5
    ) -> None:
        """`winback-{stage}-{which}` and `...-dead`. `consumer_seconds` is the timeout of the function that reads it."""
        super().__init__(scope, f"{which.title()}Queue")
        config = names.config
        self.dead = dead_letters(self, which, names=names, key=key)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=names.of(which),
            visibility_timeout=Duration.seconds(config.seconds(consumer_seconds) * config.redelivery_factor),
            retention_period=Duration.days(4),
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            data_key_reuse=_DATA_KEY_REUSE,
            enforce_ssl=config.enforce_tls,
            removal_policy=RemovalPolicy.DESTROY,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead, max_receive_count=max_receives),
        )


def dead_letters(scope: Construct, which: str, *, names: Names, key: kms.IKey) -> sqs.Queue:
    """`winback-{stage}-{which}-dead` with its alarm: a single message in it is somebody's work."""
    queue = sqs.Queue(
        scope,
        "DeadLetters",
        queue_name=names.of(f"{which}-dead"),
        retention_period=Duration.days(14),
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        data_key_reuse=_DATA_KEY_REUSE,
        enforce_ssl=names.config.enforce_tls,
        removal_policy=RemovalPolicy.DESTROY,
    )
    raise_alarm(
        scope,
        "DeadLettersAlarm",
        names=names,
        name=f"{which}-dead-letters",
        says=f"Messages of {which} failed for good. Find the cause in the function's log, then redrive the queue.",
        metric=queue.metric_approximate_number_of_messages_visible(period=Duration.minutes(1), statistic="Maximum"),
        threshold=1,
        comparison=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    )
    return queue
