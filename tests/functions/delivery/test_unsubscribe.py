"""The unsubscribe link: looking changes nothing, one POST is enough, and a wrong link tells nothing."""

from dataclasses import replace
from typing import Any

import pytest

from tests.functions.delivery.conftest import Cloud
from winback.aws import keys
from winback.delivery.unsubscribing import unsubscribe_token
from winback.identifiers import AccountId

SECRET = "signing-secret"


def call(cloud: Cloud, method: str, token: str, body: str | None = None) -> dict[str, Any]:
    event = cloud.event("unsubscribe") | {"httpMethod": method, "pathParameters": {"token": token}, "body": body}
    answer: dict[str, Any] = cloud.invoke("unsubscribe", event)
    return answer


def token(cloud: Cloud, number: int = 0) -> str:
    return unsubscribe_token(SECRET, cloud.send_id(number))


def everything(cloud: Cloud) -> list[Any]:
    return [cloud.customers.scan()["Items"], cloud.performance.scan()["Items"]]


def consent(cloud: Cloud, number: int = 0) -> dict[str, str]:
    key = keys.profile(cloud.account.account_id, cloud.send_id(number).customer_key)
    found: dict[str, str] = cloud.customers.get_item(Key=key)["Item"]["consent"]["email"]
    return found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(cloud: Cloud, method: str) -> None:
    before = everything(cloud)
    answer = call(cloud, method, token(cloud))
    assert answer["statusCode"] == 200
    assert ("<form" in answer["body"]) == (method == "GET")
    assert everything(cloud) == before


@pytest.mark.parametrize("body", ["List-Unsubscribe=One-Click", None, ""])
def test_one_post_is_enough(cloud: Cloud, body: str | None) -> None:
    answer = call(cloud, "POST", token(cloud), body)
    assert answer["statusCode"] == 200
    assert "You are unsubscribed" in answer["body"]
    assert consent(cloud) == {"state": "denied", "at": "2026-11-21T09:30:00Z", "source": "unsubscribe"}
    assert consent(cloud, 1)["state"] == "granted"
    hashed = cloud.account.address_hash("customer.0@example.com")
    found = cloud.customers.get_item(Key=keys.suppression(cloud.account.account_id, hashed, "email"))["Item"]
    assert (found["reason"], found["send_id"]) == ("unsubscribe", str(cloud.send_id(0)))


def test_repeating_it_changes_nothing_more(cloud: Cloud) -> None:
    call(cloud, "POST", token(cloud))
    before = everything(cloud)
    assert call(cloud, "POST", token(cloud))["statusCode"] == 200
    assert everything(cloud) == before


def test_the_send_remembers_that_it_was_the_last(cloud: Cloud) -> None:
    cloud.invoke("sender", cloud.event("sender"))
    call(cloud, "POST", token(cloud))
    assert cloud.row(0)["unsubscribed_at"] == "2026-11-21T09:30:00Z"


def test_somebody_without_a_profile_may_leave_as_well(cloud: Cloud) -> None:
    assert call(cloud, "POST", token(cloud, 99))["statusCode"] == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_wrong_link_tells_nothing(cloud: Cloud, method: str) -> None:
    elsewhere = replace(cloud.send_id(0), account_id=AccountId("other"))
    forged, foreign = unsubscribe_token("x", cloud.send_id(0)), unsubscribe_token(SECRET, elsewhere)
    answers = [call(cloud, method, wrong) for wrong in ("", "nonsense", token(cloud)[:-5], forged, foreign)]
    assert {answer["statusCode"] for answer in answers} == {404}
    assert len({answer["body"] for answer in answers}) == 1


def test_other_methods_are_not_for_this_page(cloud: Cloud) -> None:
    assert call(cloud, "DELETE", token(cloud))["statusCode"] == 405


def test_the_page_is_kept_by_nobody_and_runs_nothing(cloud: Cloud) -> None:
    headers = call(cloud, "GET", token(cloud))["headers"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
