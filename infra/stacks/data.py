"""What all other stacks name: key, tables, buckets, the unsubscribe secret, the event bus, the alarm topic."""

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.constructs.queue import dead_letters
from infra.names import WORK_OF_WORKFLOWS, Names
from infra.stacks.stage_stack import StageStack

TABLES = ("customers", "campaigns", "performance")
FOLLOWED = "performance"  # the table whose changes go on into the lake

# Services that write into encrypted queues and topics on their own account's behalf. The CDK does not add them to an
# imported key's policy, and the emulator would not notice.
_PUBLISHERS = tuple(f"{service}.amazonaws.com" for service in ("events", "cloudwatch", "sns", "ses", "sms-voice"))


class DataStack(StageStack):
    def __init__(self, scope: Construct, names: Names) -> None:
        super().__init__(scope, "data", names, termination_protection=names.config.termination_protection)
        self._removal = RemovalPolicy.RETAIN if names.config.removal == "retain" else RemovalPolicy.DESTROY
        self.key = self._key()
        self._parameter("key-arn", self.key.key_arn, "The customer key of everything that is kept")
        tables = {which: self._table(which) for which in TABLES}
        stream = tables[FOLLOWED].table_stream_arn
        assert stream is not None, "it is switched on"
        self._parameter(f"{FOLLOWED}-stream-arn", stream, "The changes of the send ledger, for the lake")
        logs_bucket = self._access_logs() if names.config.access_logs else None
        self._lake(logs_bucket)
        self._models(logs_bucket)
        self._unsubscribe_secret()
        self._alarm_topic()
        self._event_bus()

    def _key(self) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            alias=self.names.config.prefix,
            description=f"Data at rest of {self.names.config.prefix}",
            enable_key_rotation=True,
            removal_policy=self._removal,
            pending_window=Duration.days(7),
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="ServicesThatPublish",
                principals=[iam.ServicePrincipal(service) for service in _PUBLISHERS],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        if self.names.config.texts:
            key.add_to_resource_policy(self._logs_of_texts())
        return key

    def _logs_of_texts(self) -> iam.PolicyStatement:
        """They name customers' numbers: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"""
        return iam.PolicyStatement(
            sid="LogsOfTexts",
            principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
            actions=[
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:DescribeKey",
            ],
            resources=["*"],
            conditions={
                "ArnEquals": {"kms:EncryptionContext:aws:logs:arn": list(self.names.text_log_group_arns)},
            },
        )

    def _table(self, which: str) -> dynamodb.Table:
        """The older resource type: a global table under a customer key cannot be written without naming the region."""
        return dynamodb.Table(
            self,
            f"{which.title()}Table",
            table_name=self.names.of(which),
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires_at",
            stream=dynamodb.StreamViewType.NEW_IMAGE if which == FOLLOWED else None,
            deletion_protection=self.names.config.termination_protection,
            removal_policy=self._removal,
        )

    def _access_logs(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            bucket_name=self.names.bucket("access-logs"),
            encryption=s3.BucketEncryption.S3_MANAGED,  # log delivery cannot use a customer key
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=self.names.config.enforce_tls,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(self.names.config.log_retention_days),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
            removal_policy=self._removal,
        )
        acknowledge(bucket, "AwsSolutions-S1", "it receives the access logs; logging its own would never end")
        return bucket

    def _lake(self, access_logs: s3.Bucket | None) -> None:
        bucket = self._bucket(
            "lake",
            access_logs,
            [
                s3.LifecycleRule(prefix=f"{prefix}/", expiration=Duration.days(self.names.config.upload_days))
                for prefix in ("uploads", "refresh", "training", WORK_OF_WORKFLOWS)
            ],
        )
        # The L2 switch for EventBridge needs a custom resource; the bucket's own property does not.
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.add_property_override("NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True)

    def _models(self, access_logs: s3.Bucket | None) -> None:
        self._bucket("models", access_logs, [])

    def _bucket(self, which: str, access_logs: s3.Bucket | None, rules: list[s3.LifecycleRule]) -> s3.Bucket:
        config = self.names.config
        return s3.Bucket(
            self,
            which.title(),
            bucket_name=self.names.bucket(which),
            versioned=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=config.enforce_tls,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{which}/" if access_logs is not None else None,
            lifecycle_rules=[
                *rules,
                s3.LifecycleRule(
                    noncurrent_version_expiration=Duration.days(config.noncurrent_version_days),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                ),
            ],
            removal_policy=self._removal,
        )

    def _unsubscribe_secret(self) -> None:
        secret = secretsmanager.Secret(
            self,
            "UnsubscribeSecret",
            secret_name=self.names.secret,
            description="Signs the links of List-Unsubscribe",
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
            removal_policy=self._removal,
        )
        acknowledge(
            secret,
            "AwsSolutions-SMG4",
            "links in mails already sent are signed with it and must work for as long as those mails exist",
        )

    def _alarm_topic(self) -> None:
        topic = sns.Topic(
            self,
            "AlarmTopic",
            topic_name=self.names.of("alarms"),
            master_key=self.key,
            enforce_ssl=self.names.config.enforce_tls,
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        if self.names.config.alarm_email is not None:
            topic.add_subscription(subscriptions.EmailSubscription(self.names.config.alarm_email))

    def _event_bus(self) -> None:
        """Events that EventBridge cannot encrypt or decrypt go to the bus's own dead letters:
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-dlq.html
        """
        dead = dead_letters(self, "events", names=self.names, key=self.key)
        acknowledge(dead, "AwsSolutions-SQS3", "it holds the dead letters of the event bus itself")
        dead.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[dead.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": self.names.event_bus_arn}},
            )
        )
        events.EventBus(
            self,
            "EventBus",
            event_bus_name=self.names.event_bus,
            description=f"What happens in {self.names.config.prefix}, such as customers who newly lapsed",
            kms_key=self.key,
            dead_letter_queue=dead,
        )

    def _parameter(self, which: str, value: str, description: str) -> None:
        ssm.StringParameter(
            self,
            f"{which.title().replace('-', '')}Parameter",
            parameter_name=self.names.parameter(which),
            string_value=value,
            description=description,
        )


def customer_key(stack: Stack, names: Names) -> kms.IKey:
    """The data stack's key, by its parameter, resolved when the stack is deployed."""
    arn = ssm.StringParameter.value_for_string_parameter(stack, names.parameter("key-arn"))
    return kms.Key.from_key_arn(stack, "CustomerKey", arn)
