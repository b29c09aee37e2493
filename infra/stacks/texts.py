"""What comes back about texts: events of AWS End User Messaging, SNS's log of texts, and customers' answers."""

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_smsvoice as smsvoice
from aws_cdk import aws_sns as sns

from infra.access import Access
from infra.acknowledgements import acknowledge, readable
from infra.constructs.python_function import FunctionSpec, log_retention
from infra.constructs.queue import Queue
from infra.constructs.topic import topic_into
from infra.names import Names
from infra.stacks.function_stack import FunctionStack

TEXT_SECONDS = 60
_TABLES = ("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "PERFORMANCE_TABLE")


def text_functions(access: Access) -> tuple[FunctionSpec, ...]:
    return (
        FunctionSpec(
            folder="sms_events",
            does="What became of texts -> the ledger row and the suppression list",
            timeout_seconds=TEXT_SECONDS,
            environment=_TABLES,
            permissions=(
                access.table("campaigns", "GetItem", "accounts"),
                access.table("campaigns", "UpdateItem", "*#reputation"),
                access.table("customers", "PutItem", "*#address#*"),
                access.table("performance", "GetItem", "text#*"),
                access.table("performance", "UpdateItem"),
            ),
        ),
        FunctionSpec(
            folder="sms_inbound",
            does="What customers text back: STOP ends texts to them",
            timeout_seconds=TEXT_SECONDS,
            environment=(*_TABLES, "SMS_ORIGINATION_IDENTITY"),
            permissions=(
                access.table("campaigns", "GetItem Query", "accounts"),
                access.table("campaigns", "UpdateItem", "*#reputation"),
                access.table("customers", "GetItem UpdateItem"),
                access.table("customers", "PutItem", "*#address#*"),
                access.table("performance", "GetItem", "text#*"),
                access.table("performance", "UpdateItem"),
            ),
        ),
    )


def follow_texts(stack: FunctionStack) -> None:
    """Queues and functions in every stage; what writes into them where the stage sends texts."""
    names = stack.names
    stack.add_functions(text_functions(Access(names)), called_asynchronously=["sms_events"])
    events = _topic_into(stack, "texts", "sms_events")
    _topic_into(stack, "text-answers", "sms_inbound")
    if names.config.texts:
        _end_user_messaging(stack, events)
        for part, name in zip(("", "Failure"), names.text_log_groups, strict=True):
            _follow_log(stack, part, name)
        _log_writer(stack)


def _topic_into(stack: FunctionStack, which: str, folder: str) -> sns.Topic:
    """`winback-{stage}-texts`, `-text-answers`: an operator makes the latter the two-way channel of a number."""
    names = stack.names
    queue = Queue(stack, which, names=names, key=stack.key, consumer_seconds=TEXT_SECONDS)
    topic = topic_into(queue, stack, which, names=names, key=stack.key, publisher="sms-voice.amazonaws.com")
    stack.functions[folder].consume(queue, batch_size=10, concurrency=2)
    return topic


def _end_user_messaging(stack: FunctionStack, events: sns.Topic) -> None:
    """https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets.html; the opt-out list is for the
    stage's numbers and pools, which an operator asks for: countries want them registered first."""
    names = stack.names
    smsvoice.CfnConfigurationSet(
        stack,
        "TextConfigurationSet",
        configuration_set_name=names.text_configuration_set,
        event_destinations=[
            smsvoice.CfnConfigurationSet.EventDestinationProperty(
                event_destination_name="texts",
                enabled=True,
                matching_event_types=["TEXT_ALL"],
                sns_destination=smsvoice.CfnConfigurationSet.SnsDestinationProperty(topic_arn=events.topic_arn),
            )
        ],
    )
    smsvoice.CfnOptOutList(stack, "TextOptOutList", opt_out_list_name=names.config.prefix)


def _follow_log(stack: FunctionStack, part: str, name: str) -> None:
    function = stack.functions["sms_events"].function
    group = logs.LogGroup(
        stack,
        f"Texts{part}Log",
        log_group_name=name,
        encryption_key=stack.key,
        retention=log_retention(stack.names.config.log_retention_days),
        removal_policy=RemovalPolicy.DESTROY,
    )
    permission = lambda_.CfnPermission(
        stack,
        f"Texts{part}LogPermission",
        action="lambda:InvokeFunction",
        function_name=function.function_arn,
        principal="logs.amazonaws.com",
        source_account=Aws.ACCOUNT_ID,
        source_arn=group.log_group_arn,
    )
    subscription = logs.CfnSubscriptionFilter(
        stack,
        f"Texts{part}LogSubscription",
        log_group_name=group.log_group_name,
        destination_arn=function.function_arn,
        filter_pattern="",
    )
    subscription.add_dependency(permission)


def _log_writer(stack: FunctionStack) -> None:
    """The role that SNS writes its log with, once an operator has named it (docs/runbook.md, Texts)."""
    role = iam.Role(
        stack,
        "TextLogRole",
        role_name=text_log_role(stack.names),
        assumed_by=iam.ServicePrincipal("sns.amazonaws.com"),
        description="Writes what became of texts into CloudWatch Logs",
    )
    groups = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:sns/*"
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:PutRetentionPolicy"],
            resources=[groups],
        )
    )
    acknowledge(
        role, f"AwsSolutions-IAM5[Resource::{readable(stack.resolve(groups))}]", "log groups that SNS itself names"
    )


def text_log_role(names: Names) -> str:
    """A role is known in all regions, so its name says which it serves."""
    return f"{names.of('text-log')}-{Aws.REGION}"
