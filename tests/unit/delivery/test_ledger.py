"""The ledger's rules: legal moves only, events in any order and number, one outcome for every row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.accounts.unknown_sends import UnknownSends
from winback.delivery.ledger import (
    BounceType,
    EventKind,
    FeedbackEvent,
    Outcome,
    Standing,
    State,
    apply,
    is_legal,
    origins,
    outcome,
    standing,
)
from winback.instants import format_instant

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def event(kind: EventKind, seconds: int = 0, bounce: BounceType | None = None) -> FeedbackEvent:
    if kind is EventKind.BOUNCED:
        bounce = bounce or BounceType.SOFT
    return FeedbackEvent(kind, START + timedelta(seconds=seconds), bounce)


EVENTS = st.builds(
    lambda kind, seconds, bounce: event(kind, seconds, bounce if kind is EventKind.BOUNCED else None),
    st.sampled_from(EventKind),
    st.integers(0, 100_000),
    st.sampled_from(BounceType),
)
ROWS = st.sampled_from(State).map(lambda state: {"state": state.value})


def applied(row: dict[str, Any], events: list[FeedbackEvent]) -> dict[str, Any]:
    for one in events:
        row = apply(row, one)
    return row


@given(ROWS, st.lists(EVENTS, max_size=10), st.randoms())
def test_events_may_arrive_in_any_order(row: dict[str, Any], events: list[FeedbackEvent], random: Any) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)
    assert applied(row, events) == applied(row, shuffled)


@given(ROWS, st.lists(EVENTS, max_size=10))
def test_events_may_repeat(row: dict[str, Any], events: list[FeedbackEvent]) -> None:
    assert applied(row, events) == applied(row, events + events)


@given(ROWS, st.lists(EVENTS, max_size=10))
def test_the_earliest_instant_of_each_kind_stays(row: dict[str, Any], events: list[FeedbackEvent]) -> None:
    changed = applied(row, events)
    for kind in {one.kind for one in events}:
        assert changed[kind.value] == format_instant(min(one.at for one in events if one.kind is kind))


@given(ROWS, st.lists(EVENTS, max_size=10))
def test_every_row_has_one_outcome_of_the_highest_precedence(row: dict[str, Any], events: list[FeedbackEvent]) -> None:
    kinds = {one.kind for one in events}
    result = outcome(applied(row, events))
    if EventKind.COMPLAINED in kinds:
        assert result is Outcome.COMPLAINED
    elif EventKind.BOUNCED in kinds:
        hard = any(one.bounce_type is BounceType.HARD for one in events)
        assert result is (Outcome.BOUNCED_HARD if hard else Outcome.BOUNCED_SOFT)
    elif EventKind.DELIVERED in kinds:
        assert result is Outcome.DELIVERED
    elif kinds & {EventKind.REJECTED, EventKind.RENDERING_FAILED}:
        assert result is Outcome.FAILED
    elif kinds:
        assert result is Outcome.ACCEPTED


@pytest.mark.parametrize("kind", [EventKind.SENT, EventKind.DELAYED, EventKind.CLICKED, EventKind.UNSUBSCRIBED])
@pytest.mark.parametrize("state", [State.UNKNOWN, State.CLAIMED])
def test_any_trace_of_the_message_settles_what_was_unknown(kind: EventKind, state: State) -> None:
    assert outcome(apply({"state": state.value}, event(kind))) is Outcome.ACCEPTED


@pytest.mark.parametrize("row", [None, {"state": "claimed"}, {"state": "throttled"}])
def test_what_may_still_leave_is_due(row: dict[str, str] | None) -> None:
    assert outcome(row) is Outcome.DUE


@pytest.mark.parametrize("final", [State.ACCEPTED, State.FAILED, State.SKIPPED])
def test_nothing_moves_a_final_row(final: State) -> None:
    assert not any(is_legal(final, after) for after in State)
    assert standing({"state": final.value}, START) is Standing.FINAL


def test_an_unknown_row_is_never_claimed_again() -> None:
    assert not is_legal(State.UNKNOWN, State.CLAIMED)
    assert standing({"state": "unknown"}, START) is Standing.FINAL


def test_only_what_the_provider_certainly_did_not_take_is_claimed_again() -> None:
    assert origins(State.CLAIMED) == (State.THROTTLED,)


def test_a_claim_stands_until_its_lease_is_over() -> None:
    row = {"state": "claimed", "lease_until": format_instant(START)}
    assert standing(row, START - timedelta(seconds=1)) is Standing.LEASED
    assert standing(row, START) is Standing.ABANDONED


def test_a_bounce_says_of_which_type_it_is() -> None:
    with pytest.raises(ValueError, match="bounce type"):
        FeedbackEvent(EventKind.BOUNCED, START)
    with pytest.raises(ValueError, match="bounce type"):
        FeedbackEvent(EventKind.SENT, START, BounceType.HARD)


def test_a_claim_whose_sender_is_gone_counts_as_unknown_and_one_that_runs_as_due() -> None:
    row = {"state": "claimed", "lease_until": format_instant(START), "claimed_at": format_instant(START)}
    assert outcome(row, wall=START - timedelta(seconds=1)) is Outcome.DUE
    assert outcome(row, wall=START) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("settle", "days", "expected"),
    [("never", 80, Outcome.UNKNOWN), ("failed", 6, Outcome.UNKNOWN), ("failed", 7, Outcome.FAILED)],
)
def test_what_no_event_settles_stays_unknown_or_fails_after_the_account_s_days(
    settle: Any, days: int, expected: Outcome
) -> None:
    row = {"state": "unknown", "claimed_at": format_instant(START)}
    policy, wall = UnknownSends(settle=settle), START + timedelta(days=days)
    assert outcome(row, wall=wall, unknown=policy) is expected
    assert outcome(apply(row, event(EventKind.DELIVERED)), wall=wall, unknown=policy) is Outcome.DELIVERED
