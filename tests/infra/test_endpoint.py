"""Each kind's endpoint serves its champion's key, by either kind of hosting."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.names import KINDS
from tests.infra.conftest import Stage, synthesize
from tests.infra.readable import policies_of_roles, text, texts


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory, model_stand_in: Path) -> Stage:
    return synthesize(tmp_path_factory.mktemp("provisioned"), "dev", model_stand_in, endpoint_hosting="provisioned")


def test_they_are_serverless_unless_the_stage_asks_for_instances(aws_stage: Stage) -> None:
    configs = aws_stage.properties("AWS::SageMaker::EndpointConfig").values()
    endpoints = aws_stage.properties("AWS::SageMaker::Endpoint").values()

    assert all("ServerlessConfig" in config["ProductionVariants"][0] for config in configs)
    assert sorted(endpoint["EndpointName"] for endpoint in endpoints) == sorted(
        f"winback-{aws_stage.name}-{kind.replace('_', '-')}-serverless" for kind in KINDS
    )
    assert aws_stage.resources("AWS::ApplicationAutoScaling::ScalableTarget") == {}


def test_instances_scale_with_the_calls(provisioned: Stage) -> None:
    configs = provisioned.properties("AWS::SageMaker::EndpointConfig").values()
    targets = provisioned.properties("AWS::ApplicationAutoScaling::ScalableTarget").values()
    policies = provisioned.properties("AWS::ApplicationAutoScaling::ScalingPolicy").values()

    assert {config["ProductionVariants"][0]["InstanceType"] for config in configs} == {"ml.m5.large"}
    assert sorted(target["ResourceId"] for target in targets) == sorted(
        f"endpoint/winback-dev-{kind.replace('_', '-')}-provisioned/variant/AllTraffic" for kind in KINDS
    )
    metrics = [
        policy["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"] for policy in policies
    ]
    assert {metric["PredefinedMetricType"] for metric in metrics} == {"SageMakerVariantInvocationsPerInstance"}
    assert len(metrics) == len(KINDS)


def test_the_provisioned_kind_passes_the_same_checks(provisioned: Stage) -> None:
    assert provisioned.findings() == []


def test_callers_follow_the_kind_of_hosting(provisioned: Stage) -> None:
    (score,) = [
        f
        for f in provisioned.properties("AWS::Lambda::Function").values()
        if f["FunctionName"].endswith("refresh-score")
    ]

    assert score["Environment"]["Variables"]["CHURN_ENDPOINT"] == "winback-dev-churn-provisioned"


def test_a_model_is_its_kinds_champion_in_the_scikit_learn_image(aws_stage: Stage) -> None:
    containers = [model["PrimaryContainer"] for model in aws_stage.properties("AWS::SageMaker::Model").values()]

    assert sorted(text(container["ModelDataUrl"]).split("/", 3)[3] for container in containers) == sorted(
        f"{kind}/champion/model.tar.gz" for kind in KINDS
    )
    assert all(text(container["Image"]).endswith("/sagemaker-scikit-learn:1.9-0-cpu-py3") for container in containers)
    assert "eu-central-1" in next(iter(aws_stage.templates["prediction"]["Mappings"].values()))


def test_an_endpoint_waits_for_its_first_champion(aws_stage: Stage) -> None:
    seeds = {
        found["Properties"]["Key"].split("/")[0]: name.split("/")[1]
        for name, found in aws_stage.resources("Custom::ChampionSeed").items()
    }
    assert sorted(seeds) == sorted(KINDS)
    for model in aws_stage.resources("AWS::SageMaker::Model").values():
        kind = text(model["Properties"]["PrimaryContainer"]["ModelDataUrl"]).split("/")[3]
        assert seeds[kind] in model["DependsOn"]


def statements(stage: Stage, function: str) -> list[dict[str, Any]]:
    (role,) = [
        f"{name.split('/')[0]}/{found['Role']['Fn::GetAtt'][0]}"
        for name, found in stage.properties("AWS::Lambda::Function").items()
        if found["FunctionName"].endswith(function)
    ]
    return [statement for owner, statement in policies_of_roles(stage) if owner == role]


def test_only_the_roles_of_jobs_and_endpoints_are_passed_on_and_only_to_sagemaker(each_stage: Stage) -> None:
    for function in ("train-job", "model-roll", "archetypes-train"):
        (passing,) = [found for found in statements(each_stage, function) if texts(found["Action"]) == ["iam:PassRole"]]
        assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        assert not any("*" in resource for resource in texts(passing["Resource"]))
    named = {
        found["RoleName"] if isinstance(found["RoleName"], str) else text(found["RoleName"])
        for found in each_stage.properties("AWS::IAM::Role").values()
        if "RoleName" in found and "sagemaker.amazonaws.com" in str(found["AssumeRolePolicyDocument"])
    }
    assert named
    (passing,) = [found for found in statements(each_stage, "model-roll") if "iam:PassRole" in texts(found["Action"])]
    passed = {resource.rsplit("/", 1)[1] for resource in texts(passing["Resource"])}
    assert named <= passed
    assert len(passed) == len(KINDS)


def test_a_promotion_may_start_instances_with_disks_under_the_customer_key(
    provisioned: Stage, aws_stage: Stage
) -> None:
    def grants(stage: Stage) -> list[dict[str, Any]]:
        return [found for found in statements(stage, "model-roll") if "kms:CreateGrant" in texts(found["Action"])]

    (grant,) = grants(provisioned)
    assert grant["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert grants(aws_stage) == []  # serverless hosting has no disks


def test_what_trainings_read_is_not_kept_for_ever(each_stage: Stage) -> None:
    rules = [
        rule
        for bucket in each_stage.properties("AWS::S3::Bucket").values()
        for rule in bucket["LifecycleConfiguration"]["Rules"]
    ]
    (rule,) = [rule for rule in rules if rule.get("Prefix") == "training/"]
    assert rule["ExpirationInDays"] > 0


def test_an_endpoint_reads_no_model_of_another_kind(each_stage: Stage) -> None:
    for owner, statement in policies_of_roles(each_stage):
        if "s3:GetObject" in texts(statement["Action"]) and "EndpointRole" in owner:
            kinds = {resource.split("/")[1] for resource in texts(statement["Resource"])}
            assert len(kinds) == 1


def test_a_promotion_is_watched_by_the_endpoints_own_alarm(each_stage: Stage) -> None:
    alarms = {
        alarm["AlarmName"]: alarm
        for alarm in each_stage.properties("AWS::CloudWatch::Alarm").values()
        if alarm.get("Namespace") == "AWS/SageMaker"
    }
    for kind in KINDS:
        alarm = alarms[f"winback-{each_stage.name}-{kind.replace('_', '-')}-endpoint-errors"]
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
        assert dimensions["EndpointName"].startswith(f"winback-{each_stage.name}-{kind.replace('_', '-')}-")


def test_models_are_trained_each_week(each_stage: Stage) -> None:
    schedules = each_stage.properties("AWS::Scheduler::Schedule").values()
    (schedule,) = [found for found in schedules if found["Name"].endswith("-train-weekly")]

    assert schedule["ScheduleExpression"] == "cron(0 1 ? * SUN *)"
    assert json.loads(schedule["Target"]["Input"]) == {"as_of": "<aws.scheduler.scheduled-time>"}
    assert schedule["State"] == ("DISABLED" if each_stage.name == "local" else "ENABLED")
