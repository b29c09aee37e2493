import importlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.invocation import Invocation
from ml import contract
from ml.churn import fitting, inference, inputs, train
from winback.aws.endpoints import ModelEndpoint
from winback.aws.lake import Lake, scores_key
from winback.identifiers import AccountId
from winback.predictions.churn import OPTIONAL, REASONS
from winback.predictions.requests import RequestRefused

EVENT: dict[str, Any] = json.loads(Path("events/refresh_score.json").read_text())
CONTEXT = Invocation(memory_limit_in_mb=128, seconds_left=300)


class Runtime:
    """A sagemaker-runtime client whose model is the real inference script; it can be told to fail."""

    def __init__(self) -> None:
        random = np.random.default_rng(5)
        values = np.full((400, len(inputs.NAMES)), np.nan)
        for name, column in {
            "purchases": random.integers(1, 9, 400),
            "silence_days": random.integers(0, 400, 400),
            "span_days": random.integers(0, 400, 400),
            "purchases_last_91_days": np.ones(400),
            "purchases_last_182_days": np.ones(400),
            "lapse_days": np.full(400, 90),
        }.items():
            values[:, inputs.NAMES.index(name)] = column
        churned = (inputs.column(values, "silence_days") > 200).astype(np.float64)
        rows = fitting.Rows(values, churned, np.full(400, "2026-01-01"), np.full(400, "lapsed"))
        self.model = inference.model_from(train.stored(fitting.fit_logistic(rows), rows, 91))
        self.failing: str | None = None

    def invoke_endpoint(self, *, EndpointName: str, Body: bytes, ContentType: str, Accept: str) -> dict[str, Any]:  # noqa: N803
        assert EndpointName == "winback-test-churn-serverless"
        if self.failing is not None:
            raise ClientError({"Error": {"Code": self.failing, "Message": "no"}}, "InvokeEndpoint")
        data = inference.input_fn(Body.decode(), ContentType)
        answer = inference.output_fn(inference.predict_fn(data, self.model), Accept)
        if isinstance(answer, contract.ErrorAnswer):
            details = {"OriginalStatusCode": answer.status, "OriginalMessage": answer.body}
            raise ClientError({"Error": {"Code": "ModelError", "Message": "no"}, **details}, "InvokeEndpoint")  # type: ignore[typeddict-item]
        return {"Body": io.BytesIO(answer[0].encode())}


class World:
    def __init__(self, function: ModuleType, lake: Lake, runtime: Runtime) -> None:
        self.function, self.lake, self.runtime = function, lake, runtime

    def part(self, *rows: dict[str, Any]) -> None:
        self.lake.write_rows(EVENT["key"], rows)

    def run(self) -> Any:
        return self.function.handler(EVENT, CONTEXT)

    def scores(self) -> list[dict[str, Any]]:
        return self.lake.read_rows(scores_key(AccountId("cdnow"), "snp-0123456789ab", 3))


def customer(number: int, **facts: Any) -> dict[str, Any]:
    features = {
        "purchases": 2,
        "silence_days": 10 + number,
        "tenure_days": 50 + number,
        "span_days": 40,
        "purchases_last_91_days": 1,
        "purchases_last_182_days": 2,
        "lapse_days": 90,
        **dict.fromkeys(OPTIONAL),
    }
    return {"customer_key": f"{number:032x}", "features": {**features, **facts}}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    settings = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "LAKE_BUCKET": "lake",
        "CHURN_ENDPOINT": "winback-test-churn-serverless",
        "POWERTOOLS_METRICS_NAMESPACE": "Winback",
        "POWERTOOLS_SERVICE_NAME": "refresh_score",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        function = importlib.import_module("functions.refresh_score.handler")
        function.parts.cache_clear()
        lake, runtime = Lake("lake"), Runtime()
        endpoint = ModelEndpoint(settings["CHURN_ENDPOINT"], runtime, sleep=lambda seconds: None)
        monkeypatch.setattr(function, "parts", lambda: function.Parts(lake=lake, endpoint=endpoint))
        yield World(function, lake, runtime)


def metrics(output: str) -> dict[str, float]:
    emitted = next(json.loads(line) for line in output.splitlines() if "_aws" in line)
    return {name: emitted[name][0] for name in ("CustomersScored", "CustomersUnscored")}


def test_a_part_becomes_scores_in_its_order(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.part(*(customer(number) for number in range(600)))
    assert world.run() == {"chunk": 3}
    scores = world.scores()
    assert [row["customer_key"] for row in scores] == [f"{number:032x}" for number in range(600)]
    assert {row["source"] for row in scores} == {"endpoint"}
    assert {row["model_id"] for row in scores} == {world.runtime.model.model_id}
    assert scores[0]["churn_probability"] < 0.5 < scores[-1]["churn_probability"]
    assert all(0 < len(row["reasons"]) <= REASONS for row in scores)
    assert metrics(capsys.readouterr().out) == {"CustomersScored": 600, "CustomersUnscored": 0}


def test_running_a_part_again_changes_nothing(world: World) -> None:
    world.part(customer(1), customer(2))
    world.run()
    first = world.scores()
    world.run()
    assert world.scores() == first


@pytest.mark.parametrize("failure", ["ThrottlingException", "ServiceUnavailable", "ModelNotReadyException"])
def test_without_an_endpoint_customers_have_no_score_and_a_metric_says_so(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, failure: str
) -> None:
    world.part(customer(1), customer(2))
    world.runtime.failing = failure
    assert world.run() == {"chunk": 3}
    assert world.scores() == [
        {"customer_key": f"{number:032x}", "churn_probability": None, "source": "none", "model_id": None, "reasons": []}
        for number in (1, 2)
    ]
    assert metrics(capsys.readouterr().out) == {"CustomersScored": 0, "CustomersUnscored": 2}
    assert [vars(record)["reasons"] for record in caplog.records] == [(failure,)]


def test_a_request_that_the_model_refuses_fails_the_task_and_writes_nothing(world: World) -> None:
    world.part(customer(1), customer(2, silence_days=-4))
    with pytest.raises(RequestRefused, match="row 1: silence_days: is -4"):
        world.run()
    assert list(world.lake.list("refresh/account=cdnow/snp-0123456789ab/scores/")) == []


def test_settings_that_are_missing_are_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.delenv("CHURN_ENDPOINT", raising=False)
    monkeypatch.setenv("LAKE_BUCKET", "lake")
    world.function.parts.cache_clear()
    with pytest.raises(RuntimeError, match="CHURN_ENDPOINT"):
        world.function.parts()
