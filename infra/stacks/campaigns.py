"""Campaigns from audience to feedback: launches, dispatch, SES and what it reports back."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.access import Access
from infra.constructs.queue import Queue
from infra.constructs.topic import topic_into
from infra.constructs.workflow import Workflow
from infra.names import Names
from infra.stacks.data import FOLLOWED
from infra.stacks.dispatch_functions import (
    FEEDBACK_SECONDS,
    SENDER_SECONDS,
    TRIGGER_SECONDS,
    dispatch_functions,
    export_functions,
    trigger_functions,
)
from infra.stacks.function_stack import FunctionStack
from infra.stacks.launch_functions import launch_functions
from infra.stacks.texts import follow_texts
from infra.workflows import campaign, prepare

# Without SEND, which repeats what SES answered: each event costs (docs/decisions/2026-11-22-campaign-cost.md).
FEEDBACK_EVENTS = (
    "DELIVERY",
    "DELIVERY_DELAY",
    "BOUNCE",
    "COMPLAINT",
    "REJECT",
    "RENDERING_FAILURE",
    "OPEN",
    "CLICK",
)


class CampaignsStack(FunctionStack):
    def __init__(self, scope: Construct, names: Names) -> None:
        super().__init__(scope, "campaigns", names)
        self._access = Access(names)
        self.add_functions(launch_functions(self._access))
        self._workflows()
        follow_texts(self)
        self._dispatch()
        self._mail(self._feedback())
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
            manifests=("launches/*/manifest.jsonl",),
            after_failure="The launch is marked failed with the step and the error's name; make a new launch.",
        )
        Workflow(
            self,
            "campaign",
            campaign.definition(chunks=chunks),
            names=self.names,
            key=self.key,
            functions={folder: self.functions[folder] for folder in campaign.FUNCTIONS},
            manifests=("launches/*/manifest.jsonl",),
            after_failure="Nothing more of it is planned. Mend the cause, then redrive the execution.",
        )

    def _feedback(self) -> sns.Topic:
        """What SES reports of our mails -> topic -> queue -> ledger.
        https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-sns.html"""
        names = self.names
        feedback = Queue(self, "feedback", names=names, key=self.key, consumer_seconds=FEEDBACK_SECONDS)
        self.functions["feedback"].consume(
            feedback,
            batch_size=100,
            concurrency=names.config.feedback_concurrency,
            wait=Duration.seconds(names.config.feedback_seconds),
        )
        return topic_into(
            feedback,
            self,
            "feedback",
            names=names,
            key=self.key,
            publisher="ses.amazonaws.com",
            source_arn=names.configuration_set_arn,
        )

    def _mail(self, feedback: sns.Topic) -> None:
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
        destination = ses.CfnConfigurationSetEventDestination(
            self,
            "FeedbackDestination",
            configuration_set_name=configuration.configuration_set_name,
            event_destination=ses.CfnConfigurationSetEventDestination.EventDestinationProperty(
                name="feedback",
                enabled=True,
                matching_event_types=list(FEEDBACK_EVENTS),
                sns_destination=ses.CfnConfigurationSetEventDestination.SnsDestinationProperty(
                    topic_arn=feedback.topic_arn
                ),
            ),
        )
        destination.node.add_dependency(feedback)  # its policy too: SES tries a topic before it takes it
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
        sends = Queue(self, "sends", names=names, key=self.key, consumer_seconds=SENDER_SECONDS, max_receives=10)
        self.add_functions(
            dispatch_functions(self._access),
            environment={"SENDS_QUEUE_URL": sends.queue.queue_url},
            called_asynchronously=["feeder"],
        )
        self.functions["sender"].consume(sends, batch_size=2, concurrency=names.config.send_concurrency)
        feeder = self.functions["feeder"]
        events.Rule(
            self,
            "FeederRule",
            rule_name=names.of("feeder"),
            description="Feeds what is due, each minute",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[targets.LambdaFunction(feeder.function, dead_letter_queue=feeder.dead, retry_attempts=0)],
        )
