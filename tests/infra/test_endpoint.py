"""The churn endpoint serves the champion's key, by either kind of hosting."""

from pathlib import Path

import pytest

from tests.infra.conftest import Stage, synthesize
from tests.infra.readable import text


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory, model_stand_in: Path) -> Stage:
    return synthesize(tmp_path_factory.mktemp("provisioned"), "dev", model_stand_in, endpoint_hosting="provisioned")


def test_it_is_serverless_unless_the_stage_asks_for_instances(aws_stage: Stage) -> None:
    (config,) = aws_stage.properties("AWS::SageMaker::EndpointConfig").values()
    (endpoint,) = aws_stage.properties("AWS::SageMaker::Endpoint").values()
    (variant,) = config["ProductionVariants"]

    assert "ServerlessConfig" in variant
    assert endpoint["EndpointName"] == f"winback-{aws_stage.name}-churn-serverless"
    assert aws_stage.resources("AWS::ApplicationAutoScaling::ScalableTarget") == {}


def test_instances_scale_with_the_calls(provisioned: Stage) -> None:
    (config,) = provisioned.properties("AWS::SageMaker::EndpointConfig").values()
    (target,) = provisioned.properties("AWS::ApplicationAutoScaling::ScalableTarget").values()
    (policy,) = provisioned.properties("AWS::ApplicationAutoScaling::ScalingPolicy").values()

    assert config["ProductionVariants"][0]["InstanceType"] == "ml.m5.large"
    assert target["ResourceId"] == "endpoint/winback-dev-churn-provisioned/variant/AllTraffic"
    metric = policy["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]
    assert metric["PredefinedMetricType"] == "SageMakerVariantInvocationsPerInstance"


def test_the_provisioned_kind_passes_the_same_checks(provisioned: Stage) -> None:
    assert provisioned.findings() == []


def test_callers_follow_the_kind_of_hosting(provisioned: Stage) -> None:
    (score,) = [
        f
        for f in provisioned.properties("AWS::Lambda::Function").values()
        if f["FunctionName"].endswith("refresh-score")
    ]

    assert score["Environment"]["Variables"]["CHURN_ENDPOINT"] == "winback-dev-churn-provisioned"


def test_the_model_is_the_champion_in_the_scikit_learn_image(aws_stage: Stage) -> None:
    (model,) = aws_stage.properties("AWS::SageMaker::Model").values()
    container = model["PrimaryContainer"]

    assert text(container["ModelDataUrl"]).endswith("/churn/champion/model.tar.gz")
    assert text(container["Image"]).endswith("/sagemaker-scikit-learn:1.9-0-cpu-py3")
    assert "eu-central-1" in next(iter(aws_stage.templates["prediction"]["Mappings"].values()))


def test_the_endpoint_waits_for_the_first_champion(aws_stage: Stage) -> None:
    (seed,) = [name.split("/")[1] for name in aws_stage.resources("Custom::ChampionSeed")]
    (model,) = aws_stage.resources("AWS::SageMaker::Model").values()

    assert seed in model["DependsOn"]
