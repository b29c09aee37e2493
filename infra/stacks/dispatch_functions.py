"""The functions that send what is due and hear what became of it, and those that follow: each with what it may do."""

from infra.access import Access
from infra.constructs.python_function import FunctionSpec
from infra.stacks.data import FOLLOWED

SENDER_SECONDS = 60
FEEDBACK_SECONDS = 60
TRIGGER_SECONDS = 60


def dispatch_functions(access: Access) -> tuple[FunctionSpec, ...]:
    return (
        FunctionSpec(
            folder="feeder",
            does="Releases due rows, at most a minute's quota, into the sends queue",
            timeout_seconds=55,
            reserved_concurrency=1,
            environment=("CAMPAIGNS_TABLE", "SENDS_QUEUE_URL", "CHANNEL_RATES"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch", "*#sending", "circuit#*"),
                access.table("campaigns", "BatchGetItem", "*#sending", "sending#all"),
                access.table("campaigns", "UpdateItem", "quota#*", "*#sending"),
                access.table("campaigns", "PutItem", "circuit#*"),
                access.table("campaigns", "Query", "quota#*", "*#reputation"),
                access.table("campaigns", "Query PutItem DeleteItem", "due#*"),
                access.send_message("sends"),
                access.read_send_quota(),
            ),
        ),
        FunctionSpec(
            folder="sender",
            does="Re-reads the facts, gates, claims, calls the channel's provider, records",
            memory_mb=512,
            timeout_seconds=SENDER_SECONDS,
            environment=(
                "CAMPAIGNS_TABLE",
                "CUSTOMERS_TABLE",
                "PERFORMANCE_TABLE",
                "LAKE_BUCKET",
                "SES_CONFIGURATION_SET",
                "SES_TENANTS",
                "SMS_CONFIGURATION_SET",
                "SMS_ORIGINATION_IDENTITY",
                "UNSUBSCRIBE_SECRET",
            ),
            permissions=(
                access.table("campaigns", "BatchGetItem", "*#launch", "*#sending", "sending#all", "circuit#*"),
                access.table("campaigns", "GetItem", "accounts", "*#budget#*", "*#codes#*"),
                access.table("campaigns", "PutItem", "due#*", "circuit#*"),
                access.table("campaigns", "UpdateItem", "*#budget#*", "*#codes#*", "*#reputation"),
                access.table("campaigns", "Query", "*#codes#*"),
                access.table("customers", "BatchGetItem"),
                access.table("customers", "PutItem", "*#address#*"),
                access.table("performance", "BatchGetItem GetItem PutItem UpdateItem"),
                access.read_lake("launches/*/plan-live/*", "snapshots/*/recommendations.json*"),
                access.list_lake("snapshots/*/recommendations.json"),  # not every snapshot has them
                access.send_email(),
                *access.send_texts_and_notifications(),
                access.read_webhook_keys(),
                access.read_secret(),
            ),
        ),
        FunctionSpec(
            folder="feedback",
            does="SES events -> the ledger row and the suppression list",
            timeout_seconds=FEEDBACK_SECONDS,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "PERFORMANCE_TABLE"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts"),
                access.table("campaigns", "UpdateItem", "*#reputation"),
                access.table("customers", "UpdateItem"),  # consent
                access.table("customers", "PutItem", "*#address#*"),
                access.table("performance", "UpdateItem"),
            ),
        ),
    )


def export_functions(access: Access) -> tuple[FunctionSpec, ...]:
    return (
        FunctionSpec(
            folder="engagement_export",
            does="Changes of the send ledger -> engagement files of the lake",
            memory_mb=1024,
            timeout_seconds=120,
            environment=("LAKE_BUCKET",),
            permissions=(access.read_stream(FOLLOWED), access.write_lake("engagement/*")),
        ),
    )


def trigger_functions(access: Access) -> tuple[FunctionSpec, ...]:
    return (
        FunctionSpec(
            folder="campaign_trigger",
            does="Customers newly lapsed, or the hour -> launches of campaigns that start from it, to be approved",
            memory_mb=512,
            timeout_seconds=TRIGGER_SECONDS,
            environment=("CAMPAIGNS_TABLE", "PREPARE_WORKFLOW_ARN", "CAMPAIGN_WORKFLOW_ARN"),
            permissions=(
                access.table(
                    "campaigns", "GetItem", "accounts", "*#campaign", "*#launch", "*#offer", "*#snapshot", "*#template"
                ),
                access.table("campaigns", "PutItem", "*#campaign", "*#launch", "*#trigger"),
                access.table("campaigns", "Query", "accounts", "*#campaign", "*#slice", "*#launch"),
                access.start("prepare", "campaign"),
            ),
        ),
    )
