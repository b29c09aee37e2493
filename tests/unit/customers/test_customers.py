from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from winback.customers import Customer, profile_of, row_of
from winback.identifiers import CustomerKey
from winback.instants import format_instant

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def customer(**fields: Any) -> Customer:
    return Customer.model_validate({"customer_id": "c1", **fields})


@pytest.mark.parametrize(
    "change",
    [
        {"customer_id": ""},
        {"email": "ann"},
        {"email": "ann@example"},
        {"phone": "0301234567"},
        {"first_name": "a\tb"},
        {"time_zone": "Mars/Olympus"},
        {"country": "DEU"},
        {"locale": "german!"},
        {"consent": {"fax": {"state": "granted"}}},
        {"consent": {"email": {"state": "yes"}}},
        {"consent": {"email": {"state": "granted", "at": "soon"}}},
        {"created_at": "never"},
        {"shoe_size": 44},
    ],
)
def test_a_field_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        customer(**change)


def test_an_empty_text_says_nothing() -> None:
    assert customer(email="", first_name="  ").fingerprint() == customer().fingerprint()


@pytest.mark.parametrize(
    ("fields", "fingerprint"),
    [
        ({"customer_id": "ann"}, "edbc78b23e2a2972"),
        (
            {
                "customer_id": "ann",
                "email": "ann@example.com",
                "first_name": "Ann",
                "time_zone": "Europe/Berlin",
                "created_at": "2026-01-01",
                "consent": {"email": {"state": "granted", "at": "2026-01-02", "source": "checkout"}},
            },
            "7bc3784326b8e029",
        ),
    ],
)
def test_a_statement_without_an_acquisition_channel_keeps_the_fingerprint_of_before_it_was_taken(
    fields: dict[str, Any], fingerprint: str
) -> None:
    assert Customer.model_validate(fields).fingerprint() == fingerprint
    assert Customer.model_validate({**fields, "acquisition_channel": "store"}).fingerprint() != fingerprint


def test_the_acquisition_channel_is_kept_in_the_profile_and_the_lake() -> None:
    found = customer(acquisition_channel=" paid search ")
    assert profile_of(found, None, received_at=NOW)["acquisition_channel"] == "paid search"
    assert row_of(found, CustomerKey("k"), NOW)["acquisition_channel"] == "paid search"


def test_open_cases_are_the_whole_list_each_time_and_stay_where_a_statement_says_nothing_of_them() -> None:
    def after(known: list[str], **fields: Any) -> Any:
        return profile_of(customer(**fields), {"open_cases": known}, received_at=NOW).get("open_cases")

    assert after([], open_cases=["refund", "complaint", "refund"]) == ["complaint", "refund"]
    assert after(["complaint", "refund"], open_cases=["refund"]) == ["refund"]
    assert after(["complaint"]) == ["complaint"]
    assert after(["complaint"], open_cases=[]) is None
    assert customer(open_cases=[]).fingerprint() not in (
        customer().fingerprint(),
        customer(open_cases=["refund"]).fingerprint(),
    )


def consent_after(known: dict[str, Any], **statement: Any) -> Any:
    profile = profile_of(customer(consent={"email": statement}), {"consent": {"email": known}}, received_at=NOW)
    return profile["consent"]["email"]["state"]


def test_a_later_statement_of_consent_counts() -> None:
    denied = {"state": "denied", "at": "2026-05-01T00:00:00Z"}
    assert consent_after(denied, state="granted", at="2026-06-01") == "granted"
    assert consent_after(denied, state="granted", at="2026-04-01") == "denied"


def test_an_undated_statement_never_lifts_a_denial() -> None:
    assert consent_after({"state": "denied", "at": "2026-05-01T00:00:00Z"}, state="granted") == "denied"
    assert consent_after({"state": "granted", "at": "2026-05-01T00:00:00Z"}, state="denied") == "denied"


def test_an_undated_statement_yields_to_a_denial_that_is_told_after_it() -> None:
    undated = profile_of(customer(consent={"email": {"state": "granted"}}), None, received_at=NOW)["consent"]["email"]
    assert consent_after(undated, state="denied", at="2020-01-01") == "denied"
    assert consent_after(undated, state="unknown", at="2020-01-01") == "granted"


def test_an_undated_statement_that_says_the_same_again_says_nothing_new() -> None:
    dated = {"state": "granted", "at": "2026-05-01T00:00:00Z"}
    profile = profile_of(
        customer(consent={"email": {"state": "granted"}}), {"consent": {"email": dated}}, received_at=NOW
    )
    assert profile["consent"]["email"] == dated


@pytest.mark.parametrize(
    ("denied_at", "holds_from"),
    [("2020-01-01T00:00:00Z", format_instant(NOW)), ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z")],
)
def test_an_undated_denial_outlasts_consents_given_before_it_was_told(denied_at: str, holds_from: str) -> None:
    known = {"consent": {"email": {"state": "denied", "at": denied_at}}}
    again = profile_of(customer(consent={"email": {"state": "denied"}}), known, received_at=NOW)["consent"]["email"]
    assert again["at"] == holds_from
    assert consent_after(again, state="granted", at="2021-01-01") == "denied"


def test_a_channel_that_is_not_mentioned_keeps_its_consent() -> None:
    known = {"consent": {"sms": {"state": "granted", "at": "2026-05-01T00:00:00Z"}}, "first_name": "Ann"}
    profile = profile_of(customer(email="ann@example.com"), known, received_at=NOW)
    assert profile["consent"] == known["consent"]
    assert "first_name" not in profile


def test_a_statement_received_before_what_is_known_adds_its_consent_and_takes_nothing_away() -> None:
    newer = customer(
        email="new@example.com", first_name="Ann", open_cases=["refund"], consent={"sms": {"state": "unknown"}}
    )
    known = {**profile_of(newer, None, received_at=NOW), "stated_by": "bat-1", "revision": 3}
    said = {"email": {"state": "denied", "at": "2026-05-01"}, "sms": {"state": "granted"}}
    older = customer(email="old@example.com", last_name="Old", open_cases=[], consent=said)

    profile = profile_of(older, known, received_at=NOW - timedelta(minutes=3))

    assert profile == {**known, "consent": profile["consent"]}
    states = {channel: consent["state"] for channel, consent in profile["consent"].items()}
    assert states == {"sms": "unknown", "email": "denied"}
    assert profile_of(newer, profile, received_at=NOW)["consent"] == profile["consent"]


def test_a_channel_without_a_statement_has_no_consent() -> None:
    assert profile_of(customer(), None, received_at=NOW)["consent"] == {}
