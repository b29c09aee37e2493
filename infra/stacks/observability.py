"""One page that says whether it works, and the alarms that belong to no single function."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.alarm import raise_alarm
from infra.names import Names
from infra.stacks.data import TABLES
from infra.stacks.stage_stack import StageStack

QUEUES = ("imports", "sends", "feedback", "texts", "text-answers")
DEAD_LETTERS = (*(f"{queue}-dead" for queue in QUEUES), "feeder-dead", "sms-events-dead", "schedule-dead")
WORKFLOWS = ("refresh", "prepare", "campaign", "archetypes", "train")
FUNCTIONS = (
    "import_worker",
    "refresh_value",
    "refresh_recommend",
    "refresh_score",
    "launch_plan",
    "feeder",
    "sender",
    "feedback",
    "sms_events",
    "sms_inbound",
    "unsubscribe",
    "authorizer",
)

# SES reviews an account at 5 % bounces or 0.1 % complaints: warn at half of it.
# https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html
BOUNCE_RATE = 0.025
COMPLAINT_RATE = 0.0005
SENDING_ALARMS = (
    (
        "sending-stopped",
        "feeder",
        "stopped_by_itself",
        1,
        "An account's sending stopped by itself: too many bounces or complaints (docs/runbook.md, Sending stopped).",
    ),
    (
        "provider-out",
        "feeder",
        "circuits_open",
        3,
        "A channel's provider has not answered for 15 minutes: its messages wait (docs/runbook.md, A provider is out).",
    ),
    (
        "codes-low",
        "sender",
        "code_pools_low",
        1,
        "An offer is running out of codes: sends that find none are skipped (docs/runbook.md, Codes run low).",
    ),
)
_FIVE_MINUTES = Duration.minutes(5)
_HALF = 12


class ObservabilityStack(StageStack):
    def __init__(self, scope: Construct, names: Names) -> None:
        super().__init__(scope, "observability", names)
        self._alarms()
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=names.config.prefix)
        for left, right in (
            (self._queue_graph(), self._dead_letter_graph()),
            (self._workflow_graph(), self._error_graph()),
            (self._mail_graph(), self._reputation_graph()),
            (self._api_graph(), self._table_graph()),
        ):
            dashboard.add_widgets(left, right)

    def _alarms(self) -> None:
        for name, metric, limit in (
            ("bounce-rate", "Reputation.BounceRate", BOUNCE_RATE),
            ("complaint-rate", "Reputation.ComplaintRate", COMPLAINT_RATE),
        ):
            raise_alarm(
                self,
                f"{name.title().replace('-', '')}Alarm",
                names=self.names,
                name=f"ses-{name}",
                says=f"The {name} is at half of what makes SES review the account. Pause launches, look at the lists.",
                metric=self._metric("AWS/SES", metric, statistic="Maximum", period=Duration.hours(1)),
                threshold=limit,
            )
        for name, service, metric, periods, says in SENDING_ALARMS:
            raise_alarm(
                self,
                f"{name.title().replace('-', '')}Alarm",
                names=self.names,
                name=name,
                says=says,
                metric=self._metric("Winback", metric, statistic="Maximum", service=service),
                threshold=1,
                periods=periods,
            )
        for queue, hours in (("sends", 1), ("feedback", 1), ("imports", 6)):
            raise_alarm(
                self,
                f"{queue.title()}AgeAlarm",
                names=self.names,
                name=f"{queue}-age",
                says=f"The oldest message of {queue} has waited for {hours} h: its function is too slow or stuck.",
                metric=self._metric(
                    "AWS/SQS",
                    "ApproximateAgeOfOldestMessage",
                    statistic="Maximum",
                    QueueName=self.names.of(queue),
                ),
                threshold=hours * 3600,
            )
        for table in TABLES:
            raise_alarm(
                self,
                f"{table.title()}ThrottleAlarm",
                names=self.names,
                name=f"{table}-throttled",
                says=f"Writes to {table} were throttled for 15 minutes: a partition is hot.",
                metric=self._metric("AWS/DynamoDB", "WriteThrottleEvents", TableName=self.names.of(table)),
                threshold=1,
                periods=3,
            )

    def _metric(
        self,
        namespace: str,
        name: str,
        *,
        statistic: str = "Sum",
        period: Duration = _FIVE_MINUTES,
        label: str | None = None,
        **dimensions: str,
    ) -> cloudwatch.Metric:
        """`label` is for graphs only: a labelled metric makes an alarm one of metric math."""
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=name,
            statistic=statistic,
            period=period,
            label=label,
            dimensions_map=dimensions or None,
        )

    def _queue_metric(self, queue: str, name: str) -> cloudwatch.Metric:
        return self._metric("AWS/SQS", name, statistic="Maximum", label=queue, QueueName=self.names.of(queue))

    def _queue_graph(self) -> cloudwatch.GraphWidget:
        return _graph(
            "Oldest message waiting (s)", [self._queue_metric(q, "ApproximateAgeOfOldestMessage") for q in QUEUES]
        )

    def _dead_letter_graph(self) -> cloudwatch.GraphWidget:
        return _graph(
            "Dead letters", [self._queue_metric(q, "ApproximateNumberOfMessagesVisible") for q in DEAD_LETTERS]
        )

    def _workflow_graph(self) -> cloudwatch.GraphWidget:
        return _graph(
            "Workflow executions failed",
            [
                self._metric(
                    "AWS/States", "ExecutionsFailed", label=which, StateMachineArn=self.names.workflow_arn(which)
                )
                for which in WORKFLOWS
            ],
        )

    def _error_graph(self) -> cloudwatch.GraphWidget:
        return _graph(
            "Function errors",
            [
                self._metric("AWS/Lambda", "Errors", label=folder, FunctionName=self.names.function(folder))
                for folder in FUNCTIONS
            ],
        )

    def _mail_graph(self) -> cloudwatch.GraphWidget:
        return _graph("Mails", [self._metric("AWS/SES", name) for name in ("Send", "Delivery", "Bounce", "Complaint")])

    def _reputation_graph(self) -> cloudwatch.GraphWidget:
        rates = ("Reputation.BounceRate", "Reputation.ComplaintRate")
        return _graph("SES reputation", [self._metric("AWS/SES", name, statistic="Maximum") for name in rates])

    def _api_graph(self) -> cloudwatch.GraphWidget:
        names = ("Count", "4XXError", "5XXError")
        return _graph("API requests", [self._metric("AWS/ApiGateway", n, ApiName=self.names.of("api")) for n in names])

    def _table_graph(self) -> cloudwatch.GraphWidget:
        return _graph(
            "Written capacity",
            [
                self._metric("AWS/DynamoDB", "ConsumedWriteCapacityUnits", label=table, TableName=self.names.of(table))
                for table in TABLES
            ],
        )


def _graph(title: str, metrics: list[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, width=_HALF, height=6)
