"""When to write to an audience: the lake's events, the endpoint's answers, and what holds without them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pytest
from moto import mock_aws

from ml.send_time import inference
from ml.send_time.prior import awake_prior
from winback.accounts import Account, Sender
from winback.aws.lake import Lake
from winback.aws.refresh import Machine
from winback.aws.send_times import SendTimeAdvisor, StepHours
from winback.identifiers import AccountId, CustomerKey
from winback.predictions.requests import EndpointUnavailable
from winback.predictions.send_time.asking import Source

AS_OF = datetime(2026, 11, 23, tzinfo=UTC)
ANN, BOB = CustomerKey("ann"), CustomerKey("bob")
AUDIENCE: dict[CustomerKey, str | None] = {ANN: "Champions", BOB: None}
ACCOUNT = Account(
    account_id=AccountId("brand"),
    name="Brand",
    currency="EUR",
    time_zone="Europe/Berlin",
    key_salt="0" * 32,
    sender=Sender(name="Brand", email="news@brand.example", postal_address="Street 1"),
    public_url="https://brand.example",
)
STORED: dict[str, Any] = {
    "kind": "send_time",
    "schema_version": 1,
    "model_id": "send_time-test",
    "serves": "model",
    "learned": {
        "strength": 5.0,
        "half_life_weeks": 20.0,
        "spread_hours": 0.5,
        "any_day": 0.0,
        "kind_weights": {"opened": 1.0, "clicked": 2.0, "ordered": 0.2},
    },
    "prior": awake_prior(),
    "accounts": {},
}


def endpoint(body: bytes) -> bytes:
    model = inference.model_from(STORED)
    answer = inference.output_fn(inference.predict_fn(inference.input_fn(body, "application/json"), model), "*/*")
    assert isinstance(answer, tuple)
    return answer[0].encode()


def nobody(body: bytes) -> bytes:
    raise EndpointUnavailable("endpoint not found")


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        found = Lake("lake")
        # At five past eight on Mondays, on both sides of the end of summer time.
        local = [datetime(2026, 11, 16, 20, 5) - timedelta(weeks=week) for week in range(10)]
        evenings = [each.replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC) for each in local]
        found.write_rows(
            "engagement/account=brand/received=2026-11-16/exp-1.jsonl.gz",
            [
                {"customer_key": ANN, "kind": "opened", "channel": "email", "at": f"{at:%FT%TZ}", "touch_id": f"{at}"}
                for at in evenings
            ],
        )
        yield found


def advisor(lake: Lake, invoke: Any) -> SendTimeAdvisor:
    return SendTimeAdvisor(lake, Machine(512, 1), invoke)


def test_a_reader_gets_its_own_hour_and_a_stranger_everybodys(lake: Lake) -> None:
    ann, bob = advisor(lake, endpoint).hours(ACCOUNT, AUDIENCE, AS_OF).hours
    assert (ann.source, bob.source, ann.model_id) == (Source.ENDPOINT, Source.ENDPOINT, "send_time-test")
    assert ann.distribution.index(max(ann.distribution)) == 20
    assert ann.own_share > 0.5 > bob.own_share == 0
    assert bob.distribution == pytest.approx(awake_prior(), abs=1e-6)


def test_what_happens_after_the_moment_is_not_known(lake: Lake) -> None:
    before = advisor(lake, endpoint).hours(ACCOUNT, {ANN: None}, datetime(2026, 9, 1, tzinfo=UTC)).hours[0]
    assert before.own_share == 0


def test_without_an_endpoint_the_accounts_own_hours_hold(lake: Lake) -> None:
    asked = advisor(lake, nobody).hours(ACCOUNT, AUDIENCE, AS_OF)
    assert {each.source for each in asked.hours} == {Source.ACCOUNT}
    assert asked.hours[0].distribution[20] > 5 * awake_prior()[20]
    assert asked.failures == ("endpoint not found",)


def test_an_empty_audience_asks_nobody(lake: Lake) -> None:
    assert advisor(lake, nobody).hours(ACCOUNT, {}, AS_OF).hours == ()


def test_the_chunks_of_a_step_share_what_is_read_and_an_endpoint_that_is_down_is_asked_for_one_of_them(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    def down(body: bytes) -> bytes:
        asked.append(body)
        raise EndpointUnavailable("endpoint not found")

    hours = StepHours(advisor(lake, down))
    first = hours(ACCOUNT, {ANN: None}, AS_OF)
    with monkeypatch.context() as nothing_more:
        nothing_more.setattr(Lake, "download", lambda *_: pytest.fail("a second download"))
        second = hours(ACCOUNT, {BOB: None}, AS_OF)
    assert len(asked) == 1
    assert (set(first), set(second)) == ({ANN}, {BOB})
    assert first[ANN] == second[BOB]  # the account's own
    hours(ACCOUNT, {ANN: None}, AS_OF - timedelta(days=7))  # another step
    assert len(asked) == 2
