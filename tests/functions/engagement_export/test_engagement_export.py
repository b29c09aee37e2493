import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer
from moto import mock_aws

from functions.engagement_export import handler as export
from local.invocation import Invocation
from winback.aws.lake import Lake

SAMPLE = Path(__file__).parents[3] / "events" / "engagement_export.json"
CONTEXT = Invocation()


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    environment = {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "LAKE_BUCKET": "lake",
        "POWERTOOLS_SERVICE_NAME": "engagement_export",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        export.lake.cache_clear()
        boto3.client("s3").create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield Lake("lake")
    export.lake.cache_clear()


def record(number: int, account: str = "acme", **attributes: Any) -> dict[str, Any]:
    image = {"pk": f"{account}#{number:032x}", "sk": "send#lau-0123456789ab#1", "channel": "email", **attributes}
    serialize = TypeSerializer().serialize
    return {
        "eventName": "MODIFY",
        "dynamodb": {
            "NewImage": {name: serialize(value) for name, value in image.items()},
            "SequenceNumber": f"{number:021d}",
        },
    }


def run(*records: dict[str, Any]) -> list[str]:
    """Sequence numbers from which the stream is to go on."""
    answer = export.handler({"Records": list(records)}, CONTEXT)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def contents(lake: Lake) -> dict[str, Any]:
    return {key: lake.read_rows(key) for key in lake.list("")}


def test_the_sample_batch_becomes_one_object_of_touches(lake: Lake) -> None:
    assert export.handler(json.loads(SAMPLE.read_text()), CONTEXT) == {"batchItemFailures": []}
    ((key, rows),) = contents(lake).items()
    assert key.startswith("engagement/account=acme/received=2026-11-21/exp-")
    assert key.endswith(".jsonl.gz")
    assert sorted((row["kind"], row["at"], row["by_machine"]) for row in rows) == [
        ("delivered", "2026-11-21T09:30:05Z", False),
        ("opened", "2026-11-21T09:30:06Z", True),
        ("opened", "2026-11-21T10:12:40Z", False),
        ("sent", "2026-11-21T09:30:01Z", False),
    ]
    assert {row["customer_key"] for row in rows} == {"0123456789abcdef0123456789abcdef"}


def test_the_same_batch_again_changes_nothing(lake: Lake) -> None:
    batch = [record(number, sent_at="2026-11-21T09:30:02Z") for number in range(3)]
    run(*batch)
    before = contents(lake)
    run(*reversed(batch), batch[0])
    assert contents(lake) == before
    assert len(before) == 1


def test_accounts_of_one_batch_share_no_object(lake: Lake) -> None:
    run(*[record(1, account, sent_at="2026-11-21T09:30:02Z") for account in ("acme", "other")])
    assert sorted(key.split("/")[1] for key in contents(lake)) == ["account=acme", "account=other"]


def test_rows_that_are_no_sends_and_erased_rows_are_passed_over(lake: Lake) -> None:
    contacts = record(1, sk="contacts")
    erased = {"eventName": "REMOVE", "dynamodb": {"Keys": {}, "SequenceNumber": "7"}}
    assert run(contacts, erased, record(2, state="claimed")) == []
    assert contents(lake) == {}


def test_the_stream_goes_on_from_a_row_that_cannot_be_read(lake: Lake) -> None:
    told = "2026-11-21T09:30:02Z"
    assert run(record(1, sent_at=told), record(2, sent_at="soon"), record(3, sent_at=told)) == [f"{2:021d}"]
    ((_, rows),) = contents(lake).items()
    assert [row["customer_key"] for row in rows] == [f"{1:032x}"]


def test_a_lake_that_does_not_answer_fails_the_batch(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr(Lake, "write_rows", refuse)
    with pytest.raises(ConnectionError):
        run(record(1, sent_at="2026-11-21T09:30:02Z"))
