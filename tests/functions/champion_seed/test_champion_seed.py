"""A deployment brings the first model, and never an old one back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from functions.champion_seed import handler as champion_seed
from local.invocation import Invocation

EVENT = json.loads((Path(__file__).parents[3] / "events" / "champion_seed.json").read_text())
PROPERTIES = EVENT["ResourceProperties"]
CONTEXT = Invocation()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        client = boto3.client("s3")
        for bucket in (PROPERTIES["SourceBucket"], PROPERTIES["Bucket"]):
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        client.put_object(Bucket=PROPERTIES["SourceBucket"], Key=PROPERTIES["SourceKey"], Body=b"first model")
        yield client


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What CloudFormation is told."""
    told: list[dict[str, Any]] = []

    class Answered:
        def __enter__(self) -> None:
            return None

        def __exit__(self, *_: object) -> None:
            return None

    def take(request: Any, timeout: float) -> Answered:
        told.append({"url": request.full_url, "method": request.get_method(), **json.loads(request.data)})
        return Answered()

    monkeypatch.setattr(champion_seed.urllib.request, "urlopen", take)
    return told


def champion(s3: Any) -> bytes:
    body: bytes = s3.get_object(Bucket=PROPERTIES["Bucket"], Key=PROPERTIES["Key"])["Body"].read()
    return body


def test_a_first_deployment_seeds_the_champion(s3: Any, answers: list[dict[str, Any]]) -> None:
    champion_seed.handler(EVENT, CONTEXT)

    assert champion(s3) == b"first model"
    (answer,) = answers
    assert (answer["Status"], answer["method"], answer["url"]) == ("SUCCESS", "PUT", EVENT["ResponseURL"])


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_a_promoted_model_stays(s3: Any, answers: list[dict[str, Any]], request_type: str) -> None:
    s3.put_object(Bucket=PROPERTIES["Bucket"], Key=PROPERTIES["Key"], Body=b"promoted model")

    champion_seed.handler({**EVENT, "RequestType": request_type}, CONTEXT)

    assert champion(s3) == b"promoted model"
    assert answers[0]["Status"] == "SUCCESS"


def test_removing_the_stack_leaves_the_champion(s3: Any, answers: list[dict[str, Any]]) -> None:
    champion_seed.handler(EVENT, CONTEXT)
    champion_seed.handler({**EVENT, "RequestType": "Delete"}, CONTEXT)

    assert champion(s3) == b"first model"
    assert [answer["Status"] for answer in answers] == ["SUCCESS", "SUCCESS"]


def test_a_failure_is_told_at_once_with_its_cause(s3: Any, answers: list[dict[str, Any]]) -> None:
    s3.delete_object(Bucket=PROPERTIES["SourceBucket"], Key=PROPERTIES["SourceKey"])

    with pytest.raises(Exception, match="NoSuchKey"):
        champion_seed.handler(EVENT, CONTEXT)

    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert "NoSuchKey" in answer["Reason"]


def test_the_answer_names_the_request_it_is_for(s3: Any, answers: list[dict[str, Any]]) -> None:
    champion_seed.handler(EVENT, CONTEXT)

    assert {name: answers[0][name] for name in ("StackId", "RequestId", "LogicalResourceId")} == {
        name: EVENT[name] for name in ("StackId", "RequestId", "LogicalResourceId")
    }
