"""Consumers lose nothing silently: dead letters, alarms, partial batches; rules match what they should."""

import json
from typing import Any

from tests.infra.conftest import Stage
from tests.infra.readable import text


def queues(stage: Stage) -> dict[str, dict[str, Any]]:
    return {found["QueueName"]: found for found in stage.properties("AWS::SQS::Queue").values()}


def test_every_queue_has_dead_letters(each_stage: Stage) -> None:
    for name, found in queues(each_stage).items():
        if not name.endswith("-dead"):
            assert f"{name}-dead" in queues(each_stage)
            assert found["RedrivePolicy"]["maxReceiveCount"] >= 3


def test_every_dead_letter_raises_an_alarm_at_the_topic(each_stage: Stage) -> None:
    logical = {
        resource["Properties"]["QueueName"]: name.split("/")[1]
        for name, resource in each_stage.resources("AWS::SQS::Queue").items()
    }
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]: alarm
        for alarm in each_stage.properties("AWS::CloudWatch::Alarm").values()
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        for dimension in alarm["Dimensions"]
    }
    for name in queues(each_stage):
        if name.endswith("-dead"):
            alarm = watched[logical[name]]
            assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


def test_every_alarm_tells_the_alarm_topic_and_says_what_to_do(each_stage: Stage) -> None:
    for alarm in each_stage.properties("AWS::CloudWatch::Alarm").values():
        assert [text(action).rsplit(":", 1)[-1] for action in alarm["AlarmActions"]] == [
            f"winback-{each_stage.name}-alarms"
        ]
        assert len(alarm["AlarmDescription"]) > 20


def test_queues_are_encrypted_by_the_key(each_stage: Stage) -> None:
    assert all("KmsMasterKeyId" in found for found in queues(each_stage).values())


def test_consumers_report_failures_one_by_one(each_stage: Stage) -> None:
    mappings = list(each_stage.properties("AWS::Lambda::EventSourceMapping").values())
    of_queues = [mapping for mapping in mappings if "ScalingConfig" in mapping]

    assert (len(mappings), len(of_queues)) == (7, 6)
    assert {tuple(mapping["FunctionResponseTypes"]) for mapping in mappings} == {("ReportBatchItemFailures",)}
    assert all(mapping["ScalingConfig"]["MaximumConcurrency"] >= 2 for mapping in of_queues)


def test_the_ledgers_stream_is_followed_and_a_failing_record_is_isolated(each_stage: Stage) -> None:
    (mapping,) = [
        found
        for found in each_stage.properties("AWS::Lambda::EventSourceMapping").values()
        if "StartingPosition" in found
    ]
    (stream,) = [
        found
        for found in each_stage.properties("AWS::SSM::Parameter").values()
        if found["Name"] == f"/winback/{each_stage.name}/performance-stream-arn"
    ]
    dead = each_stage.resources("AWS::SQS::Queue")[f"campaigns/{_attribute_of(mapping, 'OnFailure')}"]

    assert stream["Value"]["Fn::GetAtt"][1] == "StreamArn"
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BisectBatchOnFunctionError"]
    assert mapping["MaximumRetryAttempts"] >= 3
    assert dead["Properties"]["QueueName"] == f"winback-{each_stage.name}-engagement-export-dead"
    assert [json.loads(found["Pattern"]) for found in mapping["FilterCriteria"]["Filters"]] == [
        {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "send#"}]}}}}
    ]


def _attribute_of(mapping: dict[str, Any], destination: str) -> str:
    name, attribute = mapping["DestinationConfig"][destination]["Destination"]["Fn::GetAtt"]
    assert attribute == "Arn"
    return str(name)


def test_a_message_stays_hidden_for_longer_than_its_function_runs(each_stage: Stage) -> None:
    timeouts = {
        f["FunctionName"].rsplit("-", 1)[-1]: f["Timeout"]
        for f in each_stage.properties("AWS::Lambda::Function").values()
    }
    found = queues(each_stage)
    for queue, function in (("imports", "worker"), ("sends", "sender"), ("feedback", "feedback")):
        assert found[f"winback-{each_stage.name}-{queue}"]["VisibilityTimeout"] >= timeouts[function]


def test_rules_that_feed_a_queue_keep_what_they_could_not_deliver(each_stage: Stage) -> None:
    for rule in each_stage.properties("AWS::Events::Rule").values():
        for target in rule["Targets"]:
            assert "DeadLetterConfig" in target, rule["Name"]


def test_only_uploads_of_this_lake_start_an_import(each_stage: Stage) -> None:
    (rule,) = [r for r in each_stage.properties("AWS::Events::Rule").values() if r["Name"].endswith("-uploads")]

    pattern = rule["EventPattern"]
    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail"]["object"] == {"key": [{"prefix": "uploads/"}]}
    assert [text(name) for name in pattern["detail"]["bucket"]["name"]] == [
        f"winback-{each_stage.name}-lake-<AWS::AccountId>-<AWS::Region>"
    ]


def test_what_ses_reports_goes_through_a_topic_of_its_own_into_the_feedback_queue(each_stage: Stage) -> None:
    (destination,) = each_stage.resources("AWS::SES::ConfigurationSetEventDestination").values()
    told = destination["Properties"]["EventDestination"]
    topic = told["SnsDestination"]["TopicARN"]["Ref"]
    (policy_name, policy), *others = [
        (name.split("/")[1], found)
        for name, found in each_stage.properties("AWS::SNS::TopicPolicy").items()
        if {"Ref": topic} in found["Topics"]
    ]
    (subscription,) = [
        found
        for found in each_stage.properties("AWS::SNS::Subscription").values()
        if found["TopicArn"] == {"Ref": topic}
    ]
    (allowed,) = [found for found in policy["PolicyDocument"]["Statement"] if found["Effect"] == "Allow"]

    assert len(told["MatchingEventTypes"]) == 8
    assert policy_name in destination["DependsOn"]  # SES tries a topic before it takes it as a destination
    assert not others
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "ses.amazonaws.com"}, "sns:Publish")
    assert {key: text(value) for key, value in allowed["Condition"]["StringEquals"].items()} == {
        "aws:SourceAccount": "<AWS::AccountId>",
        "aws:SourceArn": "arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>:configuration-set/"
        f"winback-{each_stage.name}",
    }
    queue = each_stage.resources("AWS::SQS::Queue")[f"campaigns/{subscription['Endpoint']['Fn::GetAtt'][0]}"]
    assert queue["Properties"]["QueueName"] == f"winback-{each_stage.name}-feedback"


def test_topics_are_encrypted_and_what_they_cannot_deliver_is_kept(each_stage: Stage) -> None:
    subscriptions = each_stage.properties("AWS::SNS::Subscription").values()
    into_queues = [found for found in subscriptions if found["Protocol"] == "sqs"]

    assert all("KmsMasterKeyId" in found for found in each_stage.properties("AWS::SNS::Topic").values())
    assert len(into_queues) == 3
    assert all(found["RawMessageDelivery"] and "RedrivePolicy" in found for found in into_queues)


def test_campaigns_start_from_what_this_stages_bus_tells(each_stage: Stage) -> None:
    (rule,) = [r for r in each_stage.properties("AWS::Events::Rule").values() if r["Name"].endswith("-newly-lapsed")]
    (bus,) = each_stage.properties("AWS::Events::EventBus").values()

    assert rule["EventBusName"] == bus["Name"] == f"winback-{each_stage.name}"
    assert rule["EventPattern"] == {"source": ["winback"], "detail-type": ["Customers Newly Lapsed"]}
    assert "KmsKeyIdentifier" in bus
    assert "DeadLetterConfig" in bus


def test_the_refresh_is_scheduled_with_its_own_time_as_input(each_stage: Stage) -> None:
    schedules = each_stage.properties("AWS::Scheduler::Schedule").values()
    (schedule,) = [s for s in schedules if s["Name"].endswith("-refresh-daily")]

    assert schedule["Target"]["Input"] == '{"as_of": "<aws.scheduler.scheduled-time>"}'
    assert schedule["State"] == ("DISABLED" if each_stage.name == "local" else "ENABLED")


def test_customers_are_clustered_each_quarter(each_stage: Stage) -> None:
    schedules = each_stage.properties("AWS::Scheduler::Schedule").values()
    (schedule,) = [s for s in schedules if s["Name"].endswith("-archetypes-quarterly")]

    assert schedule["ScheduleExpression"] == "cron(0 5 2 1,4,7,10 ? *)"
    assert schedule["State"] == ("DISABLED" if each_stage.name == "local" else "ENABLED")


def test_the_feeder_runs_each_minute_and_its_failures_are_kept(each_stage: Stage) -> None:
    (rule,) = [r for r in each_stage.properties("AWS::Events::Rule").values() if r["Name"].endswith("-feeder")]
    (feeder,) = [
        f for f in each_stage.properties("AWS::Lambda::Function").values() if f["FunctionName"].endswith("-feeder")
    ]

    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert "DeadLetterConfig" in feeder
