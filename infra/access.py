"""What a function may touch, as data. The construct turns it into one policy; nothing else grants anything.

Actions are spelt out: a wildcard never names an action. A resource is a pattern only where single resources cannot be
named before they exist; `reason` then says why, and becomes the acknowledgement of cdk-nag's finding.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from infra.names import Names, account_lists

KeyUse = Literal["decrypt", "encrypt"]

_MADE_WHILE_RUNNING = "accounts, their sender identities and tenants are created while the system runs"
_ONE_PREFIX = "objects under one prefix of the bucket: their keys do not exist yet"


@dataclass(frozen=True)
class Permission:
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    reason: str = ""
    key_service: str = ""  # the service that uses the customer key on the caller's behalf
    key_use: KeyUse = "decrypt"

    def statement(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=list(self.actions), resources=list(self.resources), conditions=self.conditions
        )


class Access:
    """Builds permissions for one stage's resources."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def table(self, which: str, actions: str, *keys: str) -> Permission:
        """`actions` as DynamoDB names them, with spaces between; `keys`: patterns of the partition keys allowed."""
        wanted = actions.split()
        writes = any(not action.endswith(("GetItem", "Query")) for action in wanted)
        return Permission(
            actions=tuple(f"dynamodb:{action}" for action in wanted),
            resources=(self._names.table_arn(which),),
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)}} if keys else {},
            key_service="dynamodb",
            key_use="encrypt" if writes else "decrypt",
        )

    def read_stream(self, which: str) -> Permission:
        """What an event source mapping asks of the function's role: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html"""
        return Permission(
            tuple(
                f"dynamodb:{action}" for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
            ),
            (f"{self._names.table_arn(which)}/stream/*",),
            reason="a stream's name is the moment when it was switched on",
            key_service="dynamodb",
        )

    def read_lake(self, *patterns: str) -> Permission:
        """`patterns` of object keys, such as `uploads/*`."""
        return self._objects("lake", ("s3:GetObject",), patterns, "decrypt")

    def write_lake(self, *patterns: str) -> Permission:
        """Parts of a multipart upload are under s3:PutObject too."""
        return self._objects("lake", ("s3:PutObject", "s3:AbortMultipartUpload"), patterns, "encrypt")

    def write_map_results(self, workflow: str) -> Permission:
        """What a ResultWriter needs, which writes large results in parts
        (https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html)."""
        actions = ("s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")
        return self._objects("lake", actions, (f"{self._names.map_results(workflow)}/*",), "encrypt")

    def account_lists(self, workflow: str) -> tuple[Permission, ...]:
        return self.write_lake(account_lists(workflow)), self.read_lake(account_lists(workflow))

    def delete_lake(self, *patterns: str) -> Permission:
        return self._objects("lake", ("s3:DeleteObject",), patterns, "decrypt")

    def list_lake(self, *patterns: str) -> Permission:
        """`patterns` of prefixes. Without it a missing object answers 403 instead of 404."""
        return Permission(
            actions=("s3:ListBucket",),
            resources=(self._names.bucket_arn("lake"),),
            conditions={"StringLike": {"s3:prefix": list(patterns)}},
        )

    def _objects(self, bucket: str, actions: tuple[str, ...], patterns: Iterable[str], use: KeyUse) -> Permission:
        return Permission(
            actions=actions,
            resources=tuple(f"{self._names.bucket_arn(bucket)}/{pattern}" for pattern in patterns),
            reason=_ONE_PREFIX,
            key_service="s3",
            key_use=use,
        )

    def models(self, actions: str, *keys: str) -> Permission:
        """Objects of the models bucket."""
        wanted = tuple(f"s3:{action}" for action in actions.split())
        return self._objects("models", wanted, keys, "encrypt" if "s3:PutObject" in wanted else "decrypt")

    def list_models(self, *patterns: str) -> Permission:
        return Permission(
            actions=("s3:ListBucket",),
            resources=(self._names.bucket_arn("models"),),
            conditions={"StringLike": {"s3:prefix": list(patterns)}},
        )

    def send_message(self, queue: str) -> Permission:
        actions = ["sqs:SendMessage"]  # of batches too
        if self._names.config.batches_have_own_action:
            actions.append("sqs:SendMessageBatch")
        return Permission(tuple(actions), (self._names.queue_arn(queue),), key_service="sqs", key_use="encrypt")

    def put_events(self) -> Permission:
        """The bus is under the customer key, but EventBridge uses it as itself, not for the caller."""
        return Permission(("events:PutEvents",), (self._names.event_bus_arn,))

    def start(self, *workflows: str) -> Permission:
        return Permission(("states:StartExecution",), tuple(self._names.workflow_arn(name) for name in workflows))

    def score(self, *kinds: str) -> Permission:
        return Permission(("sagemaker:InvokeEndpoint",), tuple(self._names.endpoint_arn(kind) for kind in kinds))

    def read_secret(self) -> Permission:
        return Permission(
            ("secretsmanager:GetSecretValue",),
            (self._names.secret_arns,),
            reason="Secrets Manager appends six random characters to a secret's name",
            key_service="secretsmanager",
        )

    def send_email(self) -> Permission:
        """Any verified identity of the AWS account: each account of Winback sends from an address of its own."""
        return Permission(
            ("ses:SendEmail",),
            (
                f"arn:{Aws.PARTITION}:ses:{Aws.REGION}:{Aws.ACCOUNT_ID}:identity/*",
                self._names.configuration_set_arn,
            ),
            reason=_MADE_WHILE_RUNNING,
        )

    def send_texts_and_notifications(self) -> tuple[Permission, ...]:
        """Texts and notifications through SNS, texts through AWS End User Messaging."""
        ours = f"{Aws.REGION}:{Aws.ACCOUNT_ID}"
        return (
            Permission(("sns:Publish",), ("*",), reason="a text goes to a number, which is no resource of AWS"),
            Permission(
                ("sns:CreatePlatformEndpoint",),
                (f"arn:{Aws.PARTITION}:sns:{ours}:app/*",),
                reason="each account of Winback names the platform application of its app",
            ),
            self._send_text(),
        )

    def read_webhook_keys(self) -> Permission:
        return Permission(
            ("secretsmanager:GetSecretValue",),
            (self._names.webhook_secret_arns,),
            reason="each account of Winback has a signing key of its own, made while the system runs",
            key_service="secretsmanager",
        )

    def check_sending(self) -> tuple[Permission, ...]:
        """What a preflight asks; a text that it tries is a dry run, which IAM cannot tell from another."""
        ours = f"{Aws.REGION}:{Aws.ACCOUNT_ID}"
        identities = (f"arn:{Aws.PARTITION}:ses:{ours}:identity/*",)
        return (
            self.read_send_quota(),
            Permission(("ses:GetEmailIdentity",), identities, reason=_MADE_WHILE_RUNNING),
            Permission(("ses:GetConfigurationSet",), (self._names.configuration_set_arn,)),
            Permission(("ses:GetTenant",), (self._names.tenant_arns,), reason=_MADE_WHILE_RUNNING),
            Permission(
                ("sns:GetSMSAttributes", "sns:GetSMSSandboxAccountStatus", "sms-voice:DescribeAccountAttributes"),
                ("*",),
                reason="settings of the AWS account, which have no resource",
            ),
            Permission(
                ("sns:GetPlatformApplicationAttributes",),
                (f"arn:{Aws.PARTITION}:sns:{ours}:app/*",),
                reason="each account of Winback names the platform application of its app",
            ),
            self._send_text(),
            Permission(
                ("secretsmanager:DescribeSecret",),
                (self._names.webhook_secret_arns,),
                reason="each account of Winback has a signing key of its own, made while the system runs",
            ),
        )

    def _send_text(self) -> Permission:
        return Permission(
            ("sms-voice:SendTextMessage",),
            tuple(
                f"arn:{Aws.PARTITION}:sms-voice:{Aws.REGION}:{Aws.ACCOUNT_ID}:{kind}/*"
                for kind in ("phone-number", "pool", "sender-id", "configuration-set")
            ),
            reason=_MADE_WHILE_RUNNING,
        )

    def read_send_quota(self) -> Permission:
        return Permission(
            ("ses:GetAccount",), ("*",), reason="ses:GetAccount has no resource: the quota belongs to the AWS account"
        )

    def manage_tenants(self) -> tuple[Permission, ...]:
        """Each account is an SES tenant where the stage says so; else nothing."""
        if not self._names.config.ses_tenants:
            return ()
        return (
            Permission(
                ("ses:CreateTenant", "ses:PutTenantSuppressionAttributes"),
                (self._names.tenant_arns,),
                reason=_MADE_WHILE_RUNNING,
            ),
            Permission(
                ("ses:CreateTenantResourceAssociation",),
                (
                    self._names.tenant_arns,
                    f"arn:{Aws.PARTITION}:ses:{Aws.REGION}:{Aws.ACCOUNT_ID}:identity/*",
                    self._names.configuration_set_arn,
                ),
                reason=_MADE_WHILE_RUNNING,
            ),
        )

    def simulated_clock(self) -> tuple[Permission, ...]:
        """The clock item, where the stage's clock is a table's; else nothing."""
        if self._names.config.clock_source != "table":
            return ()
        return (self.table("campaigns", "GetItem", "clock"),)


def key_statement(permissions: Iterable[Permission], key_arn: str) -> iam.PolicyStatement | None:
    """What the permissions need of the customer key, only through the services they name; None when nothing."""
    through = {permission.key_service: permission.key_use for permission in permissions if permission.key_service}
    if not through:
        return None
    actions = ["kms:Decrypt", "kms:DescribeKey"]
    if any(p.key_use == "encrypt" for p in permissions if p.key_service):
        actions += ["kms:Encrypt", "kms:GenerateDataKey"]
    return iam.PolicyStatement(
        actions=actions,
        resources=[key_arn],
        conditions={
            "StringEquals": {"kms:ViaService": [f"{name}.{Aws.REGION}.{Aws.URL_SUFFIX}" for name in sorted(through)]}
        },
    )
