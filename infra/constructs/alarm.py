"""An alarm that tells the alarm topic, named by stage."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.names import Names


def raise_alarm(
    scope: Construct,
    construct_id: str,
    *,
    names: Names,
    name: str,
    says: str,
    metric: cloudwatch.IMetric,
    threshold: float,
    periods: int = 1,
    comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
) -> cloudwatch.Alarm:
    """`says` is the alarm's description: what is wrong and what to do about it. Missing data is quiet."""
    alarm = cloudwatch.Alarm(
        scope,
        construct_id,
        alarm_name=names.of(name),
        alarm_description=says,
        metric=metric,
        threshold=threshold,
        evaluation_periods=periods,
        comparison_operator=comparison,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    topic = sns.Topic.from_topic_arn(scope, f"{construct_id}Topic", names.alarm_topic_arn)
    alarm.add_alarm_action(actions.SnsAction(topic))
    return alarm
