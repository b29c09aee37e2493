"""The gate: may this customer be sent this message now? Pure: facts, context and a moment in; every reason out.

Planning asks it at the planned time, the sender asks it again right before the claim. Enrolment asks `eligibility`
only, before randomisation, so that both arms of an experiment hold the same kind of customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from winback.accounts import FrequencyCap
from winback.identifiers import CustomerKey


class Reason(StrEnum):
    """Why a message is not sent. The order is the one in which a verdict lists them."""

    NO_PROFILE = "no_profile"
    NO_ADDRESS = "no_address"
    INVALID_ADDRESS = "invalid_address"
    NO_CONSENT = "no_consent"
    SUPPRESSED = "suppressed"
    HELD_OUT = "held_out"
    CONVERTED = "converted"
    FREQUENCY_CAP = "frequency_cap"
    CANCELLED = "cancelled"
    STALE = "stale"


class Consent(StrEnum):
    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RecipientFacts:
    """What is known of one customer on one channel."""

    customer_key: CustomerKey
    has_profile: bool
    has_address: bool
    address_valid: bool
    consent: Consent
    suppressed: bool
    last_order_at: datetime | None = None
    recent_contacts: tuple[datetime, ...] = ()  # of other sends on this channel


@dataclass(frozen=True)
class SendContext:
    """What the launch says of one send."""

    channel: str
    assigned_at: datetime  # orders from then on count as a conversion
    held_out: bool
    stop_on_purchase: bool
    frequency_cap: FrequencyCap
    planned_at: datetime
    latest_at: datetime | None = None  # from then on the message has lost its point
    cancelled: bool = False


@dataclass(frozen=True)
class Verdict:
    reasons: tuple[Reason, ...]

    @property
    def allowed(self) -> bool:
        return not self.reasons


def eligibility(facts: RecipientFacts) -> Verdict:
    """Whether the customer may be contacted on this channel at all: profile, address, consent, suppression."""
    checks = (
        (Reason.NO_PROFILE, not facts.has_profile),
        (Reason.NO_ADDRESS, not facts.has_address),
        (Reason.INVALID_ADDRESS, facts.has_address and not facts.address_valid),
        (Reason.NO_CONSENT, facts.consent is not Consent.GRANTED),
        (Reason.SUPPRESSED, facts.suppressed),
    )
    return Verdict(tuple(reason for reason, holds in checks if holds))


def decide(facts: RecipientFacts, context: SendContext, now: datetime) -> Verdict:
    """Allowed, or denied with all reasons."""
    checks = (
        (Reason.HELD_OUT, context.held_out),
        (Reason.CONVERTED, context.stop_on_purchase and _bought_since(facts, context.assigned_at)),
        (Reason.FREQUENCY_CAP, cap_reached(facts.recent_contacts, context.frequency_cap, now)),
        (Reason.CANCELLED, context.cancelled),
        (Reason.STALE, context.latest_at is not None and now >= context.latest_at),
    )
    return Verdict(eligibility(facts).reasons + tuple(reason for reason, holds in checks if holds))


def cap_reached(contacts: Sequence[datetime], cap: FrequencyCap, now: datetime) -> bool:
    """Whether one more contact now would be too many. A contact exactly `days` days old no longer counts."""
    since = now - timedelta(days=cap.days)
    return sum(1 for at in contacts if at > since) >= cap.sends


def _bought_since(facts: RecipientFacts, moment: datetime) -> bool:
    return facts.last_order_at is not None and facts.last_order_at >= moment
