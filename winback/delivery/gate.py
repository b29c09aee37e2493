"""The gate: may this customer be sent this message now? Pure: facts, context and a moment in; every reason out.

Planning asks it at the planned time, the sender asks it again right before the claim. Enrolment asks `eligibility`
only, before randomisation, so that both arms of an experiment hold the same kind of customer.

Quiet hours are no reason to deny: they move the message to their end (`Verdict.send_at`). What holds at a moment, such
as the caps, is judged for the moment at which the message would leave.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from winback.accounts import FrequencyCaps, QuietHours, SendWindow
from winback.delivery.contacts import Contact, ContactLimits, ContactPolicy, exceeded
from winback.delivery.quiet_hours import next_allowed
from winback.identifiers import CustomerKey, LaunchId


class Reason(StrEnum):
    """Why a message is not sent. The order is the one in which a verdict lists them."""

    NO_PROFILE = "no_profile"
    NO_ADDRESS = "no_address"
    INVALID_ADDRESS = "invalid_address"
    ROLE_ADDRESS = "role_address"
    NO_CONSENT = "no_consent"
    SUPPRESSED = "suppressed"
    GLOBAL_HOLDOUT = "global_holdout"
    WASHOUT = "washout"
    HELD_OUT = "held_out"
    CONVERTED = "converted"
    ENGAGED = "engaged"
    UNSUBSCRIBED = "unsubscribed"  # from the launch, by whatever channel, or complained about it
    OPEN_COMPLAINT = "open_complaint"
    OPEN_REFUND = "open_refund"
    ORDER_IN_TRANSIT = "order_in_transit"
    FREQUENCY_CAP = "frequency_cap"
    OVERALL_CAP = "overall_cap"
    CONTACT_POLICY = "contact_policy"
    DISCOUNT_CAP = "discount_cap"
    HIGHER_PRIORITY = "higher_priority"
    LEFT_ALONE = "left_alone"  # a message with an offer is expected to bring less than none
    BUDGET_SPENT = "budget_spent"
    NO_CODE = "no_code"  # of its offer is left
    SWITCHED_OFF = "switched_off"
    CANCELLED = "cancelled"
    STALE = "stale"


class Consent(StrEnum):
    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RecipientFacts:
    """What is known of one customer on one channel.

    `open_cases`: of winback.customers.OpenCase, as the store last stated them. `zone`: the customer's own; None when it
    is not known. `contacts`: of all channels, other tools' included, this very send left out. `engaged_at`: when the
    customer first engaged with the launch; `left_at`: first unsubscribed by one of its messages, or complained of one,
    or last unsubscribed before signing up again, whichever is later.
    """

    customer_key: CustomerKey
    has_profile: bool
    has_address: bool
    address_valid: bool
    consent: Consent
    suppressed: bool
    role_address: bool = False
    globally_held_out: bool = False
    washing_out: bool = False
    last_order_at: datetime | None = None
    engaged_at: datetime | None = None
    left_at: datetime | None = None
    open_cases: frozenset[str] = frozenset()
    zone: ZoneInfo | None = None
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True)
class SendContext:
    """What launch and account say of one send.

    `reserved`: contacts that launches of higher priority are expected to make. `contact_policy`: of the customer's
    segment. `cooldown_days`: since the last offer, where the message carries one; `offered_by`: its launch.
    """

    channel: str
    chosen_at: datetime  # the audience was: orders and reactions from then on count
    held_out: bool
    stop_on_purchase: bool
    planned_at: datetime
    caps: FrequencyCaps
    quiet_hours: QuietHours
    account_zone: ZoneInfo
    unknown_zone: SendWindow
    contact_policy: ContactPolicy | None = None
    cooldown_days: int | None = None
    offered_by: LaunchId | None = None
    reserved: tuple[Contact, ...] = ()
    stop_on_engaged: bool = False
    budget_left: bool = True
    latest_at: datetime | None = None  # from then on the message has lost its point
    switched_off: bool = False
    cancelled: bool = False

    @cached_property
    def limits(self) -> ContactLimits:
        return ContactLimits(
            self.caps.of(self.channel),
            self.caps.overall,
            policy=self.contact_policy,
            cooldown_days=self.cooldown_days,
            offered_by=self.offered_by,
            other_days=self.caps.longest_days,
        )


@dataclass(frozen=True)
class Verdict:
    """`send_at`: when the message may leave at the earliest, UTC; later than asked for where that is quiet. A denied
    one has it too: when it would have left."""

    reasons: tuple[Reason, ...]
    send_at: datetime | None = None

    @property
    def allowed(self) -> bool:
        return not self.reasons


def eligibility(facts: RecipientFacts) -> Verdict:
    """Whether the customer may be contacted on this channel at all: address, consent, suppression, global holdout."""
    checks = (
        (Reason.NO_PROFILE, not facts.has_profile),
        (Reason.NO_ADDRESS, not facts.has_address),
        (Reason.INVALID_ADDRESS, facts.has_address and not facts.address_valid),
        (Reason.ROLE_ADDRESS, facts.role_address),
        (Reason.NO_CONSENT, facts.consent is not Consent.GRANTED),
        (Reason.SUPPRESSED, facts.suppressed),
        (Reason.GLOBAL_HOLDOUT, facts.globally_held_out),
        (Reason.WASHOUT, facts.washing_out),
    )
    return Verdict(tuple(reason for reason, holds in checks if holds))


def reached_by_none(channels: Sequence[Collection[Reason]]) -> tuple[Reason, ...]:
    """Why no channel reaches a customer, from what closes each: what closes all of them, for that alone keeps the
    customer out; where they have nothing in common, the reasons of all, each once."""
    some = frozenset[Reason]().union(*channels)
    return tuple(reason for reason in Reason if reason in (some.intersection(*channels) or some))


def ended(facts: RecipientFacts, context: SendContext) -> tuple[Reason, ...]:
    """Why the launch is over for the customer: what ends its sequence, or holds it up, whenever it is asked."""
    cases = facts.open_cases
    checks = (
        (Reason.HELD_OUT, context.held_out),
        (Reason.CONVERTED, context.stop_on_purchase and _since(facts.last_order_at, context.chosen_at)),
        (Reason.ENGAGED, context.stop_on_engaged and _since(facts.engaged_at, context.chosen_at)),
        (Reason.UNSUBSCRIBED, _since(facts.left_at, context.chosen_at)),
        (Reason.OPEN_COMPLAINT, "complaint" in cases),
        (Reason.OPEN_REFUND, "refund" in cases),
        (Reason.ORDER_IN_TRANSIT, "order_in_transit" in cases),
    )
    return tuple(reason for reason, holds in checks if holds)


def decide(facts: RecipientFacts, context: SendContext, now: datetime) -> Verdict:
    """Allowed from `send_at` on, or denied with all reasons. One reason more never takes another one away."""
    send_at = next_allowed(
        max(now, context.planned_at),
        facts.zone,
        context.quiet_hours,
        account_zone=context.account_zone,
        unknown_zone=context.unknown_zone,
    )
    later_checks = (
        (Reason.HIGHER_PRIORITY, bool(context.reserved) and _gives_way(facts, context, send_at)),
        (Reason.BUDGET_SPENT, not context.budget_left),
        (Reason.SWITCHED_OFF, context.switched_off),
        (Reason.CANCELLED, context.cancelled),
        (Reason.STALE, context.latest_at is not None and send_at >= context.latest_at),
    )
    reasons = (
        *eligibility(facts).reasons,
        *ended(facts, context),
        *(Reason(limit) for limit in exceeded(facts.contacts, context.channel, send_at, context.limits)),
        *(reason for reason, holds in later_checks if holds),
    )
    return Verdict(reasons, send_at.astimezone(UTC))


def _gives_way(facts: RecipientFacts, context: SendContext, at: datetime) -> bool:
    """Whether with what is reserved there is no room, and what is reserved is part of why."""
    limits = context.limits
    near = [one for one in context.reserved if abs(one.at - at) < timedelta(days=limits.longest_days)]
    if limits.policy is not None:  # a channel that the policy does not allow is no matter of priority
        limits = replace(limits, policy=replace(limits.policy, channels=None))
    return bool(near) and bool(exceeded([*facts.contacts, *near], context.channel, at, limits))


def _since(event: datetime | None, moment: datetime) -> bool:
    return event is not None and event >= moment
