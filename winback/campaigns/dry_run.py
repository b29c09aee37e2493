"""The dry run: what a launch would do, added up from its audience and plan rows. Same rows, same JSON."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from winback.campaigns.launch import Launch
from winback.campaigns.planning import ALLOW, Row
from winback.costs import prices
from winback.experiments.assignment import Arm
from winback.experiments.power import CONFIDENCE, POWER, smallest_detectable_effect
from winback.instants import format_instant
from winback.segmentation.names import Family

# Customers who came back by themselves within 91 days of 1997-10-01 on CDNOW, an online music store: measured on the
# public data, and only a stand-in until the account's own holdouts tell. Unknown families count as one half, the most
# cautious value.
ASSUMED_RETURN_RATES = {
    Family.HEROES: 0.51,
    Family.CLIMBERS: 0.26,
    Family.SLIPPING: 0.27,
    Family.ALREADY_LOST: 0.08,
}
_CAUTIOUS_RATE = 0.5
_AWS_PER_EMAIL, _AWS_PER_CHUNK = Decimal("0.0000069"), Decimal("0.000125")


class AudienceTally:
    """Counts of enrolled rows, chunk by chunk."""

    def __init__(self) -> None:
        self.candidates = 0
        self.arms: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.segments: dict[str, Counter[str]] = {}
        self.families: Counter[str] = Counter()  # of the eligible

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.candidates += 1
            self.reasons.update(row["reasons"])
            segment = self.segments.setdefault(row["segment"], Counter())
            segment["candidates"] += 1
            if row["eligible"]:
                self.arms[row["arm"]] += 1
                self.families[row["family"]] += 1
                segment[row["arm"]] += 1

    @property
    def eligible(self) -> int:
        return self.arms.total()


class StepTally:
    """Counts of one step's plan rows, chunk by chunk."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.chunks = 0
        self.recipients = 0
        self.denied = 0
        self.reasons: Counter[str] = Counter()
        self.hours: Counter[str] = Counter()

    def add(self, rows: Iterable[Row]) -> None:
        self.chunks += 1
        for row in rows:
            if row["verdict"] == ALLOW:
                self.recipients += 1
                self.hours[row["send_at"][:13] + ":00:00Z"] += 1
            else:
                self.denied += 1
                self.reasons.update(row["reasons"])


def dry_run(
    launch: Launch, audience: AudienceTally, steps: Sequence[StepTally], samples: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The whole result as JSON; `fingerprint` names exactly this content, and an approval names the fingerprint.

    A customer may be excluded for several reasons: reasons overlap, `customers` counts each once.
    """
    treated, held_out = audience.arms[Arm.TREATMENT], audience.arms[Arm.HOLDOUT]
    content = {
        "launch_id": launch.launch_id,
        "campaign_id": launch.campaign_id,
        "snapshot_id": launch.snapshot_id,
        "definition": launch.definition.model_dump(mode="json"),
        **({"slice": launch.slice.model_dump(mode="json")} if launch.slice is not None else {}),
        "starts_at": format_instant(launch.starts_at),
        "evaluation_ends_at": format_instant(launch.evaluation_ends_at),
        "audience": {
            "candidates": audience.candidates,
            "eligible": audience.eligible,
            "excluded": _excluded(audience.candidates - audience.eligible, audience.reasons),
            "arms": {"treatment": treated, "holdout": held_out},
            "segments": {
                name: {part: counts[part] for part in ("candidates", "treatment", "holdout")}
                for name, counts in sorted(audience.segments.items())
            },
        },
        "steps": [
            {
                "step": step.step,
                "planned_at": format_instant(launch.planned_at(step.step)),
                "recipients": step.recipients,
                "recipients_by_hour": dict(sorted(step.hours.items())),
                "excluded": _excluded(step.denied, step.reasons),
            }
            for step in steps
        ],
        "detectable_effect": _detectable_effect(treated, held_out, audience.families),
        "cost": _cost(sum(step.recipients for step in steps), sum(step.chunks for step in steps)),
        "samples": list(samples),
    }
    return {**content, "fingerprint": fingerprint(content)}


def fingerprint(content: dict[str, Any]) -> str:
    """First 16 hex digits of SHA-256 over the content's canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _excluded(customers: int, reasons: Counter[str]) -> dict[str, Any]:
    return {"customers": customers, "reasons": dict(sorted(reasons.items()))}


def _detectable_effect(treated: int, held_out: int, families: Counter[str]) -> dict[str, Any]:
    everyone = families.total()
    rate = _CAUTIOUS_RATE
    if everyone:
        rates: dict[str, float] = {str(family): known for family, known in ASSUMED_RETURN_RATES.items()}
        rate = sum(count * rates.get(family, _CAUTIOUS_RATE) for family, count in families.items()) / everyone
    effect = smallest_detectable_effect(treated, held_out, rate)
    return {
        "percentage_points": None if effect is None else round(100 * effect, 2),
        "confidence": CONFIDENCE,
        "power": POWER,
        "assumed_return_rate": round(rate, 4),
        "assumption": "without a message, customers return as their families did on CDNOW within 91 days of 1997-10-01",
        "note": (
            "needs customers in both arms"
            if effect is None
            else "smaller true effects will mostly read as too small to tell"
        ),
    }


def _cost(emails: int, chunks: int) -> dict[str, Any]:
    ses, others = prices.price("ses_email").of(emails), _AWS_PER_EMAIL * emails + _AWS_PER_CHUNK * chunks
    return {
        "currency": prices.currency(),
        "emails": emails,
        "ses": _cents(ses),
        "aws_estimate": _cents(others),
        "total_estimate": _cents(ses + others),
        "prices_of": prices.read_on(),
        "region": prices.region(),
        "note": "SES at list price; the rest of AWS is an estimate from counted calls at list prices",
    }


def _cents(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.01")))
