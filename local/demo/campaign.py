"""What the demo plays: the moments, the seeds and the campaign. Fixed in advance; nothing is chosen by its result."""

from datetime import UTC, datetime
from typing import Any

from local.mail.recipients import Rates

ACCOUNT_ID = "cd-shop"
# The account's salt and the campaign's idempotency key fix who is held out, the seed how recipients react: every run
# of the demo gives the same figures, so that a run with killed workers can be compared with one without.
ACCOUNT = {
    "key_salt": "19970930" * 4,
    "name": "The CD Shop",
    "website": "https://cd-shop.example.com",
    "time_zone": "America/New_York",
    "channels": {"sms": {"origination_identity": "phone-0123456789abcdef", "prices": {"US": "0.0084"}}},  # made up
}
SEED = 1997
HOLDOUT_SHARE = 0.2

HISTORY_ENDS = datetime(1997, 10, 1, tzinfo=UTC)  # exclusive: the literature's calibration period ends on 1997-09-30
STARTS_AT = HISTORY_ENDS
EVALUATION_DAYS = 91
ATTRIBUTION_DAYS = 14

CHANNELS = ("email", "sms")  # by preference
RATES = Rates(complaint=0.0002)  # a list in good standing: at 0.1 % the launch would pause by itself
RECIPE = "once-but-large"  # a shipped slice that orders alone can tell of

# Made-up customers live in New York, and so do the shop's clocks: ten o'clock is ten where the message is read.
OFFER: dict[str, Any] = {
    "name": "15 % off your next order",
    "kind": "percent",
    "value": 15,
    "currency": "USD",
    "cost": {"most_discount_minor": 1_500},
    "valid_days": 21,
    "codes": "generated",
    "code_prefix": "CD-",
}
CODES = 200
OFFER_BUDGET_MINOR = CODES * OFFER["cost"]["most_discount_minor"]


def definition(offer_id: str) -> dict[str, Any]:
    """A first message with one of two subjects; a week later a reminder to who read it, to the others the offer.

    Whoever cannot be reached by e-mail and allows texts gets a text.
    """
    return {
        "name": "Slipping customers, autumn",
        "audience": {"families": ["Slipping"]},
        "channels": list(CHANNELS),
        "steps": [
            {"name": "hello", "template": "we-miss-you", "after_days": 0, "send_at": "10:00"},
            {
                "branch": {"on": "engaged", "step": "hello"},
                "after_days": 7,
                "then": [{"name": "reminder", "template": "still-thinking", "after_days": 7, "send_at": "10:00"}],
                "otherwise": [
                    {
                        "name": "offer",
                        "template": "premium-at-risk",
                        "after_days": 7,
                        "send_at": "10:00",
                        "offer": True,
                    }
                ],
            },
        ],
        "experiments": [
            {
                "name": "subject",
                "step": "hello",
                "variants": [{"name": "template"}, {"name": "question", "subject": "What are you listening to now?"}],
            }
        ],
        "offers": {"choose": "fixed", "offers": [offer_id], "budget_minor": OFFER_BUDGET_MINOR},
        "holdout": {"share": HOLDOUT_SHARE},
        "stop_on": ["purchase", "unsubscribe", "complaint"],
        "evaluation_days": EVALUATION_DAYS,
        "attribution_days": ATTRIBUTION_DAYS,
    }


DISPATCHES = {0: (1,), 7: (2, 3)}
"""Steps by the day after the start on which they leave."""
