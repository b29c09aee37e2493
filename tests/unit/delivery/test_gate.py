"""The gate: every reason is found, alone and together, and more reasons never let a message through."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.accounts import FrequencyCap
from winback.delivery.gate import (
    Consent,
    Reason,
    RecipientFacts,
    SendContext,
    Verdict,
    cap_reached,
    decide,
    eligibility,
)
from winback.identifiers import CustomerKey

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
CAP = FrequencyCap(sends=2, days=7)
SOUND_FACTS = {
    "customer_key": CustomerKey("0" * 32),
    "has_profile": True,
    "has_address": True,
    "address_valid": True,
    "consent": Consent.GRANTED,
    "suppressed": False,
}
SOUND_CONTEXT = {
    "channel": "email",
    "assigned_at": NOW - timedelta(days=3),
    "held_out": False,
    "stop_on_purchase": True,
    "frequency_cap": CAP,
    "planned_at": NOW,
    "latest_at": NOW + timedelta(days=30),
}
# What makes each reason hold, and nothing else.
SPOILS: dict[Reason, dict[str, Any]] = {
    Reason.NO_PROFILE: {"has_profile": False},
    Reason.NO_ADDRESS: {"has_address": False},
    Reason.INVALID_ADDRESS: {"address_valid": False},
    Reason.NO_CONSENT: {"consent": Consent.UNKNOWN},
    Reason.SUPPRESSED: {"suppressed": True},
    Reason.HELD_OUT: {"held_out": True},
    Reason.CONVERTED: {"last_order_at": NOW - timedelta(days=1)},
    Reason.FREQUENCY_CAP: {"recent_contacts": (NOW - timedelta(days=1), NOW - timedelta(days=2))},
    Reason.CANCELLED: {"cancelled": True},
    Reason.STALE: {"latest_at": NOW},
}


def verdict(*reasons: Reason, **changes: Any) -> Verdict:
    """Of a sound send, spoilt for the reasons."""
    facts, context = dict(SOUND_FACTS), dict(SOUND_CONTEXT)
    for change in [*(SPOILS[reason] for reason in reasons), changes]:
        for name, value in change.items():
            (context if name in SendContext.__dataclass_fields__ else facts)[name] = value
    return decide(RecipientFacts(**facts), SendContext(**context), NOW)  # type: ignore[arg-type]


def test_a_consenting_reachable_customer_may_be_written_to() -> None:
    assert verdict() == Verdict(())
    assert verdict().allowed


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_alone_denies_and_is_named(reason: Reason) -> None:
    assert verdict(reason).reasons == (reason,)


@given(st.sets(st.sampled_from(Reason)))
def test_a_verdict_lists_all_reasons_each_once(reasons: set[Reason]) -> None:
    expected = set(reasons)
    if Reason.NO_ADDRESS in reasons:
        expected.discard(Reason.INVALID_ADDRESS)  # an address that is not there is not invalid
    found = verdict(*reasons).reasons
    assert set(found) == expected
    assert len(found) == len(expected)


@given(st.sets(st.sampled_from(Reason)), st.sampled_from(Reason))
def test_one_reason_more_never_allows_what_was_denied(reasons: set[Reason], more: Reason) -> None:
    if not verdict(*reasons).allowed:
        assert not verdict(*reasons, more).allowed


@pytest.mark.parametrize("consent", [Consent.DENIED, Consent.UNKNOWN])
def test_only_a_granted_consent_counts(consent: Consent) -> None:
    assert verdict(consent=consent).reasons == (Reason.NO_CONSENT,)


def test_an_order_before_assignment_is_no_conversion() -> None:
    assigned_at = SOUND_CONTEXT["assigned_at"]
    assert verdict(last_order_at=assigned_at - timedelta(seconds=1)).allowed  # type: ignore[operator]
    assert verdict(last_order_at=assigned_at).reasons == (Reason.CONVERTED,)


def test_a_campaign_may_go_on_after_a_purchase() -> None:
    assert verdict(Reason.CONVERTED, stop_on_purchase=False).allowed


def test_eligibility_looks_at_the_customer_alone() -> None:
    facts = RecipientFacts(**{**SOUND_FACTS, **SPOILS[Reason.CONVERTED], **SPOILS[Reason.FREQUENCY_CAP]})  # type: ignore[arg-type]
    assert eligibility(facts).allowed


@given(
    st.lists(st.integers(0, 14 * 24).map(lambda hours: NOW - timedelta(hours=hours)), max_size=12),
    st.integers(1, 5),
    st.integers(1, 10),
)
def test_the_cap_counts_the_contacts_of_its_window(contacts: list[datetime], sends: int, days: int) -> None:
    inside = [at for at in contacts if NOW - at < timedelta(days=days)]
    assert cap_reached(contacts, FrequencyCap(sends=sends, days=days), NOW) == (len(inside) >= sends)
