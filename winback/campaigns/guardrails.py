"""When a launch pauses by itself: too many of its messages bounce, are complained about or lead to an unsubscribe."""

from winback.campaigns.policies import Guardrails
from winback.delivery.reputation import MINIMUM_COMPLAINTS, Counts


def passed_guardrail(guardrails: Guardrails, counts: Counts) -> str | None:
    """Which guardrail the launch's counts passed, for `paused_because`; None when all hold, or there are too few.

    One complaint alone passes none: among a few hundred sends it would be above any rate that mailbox providers accept.
    """
    if counts.sent < guardrails.minimum_sends:
        return None
    complained = counts.complaint_rate if counts.complained >= MINIMUM_COMPLAINTS else 0.0
    for what, rate, most in (
        ("complaint", complained, guardrails.max_complaint_rate),
        ("bounce", counts.bounce_rate, guardrails.max_bounce_rate),
        ("unsubscribe", counts.unsubscribe_rate, guardrails.max_unsubscribe_rate),
    ):
        if rate > most:
            return f"its {what} rate is {rate:.2%} of {counts.sent} sends, above its guardrail of {most:.2%}"
    return None
