"""What the demo plays: the moments, the seeds and the campaign. Fixed in advance; nothing is chosen by its result."""

from datetime import UTC, datetime
from typing import Any

from local.mail.recipients import Rates

ACCOUNT_ID = "cd-shop"
# The account's salt and the campaign's idempotency key fix who is held out, the seed how recipients react: every run
# of the demo gives the same figures, so that a run with killed workers can be compared with one without.
ACCOUNT = {"key_salt": "19970930" * 4, "name": "The CD Shop", "website": "https://cd-shop.example.com"}
SEED = 1997
HOLDOUT_SHARE = 0.2

HISTORY_ENDS = datetime(1997, 10, 1, tzinfo=UTC)  # exclusive: the literature's calibration period ends on 1997-09-30
STARTS_AT = HISTORY_ENDS
EVALUATION_DAYS = 91
ATTRIBUTION_DAYS = 14

RATES = Rates()
RECIPE = "once-but-large"  # a shipped slice that orders alone can tell of

DEFINITION: dict[str, Any] = {
    "name": "Slipping customers, autumn",
    "audience": {"families": ["Slipping"]},
    "channels": ["email"],
    "steps": [
        {"template": "we-miss-you", "after_days": 0, "send_at": "10:00"},
        {"template": "still-thinking", "after_days": 7, "send_at": "10:00"},
    ],
    "holdout": {"share": HOLDOUT_SHARE},
    "stop_on": ["purchase", "unsubscribe"],
    "evaluation_days": EVALUATION_DAYS,
    "attribution_days": ATTRIBUTION_DAYS,
}
