"""The ledger table keeps the rules of winback.delivery.ledger under retries and races."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.delivery.conftest import NOW, Tables
from winback.accounts import Account
from winback.aws import keys
from winback.aws.ledger import Ledger
from winback.aws.tables import table
from winback.delivery.gate import Reason
from winback.delivery.ledger import BounceType, Description, EventKind, FeedbackEvent, Standing, apply
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId

ACCOUNT, ADA = AccountId("fjord"), CustomerKey("a" * 32)
DESCRIBED = Description("cmp-000000000001", "email", variants={"subject": "b"}, segment="Champions")


def send_id(number: int = 1) -> SendId:
    return SendId(ACCOUNT, LaunchId(f"lau-{number:012x}"), 1, ADA)


@pytest.fixture
def ledger(tables: Tables) -> Ledger:
    return Ledger(tables.performance)


def claim(ledger: Ledger, name: str = "one", now: Any = NOW, which: SendId | None = None) -> Standing:
    until = now + timedelta(minutes=1)
    return ledger.claim(which or send_id(), claim=name, now=now, lease_until=until, described=DESCRIBED)


def row(ledger: Ledger) -> dict[str, Any]:
    return ledger.rows([send_id()])[send_id()]


def test_the_first_claim_wins_and_the_second_sees_the_lease(ledger: Ledger) -> None:
    assert claim(ledger) is Standing.FREE
    assert claim(ledger, "two") is Standing.LEASED
    assert claim(ledger, "two", NOW + timedelta(minutes=2)) is Standing.ABANDONED
    assert row(ledger)["claim"] == "one"


def test_a_claim_whose_answer_was_lost_is_still_ours(ledger: Ledger) -> None:
    assert claim(ledger, "one") is claim(ledger, "one") is Standing.FREE


def test_an_accepted_row_is_final(ledger: Ledger) -> None:
    claim(ledger)
    assert ledger.accepted(send_id(), claim="one", at=NOW, message_id="m-1")
    assert claim(ledger, "two") is Standing.FINAL
    assert not ledger.failed(send_id(), claim="one", error="late")
    assert row(ledger)["message_id"] == "m-1"


def test_a_throttled_row_is_claimed_anew_and_its_former_holder_has_no_say(ledger: Ledger) -> None:
    claim(ledger, "one")
    assert ledger.throttled(send_id(), claim="one", error="TooManyRequestsException")
    assert claim(ledger, "two") is Standing.FREE
    assert not ledger.throttled(send_id(), claim="one", error="repeated late")
    assert row(ledger)["state"] == "claimed"


def test_an_abandoned_row_becomes_unknown_unless_its_holder_did_finish(ledger: Ledger) -> None:
    claim(ledger)
    assert ledger.unknown(send_id(), claim="one", error="Abandoned")
    assert ledger.accepted(send_id(), claim="one", at=NOW, message_id="m-1")
    assert not ledger.unknown(send_id(), claim="one", error="Abandoned")


def test_a_skipped_row_holds_its_reasons(ledger: Ledger) -> None:
    assert ledger.skip(send_id(), [Reason.NO_CONSENT, Reason.CONVERTED], now=NOW, described=DESCRIBED)
    assert row(ledger)["reasons"] == ["no_consent", "converted"]
    assert not ledger.skip(send_id(), [Reason.STALE], now=NOW, described=DESCRIBED)
    assert claim(ledger) is Standing.FINAL


def test_a_claimed_row_cannot_be_skipped(ledger: Ledger) -> None:
    claim(ledger)
    assert not ledger.skip(send_id(), [Reason.STALE], now=NOW, described=DESCRIBED)


def test_an_event_of_no_known_send_is_reported_and_leaves_nothing(ledger: Ledger, tables: Tables) -> None:
    assert not ledger.record(send_id(), FeedbackEvent(EventKind.SENT, NOW))
    assert "Item" not in tables.performance.get_item(Key=keys.send(send_id()))


EVENTS = st.lists(
    st.builds(
        lambda kind, seconds, bounce: FeedbackEvent(
            kind, NOW + timedelta(seconds=seconds), bounce if kind is EventKind.BOUNCED else None
        ),
        st.sampled_from([EventKind.SENT, EventKind.BOUNCED, EventKind.OPENED]),
        st.integers(0, 50),
        st.sampled_from(BounceType),
    ),
    max_size=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS)
def test_the_table_keeps_what_the_rules_keep(ledger: Ledger, tables: Tables, events: list[FeedbackEvent]) -> None:
    tables.performance.delete_item(Key=keys.send(send_id()))
    claim(ledger)
    expected: dict[str, Any] = row(ledger)
    for event in events:
        assert ledger.record(send_id(), event)
        expected = apply(expected, event)
    assert row(ledger) == expected


def test_of_senders_that_race_for_one_row_one_gets_it(tables: Tables, account: Account) -> None:
    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(lambda n: claim(Ledger(table("performance")), f"claim-{n}"), range(6)))
    assert results.count(Standing.FREE) == 1
    assert set(results) == {Standing.FREE, Standing.LEASED}
