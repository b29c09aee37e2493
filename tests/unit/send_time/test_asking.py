"""What holds for a customer whether the endpoint answers or not."""

import base64
import json

import pytest

from winback.identifiers import AccountId, CustomerKey
from winback.predictions.requests import EndpointUnavailable, InvalidAnswer
from winback.predictions.send_time.asking import GIVE_UP_AFTER, SendHours, Source, account_hours, ask
from winback.predictions.send_time.contract import History
from winback.predictions.send_time.prior import awake_prior

CUSTOMERS = [(CustomerKey(f"c{number}"), History(AccountId("brand"), None)) for number in range(1200)]
FLAT = tuple([1 / 168] * 168)


def whole(body: bytes) -> bytes:
    packed = base64.b64encode(bytes([1]) * 336).decode()
    row = {"best_hours": [1, 2, 3, 4, 5, 6], "own_share": 0.5, "base": "account", "probabilities": packed}
    rows = [row] * len(json.loads(body)["rows"])
    return json.dumps({"schema_version": 1, "model_id": "m", "rows": rows}).encode()


def missing(body: bytes) -> bytes:
    raise EndpointUnavailable("endpoint not found")


def test_the_endpoint_answers_for_everybody() -> None:
    asked = ask(CUSTOMERS, whole)
    assert [each.customer_key for each in asked.hours] == [customer for customer, _ in CUSTOMERS]
    assert {(each.source, each.model_id) for each in asked.hours} == {(Source.ENDPOINT, "m")}
    assert asked.failures == ()


def test_a_batch_without_an_answer_falls_down_the_ladder_and_the_others_stand() -> None:
    calls = []

    def second_fails(body: bytes) -> bytes:
        calls.append(body)
        return missing(body) if len(calls) == 2 else whole(body)

    last = {CustomerKey("c500"): SendHours(CustomerKey("c500"), FLAT, 0.4, Source.ENDPOINT, "old")}
    hours = {each.customer_key: each for each in ask(CUSTOMERS, second_fails, last=last, account=FLAT).hours}
    assert (hours[CustomerKey("c500")].source, hours[CustomerKey("c500")].model_id) == (Source.LAST, "old")
    assert (hours[CustomerKey("c501")].source, hours[CustomerKey("c501")].own_share) == (Source.ACCOUNT, 0.0)
    assert hours[CustomerKey("c499")].source is hours[CustomerKey("c1000")].source is Source.ENDPOINT


def test_without_anything_the_shipped_prior_holds_and_is_called_so() -> None:
    (only,) = ask(CUSTOMERS[:1], missing).hours
    assert (only.source, only.distribution, only.model_id) == (Source.PRIOR, awake_prior(), None)


def test_an_endpoint_that_never_answers_is_not_asked_for_ever() -> None:
    many = [(CustomerKey(f"c{number}"), History(AccountId("brand"), None)) for number in range(500 * 6)]
    asked = ask(many, missing)
    assert len(asked.failures) == GIVE_UP_AFTER
    assert len(asked.hours) == len(many)


def test_a_broken_contract_is_not_hidden() -> None:
    with pytest.raises(InvalidAnswer):
        ask(CUSTOMERS[:1], lambda body: b"{}")


def test_an_accounts_hours_are_shrunk_to_the_prior() -> None:
    assert account_hours([0] * 168) == pytest.approx(awake_prior())
    counts = [0] * 168
    counts[20] = 10_000
    assert account_hours(counts)[20] > 0.98
    with pytest.raises(ValueError, match="168 counts"):
        account_hours([1, 2, 3])
