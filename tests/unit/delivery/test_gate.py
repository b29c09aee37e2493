"""The gate: every reason is found, alone and together, and more reasons never let a message through."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.accounts import ChannelCaps, FrequencyCap, FrequencyCaps, QuietHours, SendWindow
from winback.delivery.contacts import Contact, ContactLimits, ContactPolicy, Limit, cap_reached, exceeded
from winback.delivery.gate import (
    Consent,
    Reason,
    RecipientFacts,
    SendContext,
    Verdict,
    decide,
    eligibility,
)
from winback.identifiers import CustomerKey, LaunchId

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def contact(days: float, channel: str = "email", offer: str | None = None) -> Contact:
    return Contact(NOW - timedelta(days=days), channel, f"lau-000000000001#{days}", offer)


SOUND_FACTS = {
    "customer_key": CustomerKey("0" * 32),
    "has_profile": True,
    "has_address": True,
    "address_valid": True,
    "consent": Consent.GRANTED,
    "suppressed": False,
    "zone": BERLIN,
    "contacts": (),
}
SOUND_CONTEXT = {
    "channel": "email",
    "chosen_at": NOW - timedelta(days=3),
    "held_out": False,
    "stop_on_purchase": True,
    "caps": FrequencyCaps(
        channels=ChannelCaps(email=FrequencyCap(sends=2, days=7)), overall=FrequencyCap(sends=10, days=7)
    ),
    "quiet_hours": QuietHours(),
    "account_zone": BERLIN,
    "unknown_zone": SendWindow(),
    "reserved": (),
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
    Reason.ROLE_ADDRESS: {"role_address": True},
    Reason.GLOBAL_HOLDOUT: {"globally_held_out": True},
    Reason.WASHOUT: {"washing_out": True},
    Reason.HELD_OUT: {"held_out": True},
    Reason.CONVERTED: {"last_order_at": NOW - timedelta(days=1)},
    Reason.ENGAGED: {"stop_on_engaged": True, "engaged_at": NOW - timedelta(days=2)},
    Reason.UNSUBSCRIBED: {"left_at": NOW - timedelta(days=1)},
    Reason.OPEN_COMPLAINT: {"open_cases": {"complaint"}},
    Reason.OPEN_REFUND: {"open_cases": {"refund"}},
    Reason.ORDER_IN_TRANSIT: {"open_cases": {"order_in_transit"}},
    Reason.FREQUENCY_CAP: {"contacts": (contact(1), contact(2))},
    Reason.OVERALL_CAP: {"contacts": tuple(contact(1 + number / 10, "push") for number in range(10))},
    Reason.CONTACT_POLICY: {"contact_policy": ContactPolicy(at_most=0, days=91)},
    Reason.DISCOUNT_CAP: {"cooldown_days": 90, "contacts": (contact(60, offer="off-1"),)},
    Reason.HIGHER_PRIORITY: {"reserved": (contact(-1), contact(-2))},
    Reason.BUDGET_SPENT: {"budget_left": False},
    Reason.SWITCHED_OFF: {"switched_off": True},
    Reason.CANCELLED: {"cancelled": True},
    Reason.STALE: {"latest_at": NOW},
}


DECIDED = list(SPOILS)
# A code is taken right before the claim; that a message brings less than none is known when offers are chosen.
BEYOND_THE_GATE = {Reason.NO_CODE, Reason.LEFT_ALONE}


def verdict(*reasons: Reason, **changes: Any) -> Verdict:
    """Of a sound send, spoilt for the reasons."""
    facts, context = dict(SOUND_FACTS), dict(SOUND_CONTEXT)
    for change in [*(SPOILS[reason] for reason in reasons), changes]:
        for name, value in change.items():
            place: dict[str, Any] = context if name in SendContext.__dataclass_fields__ else facts
            place[name] = (
                place[name] + value
                if name == "contacts"
                else place.get(name, set()) | value
                if name == "open_cases"
                else value
            )
    return decide(RecipientFacts(**facts), SendContext(**context), NOW)  # type: ignore[arg-type]


def test_a_consenting_reachable_customer_may_be_written_to() -> None:
    assert verdict() == Verdict((), NOW)
    assert verdict().allowed


def test_every_reason_is_decided_here_or_known_not_to_be() -> None:
    assert {*DECIDED, *BEYOND_THE_GATE} == set(Reason)


@pytest.mark.parametrize("reason", DECIDED)
def test_each_reason_alone_denies_and_is_named(reason: Reason) -> None:
    assert verdict(reason).reasons == (reason,)


@given(st.sets(st.sampled_from(DECIDED)))
def test_a_verdict_lists_all_reasons_each_once(reasons: set[Reason]) -> None:
    expected = set(reasons)
    if Reason.NO_ADDRESS in reasons:
        expected.discard(Reason.INVALID_ADDRESS)  # an address that is not there is not invalid
    found = verdict(*reasons).reasons
    assert set(found) == expected
    assert len(found) == len(expected)


@given(st.lists(st.sampled_from(DECIDED)), st.sampled_from(DECIDED), st.lists(st.integers(-9, 9), max_size=6))
def test_a_bad_fact_more_never_takes_a_reason_away(reasons: list[Reason], more: Reason, days: list[int]) -> None:
    contacts = tuple(contact(day) for day in days)
    if Reason.INVALID_ADDRESS in reasons and more is Reason.NO_ADDRESS:
        return  # an address that is not there is not invalid
    before, after = verdict(*reasons, contacts=contacts), verdict(*reasons, more, contacts=contacts)
    assert set(before.reasons) <= set(after.reasons)
    assert set(after.reasons) <= set(verdict(*reasons, more, contacts=(*contacts, contact(3))).reasons)


@pytest.mark.parametrize("consent", [Consent.DENIED, Consent.UNKNOWN])
def test_only_a_granted_consent_counts(consent: Consent) -> None:
    assert verdict(consent=consent).reasons == (Reason.NO_CONSENT,)


def test_an_order_from_before_the_audience_was_chosen_stops_nothing() -> None:
    chosen_at = SOUND_CONTEXT["chosen_at"]
    assert verdict(last_order_at=chosen_at - timedelta(seconds=1)).allowed  # type: ignore[operator]
    assert verdict(last_order_at=chosen_at).reasons == (Reason.CONVERTED,)


def test_a_campaign_may_go_on_after_a_purchase() -> None:
    assert verdict(Reason.CONVERTED, stop_on_purchase=False).allowed


def test_eligibility_looks_at_the_customer_alone() -> None:
    facts = RecipientFacts(**{**SOUND_FACTS, **SPOILS[Reason.CONVERTED], **SPOILS[Reason.FREQUENCY_CAP]})
    assert eligibility(facts).allowed


@given(
    st.lists(st.integers(0, 14 * 24).map(lambda hours: NOW - timedelta(hours=hours)), max_size=12),
    st.integers(1, 5),
    st.integers(1, 10),
)
def test_the_cap_counts_the_contacts_of_its_window(contacts: list[datetime], sends: int, days: int) -> None:
    inside = [at for at in contacts if NOW - at < timedelta(days=days)]
    assert cap_reached(contacts, sends, days, NOW) == (len(inside) >= sends)


@given(st.lists(st.integers(-200, 200), max_size=10), st.integers(1, 4), st.integers(1, 5))
def test_with_contacts_to_come_no_window_holds_more_than_the_cap(hours: list[int], sends: int, days: int) -> None:
    contacts = [NOW + timedelta(hours=hour) for hour in hours]
    everything = [*contacts, NOW]
    fullest = max(
        sum(1 for at in everything if timedelta(0) <= at - start < timedelta(days=days))
        for start in everything
        if timedelta(0) <= NOW - start < timedelta(days=days)
    )
    assert cap_reached(contacts, sends, days, NOW) == (fullest > sends)


def test_a_policy_may_allow_some_channels_only() -> None:
    policy = ContactPolicy(at_most=1, days=91, channels=("email",))
    assert verdict(contact_policy=policy).allowed
    assert verdict(contact_policy=policy, channel="sms").reasons == (Reason.CONTACT_POLICY,)
    assert verdict(contact_policy=policy, contacts=(contact(90, "sms"),)).reasons == (Reason.CONTACT_POLICY,)


def test_what_is_reserved_leaves_room_where_there_is_some() -> None:
    assert verdict(reserved=(contact(-1),)).allowed
    assert verdict(reserved=(contact(-1),), contacts=(contact(1),)).reasons == (Reason.HIGHER_PRIORITY,)
    assert verdict(reserved=(contact(-8), contact(-9))).allowed  # in no window together with this one


def test_quiet_hours_move_a_message_to_their_end_and_drop_it_only_when_that_is_too_late() -> None:
    night = datetime(2026, 11, 21, 22, 15, tzinfo=UTC)
    facts, context = RecipientFacts(**SOUND_FACTS), SendContext(**{**SOUND_CONTEXT, "planned_at": night})  # type: ignore[arg-type]
    morning = datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert decide(facts, context, night) == Verdict((), morning)
    assert decide(facts, replace(context, latest_at=morning), night) == Verdict((Reason.STALE,), morning)


def test_a_message_never_leaves_before_its_time() -> None:
    assert verdict(planned_at=NOW + timedelta(hours=1)) == Verdict((), NOW + timedelta(hours=1))


def test_a_reminder_of_the_launch_s_own_offer_is_no_second_offer() -> None:
    offered = contact(7, offer="off-1")
    limits = ContactLimits(FrequencyCap(sends=9, days=7), FrequencyCap(sends=9, days=7), cooldown_days=90)
    assert exceeded([offered], "email", NOW, limits) == (Limit.DISCOUNT,)
    assert exceeded([offered], "email", NOW, replace(limits, offered_by=LaunchId("lau-000000000001"))) == ()
    assert exceeded([offered], "email", NOW, replace(limits, offered_by=LaunchId("lau-000000000002"))) != ()
