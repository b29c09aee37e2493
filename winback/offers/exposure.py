"""What a launch's offers may cost: at worst, and as many as are expected to redeem them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from winback.offers.offer import Offer
from winback.offers.pool import PoolState
from winback.offers.terms import redemption_rate

WORST = "everybody who gets an offer redeems it, each at the most that it can cost"
MEASURED = "counted redemptions of the offer, with their 95 % interval"
ASSUMED = "an assumption of the offer's, with its range: nobody has counted redemptions yet"


class ExposureTally:
    """Counts rows of offers chunks (docs/data-model.md), chunk by chunk; integers only, so in any order."""

    def __init__(self) -> None:
        self.customers: Counter[str] = Counter()
        self.worst_minor: Counter[str] = Counter()
        self.redeemed_minor: Counter[str] = Counter()
        self.without_offer = 0

    def add(self, rows: Iterable[Mapping[str, Any]], among: Collection[str] | None = None) -> None:
        """`among`: customer keys that count, such as those whose message was not denied; None: all."""
        for row in rows:
            if among is not None and row["customer_key"] not in among:
                continue
            offer_id = row["offer_id"]
            if offer_id is None:
                self.without_offer += 1
                continue
            self.customers[offer_id] += 1
            self.worst_minor[offer_id] += row["spend_minor"]
            self.redeemed_minor[offer_id] += row["cost_minor"]


def exposure(
    tally: ExposureTally, offers: Sequence[Offer], budget_minor: int, pools: Mapping[str, PoolState]
) -> dict[str, Any]:
    """As JSON, amounts in minor units of the offers' currency. `pools`: of the offers with unique codes, by id.

    Ranges of several offers are added end to end: wider than the sum's own, and never too narrow.
    """
    each = [_of_offer(offer, tally, pools.get(offer.offer_id)) for offer in offers]
    worst = sum(one["worst_minor"] for one in each)
    return {
        "currency": offers[0].currency if offers else None,
        "budget_minor": budget_minor,
        "worst_minor": worst,
        "worst_means": WORST,
        "within_budget": worst <= budget_minor,
        "expected_minor": {part: sum(one["expected_minor"][part] for one in each) for part in ("value", "low", "high")},
        "customers": sum(one["customers"] for one in each),
        "without_offer": tally.without_offer,
        "offers": each,
    }


def _of_offer(offer: Offer, tally: ExposureTally, pool: PoolState | None) -> dict[str, Any]:
    customers, rate = tally.customers[offer.offer_id], redemption_rate(offer)
    redeemed = tally.redeemed_minor[offer.offer_id]
    return {
        "offer_id": offer.offer_id,
        "version": offer.version,
        "name": offer.name,
        "value": offer.value_text(),
        "customers": customers,
        "worst_minor": tally.worst_minor[offer.offer_id],
        "redemption": {
            "value": round(rate.rate, 6),
            "low": round(rate.low, 6),
            "high": round(rate.high, 6),
            "source": "measured" if rate.measured else "assumed",
            "means": MEASURED if rate.measured else ASSUMED,
        },
        "expected_minor": {
            "value": round(redeemed * rate.rate),
            "low": round(redeemed * rate.low),
            "high": round(redeemed * rate.high),
        },
        **(
            {"codes": {"needed": customers, "left": pool.left, "enough": pool.left >= customers}}
            if pool is not None
            else {}
        ),
    }
