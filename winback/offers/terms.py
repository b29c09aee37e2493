"""What an offer costs when a customer redeems it, and whether its terms allow a customer to get it."""

from dataclasses import dataclass
from enum import StrEnum

from winback.experiments.statistics import Proportion, wilson_interval
from winback.offers.offer import Offer, OfferKind


class Barred(StrEnum):
    """Why a customer cannot get an offer; the first that holds."""

    NOT_ELIGIBLE = "not_eligible"
    TOO_LITTLE_MARGIN = "too_little_margin"
    UNKNOWN_MARGIN = "unknown_margin"


@dataclass(frozen=True)
class Customer:
    """What the offers' terms look at. `price_minor`: of a typical purchase; `margin_share`: of its price.

    `margin_share` None: not known. `conditions`: ids of the offers whose condition the customer matches, and of those
    without one.
    """

    segment: str
    value_tier: str
    net_minor: int
    price_minor: int
    margin_share: float | None
    conditions: frozenset[str]


@dataclass(frozen=True)
class RedemptionRate:
    rate: float
    low: float
    high: float
    measured: bool


def barred(offer: Offer, customer: Customer) -> Barred | None:
    """None: the customer may get it. The cooldown and budgets are looked at elsewhere."""
    rules = offer.eligibility
    if (
        (rules.segments and customer.segment not in rules.segments)
        or (rules.value_tiers and customer.value_tier not in rules.value_tiers)
        or (rules.minimum_value_minor is not None and customer.net_minor < rules.minimum_value_minor)
        or offer.offer_id not in customer.conditions
    ):
        return Barred.NOT_ELIGIBLE
    if offer.minimum_margin is None:
        return None
    share = customer.margin_share if customer.margin_share is not None else offer.assumed_margin
    if share is None:
        return Barred.UNKNOWN_MARGIN
    price = _redeeming_price(offer, customer.price_minor)
    paid = price - discount_minor(offer, price)
    left = price * share - redeemed_minor(offer, price)
    return None if left >= paid * offer.minimum_margin else Barred.TOO_LITTLE_MARGIN


def discount_minor(offer: Offer, price_minor: int) -> int:
    """What is taken off an order of that price; rounded up, to the store's disadvantage."""
    if offer.kind is OfferKind.PERCENT:
        return min(-(-price_minor * (offer.value or 0) // 100), offer.cost.most_discount_minor or 0)
    return min(offer.value or 0, price_minor) if offer.kind is OfferKind.AMOUNT else 0


def redeemed_minor(offer: Offer, price_minor: int) -> int:
    """What one redemption costs the store for a customer whose typical purchase has that price."""
    return discount_minor(offer, _redeeming_price(offer, price_minor)) + offer.cost.fixed_minor


def worst_minor(offer: Offer) -> int:
    """The most that one redemption can cost: what giving it takes of a budget."""
    discount = offer.cost.most_discount_minor if offer.kind is OfferKind.PERCENT else offer.value
    return (discount or 0) + offer.cost.fixed_minor


def redemption_rate(offer: Offer) -> RedemptionRate:
    """Of those who get it: measured with its 95 % interval (Wilson 1927), else assumed with the range stated."""
    stated = offer.redemption
    if stated.given is not None and stated.redeemed is not None:
        low, high = wilson_interval(Proportion(stated.redeemed, stated.given))
        return RedemptionRate(stated.redeemed / stated.given, low, high, measured=True)
    return RedemptionRate(stated.assumed, stated.assumed_low, stated.assumed_high, measured=False)


def _redeeming_price(offer: Offer, price_minor: int) -> int:
    """An order that redeems it is as large as usual, or as large as it must be."""
    return max(price_minor, offer.minimum_order_minor)
