"""What the launch may bring: extra purchasers, revenue and margin with their ranges, measured or marked as assumed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from winback.experiments.power import CONFIDENCE, POWER, smallest_detectable_effect
from winback.segmentation.names import FAMILY_OF, Family, Segment
from winback.segmentation.rubric_settings import RubricSettings
from winback.slices.lifts import LaunchLift, measured_lifts, untreated_rates
from winback.slices.simulation import CAUTIOUS_RATE, Group, Lift, Plan, assumed, simulate

# Customers who came back by themselves within 91 days of 1997-10-01 on CDNOW, an online music store: measured on the
# public data, and only a stand-in where neither the account's own holdouts nor its history tell. Unknown families
# count as one half, the most cautious value.
ASSUMED_RETURN_RATES = {
    Family.HEROES: 0.51,
    Family.CLIMBERS: 0.26,
    Family.SLIPPING: 0.27,
    Family.ALREADY_LOST: 0.08,
}
_WORDS = {
    "measured": "held-out customers of this account's finished launches",
    "observed": "customers of these segments who came back by themselves, as the snapshot observed it",
    "assumed": "an assumption of ours: as customers of the same families of a music store did within 91 days in 1997",
}


@dataclass(frozen=True)
class Standing:
    """What the account's history says of each segment.

    `launches`: what its finished launches measured; `organic`: the share of each segment that came back by itself;
    `value_each_minor`: an average purchase; `margin_shares`: margin / net of the orders whose costs are known.
    """

    settings: RubricSettings
    launches: Sequence[LaunchLift] = ()
    organic: Mapping[str, float] | None = None
    value_each_minor: Mapping[str, float] | None = None
    margin_shares: Mapping[str, float] | None = None


def standing_of(summary: Mapping[str, Any], settings: RubricSettings, launches: Sequence[LaunchLift]) -> Standing:
    """From a snapshot's `summary.json` (docs/data-model.md)."""
    segments = [row for row in summary.get("segments", []) if not row.get("hidden")]
    priorities = [row for row in summary.get("priorities", []) if (row.get("organic") or {}).get("share") is not None]
    return Standing(
        settings=settings,
        launches=launches,
        organic={row["segment"]: row["organic"]["share"] for row in priorities},
        value_each_minor={row["segment"]: row["net_minor"] / row["purchases"] for row in segments if row["purchases"]},
        margin_shares={
            row["segment"]: row["margin_minor"] / row["margin_net_minor"]
            for row in segments
            if row.get("margin_minor") is not None and row.get("margin_net_minor")
        },
    )


def return_rate(customers: Mapping[str, int], standing: Standing) -> tuple[float, str]:
    """The share of these customers (by segment) expected to purchase without a message, and what that rests on."""
    measured = {segment.value: rate for segment, rate in untreated_rates(standing.launches).items()}
    observed = dict(standing.organic or {})
    total = sum(customers.values())
    if not total:
        return CAUTIOUS_RATE, _WORDS["assumed"]
    weighed, used = 0.0, set[str]()
    for segment, number in customers.items():
        if not number:
            continue
        source = "measured" if segment in measured else "observed" if segment in observed else "assumed"
        rate = measured.get(segment, observed.get(segment, _family_rate(segment)))
        weighed += number * rate
        used.add(source)
    return weighed / total, "; ".join(_WORDS[source] for source in _WORDS if source in used)


def detectable_effect(treated: int, held_out: int, rate: float, assumption: str) -> dict[str, Any]:
    """The smallest true effect that arms of these sizes mostly find."""
    effect = smallest_detectable_effect(treated, held_out, rate)
    return {
        "percentage_points": None if effect is None else round(100 * effect, 2),
        "confidence": CONFIDENCE,
        "power": POWER,
        "assumed_return_rate": round(rate, 4),
        "assumption": assumption,
        "note": (
            "needs customers in both arms"
            if effect is None
            else "smaller true effects will mostly read as too small to tell"
        ),
    }


def outlook(treated: Mapping[str, int], standing: Standing, currency: str, decimals: int) -> dict[str, Any]:
    """`treated`: customers to be treated by segment. Ranges of segments are added end to end, as simulations do."""
    groups = [
        Group(
            segment=segment,
            customers=number,
            reachable=number,
            value_each_minor=(standing.value_each_minor or {}).get(segment),
            margin_share=(standing.margin_shares or {}).get(segment),
        )
        for segment, number in sorted(treated.items())
        if number
    ]
    measured = measured_lifts(standing.launches)
    lifts = {
        segment.value: Lift(**measured[segment].model_dump(), basis="measured")
        if segment in measured
        else assumed(standing.settings.segments[segment].assumed_lift)
        for segment in Segment
    }
    nothing = Plan(
        channel="", messages=0, price=Decimal(0), price_currency=currency, price_source="", holdout_share=0.0
    )
    found = simulate(groups, lifts, nothing, currency=currency, decimals=decimals, untreated_rates={})
    basis = {row.segment: row.lift.basis for row in found.segments}
    return {
        "currency": currency,
        "basis": found.basis,
        "launches": len(standing.launches),
        "extra_purchasers": found.extra_purchasers.model_dump(mode="json"),
        "revenue_minor": found.revenue_minor.model_dump(mode="json"),
        "margin_minor": None if found.margin_minor is None else found.margin_minor.model_dump(mode="json"),
        "segments": [row.model_dump(mode="json", exclude={"customers", "reachable"}) for row in found.segments],
        "notes": _notes(basis, unpriced=[group.segment for group in groups if group.value_each_minor is None]),
    }


def _notes(basis: Mapping[str, str], unpriced: Sequence[str]) -> list[str]:
    notes = ["An estimate from stated inputs, no promise: another season or message may show another effect."]
    if assumptions := [segment for segment, each in basis.items() if each == "assumed"]:
        notes.append(
            f"Assumed, not measured, for {', '.join(assumptions)}: no finished launch with a holdout has told their "
            "lift yet. The range, from nothing to three times the assumption, is ours too."
        )
    if unpriced:
        notes.append(f"Nothing is counted for {', '.join(unpriced)}: what a purchase of theirs is worth is not known.")
    notes.append(
        "An extra purchaser is taken to make one average purchase; later purchases and what offers cost are left out."
    )
    return notes


def _family_rate(segment: str) -> float:
    try:
        return ASSUMED_RETURN_RATES.get(FAMILY_OF[Segment(segment)], CAUTIOUS_RATE)
    except ValueError:  # a segment of an older rubric
        return CAUTIOUS_RATE
