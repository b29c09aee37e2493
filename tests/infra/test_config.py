"""The stage comes from the context, and nonsense in it is refused with what would be right."""

import dataclasses

import pytest

from infra.config import STAGES, InvalidContext, stage_config


def read(**context: str):  # type: ignore[no-untyped-def]
    return context.get


def test_dev_is_the_default() -> None:
    assert stage_config(read()).stage == "dev"


def test_an_unknown_stage_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidContext, match="expected one of local, dev, prod"):
        stage_config(read(stage="test"))


@pytest.mark.parametrize("endpoint", ["sesv2_endpoint", "webhook_stand_in"])
def test_only_the_local_stage_replaces_endpoints(endpoint: str) -> None:
    with pytest.raises(InvalidContext, match="only the local stage"):
        stage_config(read(stage="prod", **{endpoint: "http://127.0.0.1:1"}))


def test_a_hosting_kind_is_serverless_or_provisioned() -> None:
    with pytest.raises(InvalidContext, match="serverless or provisioned"):
        stage_config(read(stage="dev", endpoint_hosting="cheap"))


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        stage_config(read()).stage = "prod"  # type: ignore[misc]


def test_the_sender_domain_can_be_given() -> None:
    assert stage_config(read(stage="prod", sender_domain="news.brand.example")).sender_domain == "news.brand.example"


@pytest.mark.parametrize("stage", STAGES)
def test_no_more_parts_are_scored_at_a_time_than_the_endpoint_takes_calls(stage: str) -> None:
    config = stage_config(read(stage=stage))
    assert 1 <= config.score_concurrency <= config.chunk_concurrency
    assert config.score_concurrency * config.account_concurrency <= config.endpoint.max_concurrency


def test_the_engine_of_refreshes_is_auto_lambda_or_spark() -> None:
    assert stage_config(read(stage="dev")).engine == "auto"
    assert stage_config(read(stage="dev", engine="spark")).engine == "spark"
    with pytest.raises(InvalidContext, match="auto, lambda or spark"):
        stage_config(read(stage="dev", engine="hadoop"))
