"""Campaigns from audience to feedback: launches, dispatch, SES and what it reports back."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_ses as ses
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.access import Access
from infra.constructs.python_function import FunctionSpec
from infra.constructs.queue import Queue
from infra.constructs.workflow import Workflow
from infra.names import Names
from infra.stacks.data import FOLLOWED
from infra.stacks.function_stack import FunctionStack
from infra.stacks.texts import follow_texts
from infra.workflows import campaign, prepare

SENDER_SECONDS = 60
FEEDBACK_SECONDS = 60
TRIGGER_SECONDS = 60

# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html. Without SEND, which repeats what SES answered:
# each event costs (docs/decisions/2026-11-22-campaign-cost.md).
FEEDBACK_EVENTS = (
    "Email Delivered",
    "Email Delivery Delayed",
    "Email Bounced",
    "Email Complaint Received",
    "Email Rejected",
    "Email Rendering Failed",
    "Email Opened",
    "Email Clicked",
)


def launch_functions(access: Access) -> tuple[FunctionSpec, ...]:
    return (
        FunctionSpec(
            folder="launch_candidates",
            does="Snapshot x audience -> chunks of candidates and their manifest; the holdout's size",
            package="data",
            memory_mb=2048,
            timeout_seconds=600,
            storage_mb=4096,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch"),
                access.table("campaigns", "PutItem", "*#launch"),  # the holdout's size
                access.table("campaigns", "Query", "*#lift"),
                access.read_lake(
                    "snapshots/*/customers.parquet",
                    "snapshots/*/summary.json",
                    "snapshots/*/rubric.json",
                    "engagement/*",
                ),
                access.write_lake("launches/*/candidates/*", "launches/*/manifest.jsonl"),
                access.list_lake("engagement/*", "snapshots/*"),  # a slice may ask for touches
            ),
        ),
        FunctionSpec(
            folder="launch_enrol",
            does="One chunk: eligibility, then holdout and variants",
            memory_mb=512,
            timeout_seconds=300,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch"),
                access.table("customers", "BatchGetItem"),
                access.read_lake("launches/*/candidates/*", "launches/*/audience/*"),
                access.write_lake("launches/*/audience/*"),
            ),
        ),
        FunctionSpec(
            folder="launch_offers",
            does="Which offer each treated customer gets, within the launch's budget",
            package="data",
            memory_mb=3008,
            timeout_seconds=900,
            storage_mb=4096,
            environment=("CAMPAIGNS_TABLE", "PERFORMANCE_TABLE", "LAKE_BUCKET", "OFFER_ENDPOINT"),
            permissions=(
                access.table("campaigns", "GetItem", "*#launch", "*#snapshot"),
                access.table("performance", "BatchGetItem"),
                access.read_lake(
                    "snapshots/*/customers.parquet",
                    "launches/*/manifest.jsonl",
                    "launches/*/audience/*",
                    "launches/*/offers/*",
                ),
                access.write_lake("launches/*/offers/*", "launches/*/offers.json", "launches/*/decisions/*"),
                access.list_lake("launches/*/offers/*"),
                access.score("offer"),
            ),
        ),
        FunctionSpec(
            folder="launch_plan",
            does="One chunk of one step: channel, offer, time and gate; live: its entries in the due index",
            package="data",  # the hours of a step with a window come from the lake's events
            memory_mb=1024,
            timeout_seconds=300,
            storage_mb=4096,
            environment=(
                "CAMPAIGNS_TABLE",
                "CUSTOMERS_TABLE",
                "PERFORMANCE_TABLE",
                "LAKE_BUCKET",
                "SEND_TIME_ENDPOINT",
            ),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch", "*#budget#*"),
                access.table("campaigns", "Query", "*#launch"),  # those of higher priority
                access.table("campaigns", "PutItem", "due#*"),
                access.table("customers", "BatchGetItem"),
                access.table("performance", "BatchGetItem"),
                access.read_lake(
                    "launches/*/manifest.jsonl",
                    "launches/*/audience/*",
                    "launches/*/offers/*",
                    "launches/*/decisions/*",
                    "launches/*/paths/*",
                    "launches/*/plan-*",
                    "snapshots/*/rubric.json",
                    "orders/*",
                    "rates/*",
                    "customers/*",
                    "engagement/*",
                ),
                access.write_lake("launches/*/plan-*", "decisions/*"),
                access.list_lake(
                    "launches/*/decisions/*",
                    "launches/*/paths/*",
                    "launches/*/plan-live/*",
                    "snapshots/*/rubric.json",
                    "orders/*",
                    "rates/*",
                    "customers/*",
                    "engagement/*",
                ),
                access.score("send_time"),
            ),
        ),
        FunctionSpec(
            folder="launch_summary",
            does="Adds the planned chunks up, beside quotas, history and prices: the dry run and its page",
            memory_mb=512,
            timeout_seconds=300,
            environment=(
                "CAMPAIGNS_TABLE",
                "LAKE_BUCKET",
                "SES_CONFIGURATION_SET",
                "SES_TENANTS",
                "SMS_CONFIGURATION_SET",
                "SMS_ORIGINATION_IDENTITY",
                "CHANNEL_RATES",
            ),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch"),
                access.table("campaigns", "PutItem", "*#launch"),
                access.table("campaigns", "Query", "*#lift"),
                access.read_lake(
                    "launches/*/manifest.jsonl",
                    "launches/*/audience/*",
                    "launches/*/plan-dry_run/*",
                    "launches/*/offers/*",
                    "snapshots/*/summary.json",
                    "snapshots/*/rubric.json",
                ),
                access.write_lake("launches/*/dry_run.json", "launches/*/dry_run.html"),
                access.list_lake("snapshots/*"),  # a snapshot of before summaries and rubrics has none
                *access.check_sending(),
            ),
        ),
        FunctionSpec(
            folder="launch_clock",
            does="What is next in an approved launch, and until when to wait; starts it, and heeds its guardrails",
            environment=("CAMPAIGNS_TABLE",),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch", "*#reputation"),
                access.table("campaigns", "PutItem", "*#launch"),
            ),
        ),
        FunctionSpec(
            folder="launch_evaluate",
            does="One chunk of one branch: which way each customer goes, written once",
            memory_mb=512,
            timeout_seconds=300,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "PERFORMANCE_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "*#launch"),
                access.table("customers", "BatchGetItem"),
                access.table("performance", "BatchGetItem"),
                access.read_lake("launches/*/audience/*", "launches/*/paths/*"),
                access.write_lake("launches/*/paths/*"),
            ),
        ),
        FunctionSpec(
            folder="launch_report",
            does="Ledger and lake -> the report; the launch is finished",
            package="data",
            memory_mb=3008,
            timeout_seconds=900,
            storage_mb=4096,
            environment=("CAMPAIGNS_TABLE", "PERFORMANCE_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch"),
                access.table("campaigns", "PutItem", "*#launch", "*#lift"),
                access.table("performance", "BatchGetItem"),
                access.read_lake(
                    "launches/*/manifest.jsonl",
                    "launches/*/audience/*",
                    "launches/*/plan-live/*",
                    "launches/*/paths/*",
                    "launches/*/offers/*",
                    "launches/*/dry_run.json",
                    "orders/*",
                ),
                access.write_lake("launches/*/report.json", "launches/*/report.html"),
                access.list_lake("launches/*", "orders/*"),
            ),
        ),
    )


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


class CampaignsStack(FunctionStack):
    def __init__(self, scope: Construct, names: Names) -> None:
        super().__init__(scope, "campaigns", names)
        self._access = Access(names)
        self.add_functions(launch_functions(self._access))
        self._workflows()
        self._mail()
        follow_texts(self)
        self._dispatch()
        self._triggers()
        self._export()

    def _workflows(self) -> None:
        chunks = self.names.config.chunk_concurrency
        Workflow(
            self,
            "prepare",
            prepare.definition(chunks=chunks),
            names=self.names,
            key=self.key,
            functions={folder: self.functions[folder] for folder in prepare.FUNCTIONS},
            manifests="launches/*/manifest.jsonl",
            after_failure="The launch is marked failed with the step and the error's name; make a new launch.",
        )
        Workflow(
            self,
            "campaign",
            campaign.definition(chunks=chunks),
            names=self.names,
            key=self.key,
            functions={folder: self.functions[folder] for folder in campaign.FUNCTIONS},
            manifests="launches/*/manifest.jsonl",
            after_failure="Nothing more of it is planned. Mend the cause, then redrive the execution.",
        )

    def _mail(self) -> None:
        """The configuration set whose events come back, and the stage's own sending domain."""
        names = self.names
        configuration = ses.ConfigurationSet(
            self,
            "ConfigurationSet",
            configuration_set_name=names.configuration_set,
            reputation_metrics=True,
            sending_enabled=True,
            suppression_reasons=ses.SuppressionReasons.BOUNCES_AND_COMPLAINTS,
            tls_policy=ses.ConfigurationSetTlsPolicy.REQUIRE if names.config.enforce_tls else None,
            dedicated_ip_pool=ses.DedicatedIpPool.from_dedicated_ip_pool_name(self, "Pool", names.config.ses_pool)
            if names.config.ses_pool
            else None,
        )
        ses.CfnConfigurationSetEventDestination(
            self,
            "FeedbackDestination",
            configuration_set_name=configuration.configuration_set_name,
            event_destination=ses.CfnConfigurationSetEventDestination.EventDestinationProperty(
                name="feedback",
                enabled=True,
                matching_event_types=[
                    "DELIVERY",
                    "DELIVERY_DELAY",
                    "BOUNCE",
                    "COMPLAINT",
                    "REJECT",
                    "RENDERING_FAILURE",
                    "OPEN",
                    "CLICK",
                ],
                event_bridge_destination=ses.CfnConfigurationSetEventDestination.EventBridgeDestinationProperty(
                    event_bus_arn=f"arn:{self.partition}:events:{self.region}:{self.account}:event-bus/default"
                ),
            ),
        )
        ses.EmailIdentity(
            self,
            "Identity",
            identity=ses.Identity.domain(names.config.sender_domain),
            configuration_set=configuration,
            mail_from_domain=f"bounce.{names.config.sender_domain}",
        )

    def _triggers(self) -> None:
        """What happened on the stage's bus, and the hour -> queue -> launches."""
        names = self.names
        triggers = Queue(self, "triggers", names=names, key=self.key, consumer_seconds=TRIGGER_SECONDS)
        self.add_functions(trigger_functions(self._access))
        self.functions["campaign_trigger"].consume(triggers, batch_size=1, concurrency=2)
        events.Rule(
            self,
            "NewlyLapsedRule",
            rule_name=names.of("newly-lapsed"),
            description="Customers newly lapsed -> the campaigns that start from it",
            event_bus=events.EventBus.from_event_bus_name(self, "EventBus", names.event_bus),
            event_pattern=events.EventPattern(source=["winback"], detail_type=["Customers Newly Lapsed"]),
            targets=[
                targets.SqsQueue(
                    triggers.queue, dead_letter_queue=triggers.dead, retry_attempts=50, max_event_age=Duration.hours(24)
                )
            ],
        )
        events.Rule(
            self,
            "SchedulesRule",
            rule_name=names.of("schedules"),
            description="Each hour -> the campaigns whose schedule starts them within a day",
            schedule=events.Schedule.rate(Duration.hours(1)),
            targets=[
                targets.SqsQueue(
                    triggers.queue, dead_letter_queue=triggers.dead, retry_attempts=5, max_event_age=Duration.hours(1)
                )
            ],
        )

    def _export(self) -> None:
        """The ledger's stream -> the lake. Its dead letters name a place in the stream (docs/runbook.md)."""
        names = self.names
        self.add_functions(export_functions(self._access), called_asynchronously=["engagement_export"])
        stream = ssm.StringParameter.value_for_string_parameter(self, names.parameter(f"{FOLLOWED}-stream-arn"))
        self.functions["engagement_export"].follow(
            stream,
            patterns=[
                {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "send#"}]}}}},
            ],
            gather=Duration.seconds(names.config.export_seconds),
        )

    def _dispatch(self) -> None:
        names = self.names
        config = names.config
        sends = Queue(self, "sends", names=names, key=self.key, consumer_seconds=SENDER_SECONDS, max_receives=10)
        feedback = Queue(self, "feedback", names=names, key=self.key, consumer_seconds=FEEDBACK_SECONDS)
        self.add_functions(
            dispatch_functions(self._access),
            environment={"SENDS_QUEUE_URL": sends.queue.queue_url},
            called_asynchronously=["feeder"],
        )
        self.functions["sender"].consume(sends, batch_size=2, concurrency=config.send_concurrency)
        self.functions["feedback"].consume(
            feedback, batch_size=50, concurrency=config.feedback_concurrency, wait=Duration.seconds(1)
        )
        feeder = self.functions["feeder"]
        events.Rule(
            self,
            "FeederRule",
            rule_name=names.of("feeder"),
            description="Feeds what is due, each minute",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[targets.LambdaFunction(feeder.function, dead_letter_queue=feeder.dead, retry_attempts=0)],
        )
        events.Rule(
            self,
            "FeedbackRule",
            rule_name=names.of("feedback"),
            description="What SES reports of our mails -> the feedback queue",
            event_pattern=events.EventPattern(
                source=["aws.ses"],
                detail_type=list(FEEDBACK_EVENTS),
                detail={"mail": {"tags": {"ses:configuration-set": [names.configuration_set]}}},
            ),
            targets=[
                targets.SqsQueue(
                    feedback.queue, dead_letter_queue=feedback.dead, retry_attempts=50, max_event_age=Duration.hours(24)
                )
            ],
        )
