"""When a launch pauses by itself: too many of its messages bounce, are complained about or lead to an unsubscribe."""

from winback.campaigns.policies import Guardrails
from winback.delivery.reputation import Counts


def passed_guardrail(guardrails: Guardrails, counts: Counts) -> str | None:
    """Which guardrail the launch's counts passed, for `paused_because`; None when all hold, or there are too few."""
    if counts.sent < guardrails.minimum_sends:
        return None
    for what, rate, most in (
        ("complaint", counts.complaint_rate, guardrails.max_complaint_rate),
        ("bounce", counts.bounce_rate, guardrails.max_bounce_rate),
        ("unsubscribe", counts.unsubscribe_rate, guardrails.max_unsubscribe_rate),
    ):
        if rate > most:
            return f"its {what} rate is {rate:.2%} of {counts.sent} sends, above its guardrail of {most:.2%}"
    return None
