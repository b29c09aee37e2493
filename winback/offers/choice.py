"""Who of a launch's treated customers gets which offer, within its budget; and why the others get none.

Customers come in blocks, so that an audience of any size is chosen for in little memory. Each block may spend its part
of what is left of the budget, by its number of customers (`part_of`): customer keys are hashes and lie in blocks by
their order, so every block is a random sample of the audience, and what one leaves over is the next ones'. All together
never take more than the budget, at the most that the offers can cost.

`fixed`: the one offer goes to all who meet its terms; where budget or share do not suffice for all, to those whom a
hash draws. `best`: winback/predictions/offers/policy.py decides, with a share of the choices left to chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import floor
from typing import Any, Literal

from winback.experiments.assignment import unit_interval
from winback.identifiers import CustomerKey
from winback.offers.offer import Offer
from winback.offers.terms import Barred, Customer, barred, redeemed_minor, redemption_rate, worst_minor
from winback.predictions.offers.effects import NO_MESSAGE, NO_OFFER, Arm, Effect
from winback.predictions.offers.policy import Candidate, OfferDecision, OfferRules, decide_offers
from winback.predictions.requests import Features

ASSUMED_MARGIN = 0.3
"""Margin share of a purchase where the account's orders came without any costs: an assumption, and a cautious one."""

Row = dict[str, Any]


class WithoutOffer(StrEnum):
    """Why a customer gets no offer. The first three are winback.offers.terms.Barred."""

    NOT_ELIGIBLE = "not_eligible"
    TOO_LITTLE_MARGIN = "too_little_margin"
    UNKNOWN_MARGIN = "unknown_margin"
    COOLDOWN = "cooldown"
    NOT_DRAWN = "not_drawn"
    """Only so many customers may get one, and a hash draws who."""
    NOT_BEST = "not_best"
    """A message without an offer, or none at all, is expected to bring more."""
    NOT_KNOWN_ENOUGH = "not_known_enough"
    """What the model looks at is not known: a customer of returns only."""


@dataclass(frozen=True)
class Person:
    """A treated customer. `margin_minor`: of one typical purchase. `features`: None where the model's are not known."""

    customer_key: CustomerKey
    status: str
    terms: Customer
    margin_minor: int
    features: Features | None
    last_offer_at: datetime | None = None


@dataclass(frozen=True)
class ChoiceRules:
    """`offers` have one currency. `offered_at`: when the message that carries the offer is planned to leave first."""

    offers: tuple[Offer, ...]
    choose: Literal["fixed", "best"]
    salt: str
    offered_at: datetime
    cooldown_days: int
    exploration: float
    most_share: float | None = None
    """Of the treated customers, how many may get an offer at most."""


@dataclass(frozen=True)
class Chosen:
    """`rows` of an offers chunk (docs/data-model.md) by customer key, and the decisions behind them, if a model made
    any."""

    rows: tuple[Row, ...]
    decisions: tuple[OfferDecision, ...] = ()


def part_of(left_minor: int, customers: int, remaining: int) -> int:
    """What a block of `customers` may spend of a budget's rest, `remaining` being it and all blocks behind it."""
    return left_minor * customers // remaining if remaining else 0


def choose_fixed(people: Sequence[Person], rules: ChoiceRules, budget_minor: int) -> Chosen:
    """The propensity is that of the customer's own fate: of being drawn, or of not being drawn."""
    (offer,) = rules.offers
    bars = {person.customer_key: _bar(person, offer, rules) for person in people}
    open_to = sorted(
        (person.customer_key for person in people if bars[person.customer_key] is None),
        key=lambda customer: (unit_interval(f"{rules.salt}:fixed", customer), customer),
    )
    worst = worst_minor(offer)
    room = len(open_to) if worst == 0 else budget_minor // worst
    if rules.most_share is not None:
        room = min(room, floor(rules.most_share * len(people)))
    drawn, share = set(open_to[:room]), min(1.0, room / len(open_to)) if open_to else 0.0
    rows = []
    for person in sorted(people, key=lambda person: person.customer_key):
        bar = bars[person.customer_key]
        if person.customer_key in drawn:
            rows.append(_row(person, offer.offer_id, share, offer))
        elif bar is not None:
            rows.append(_row(person, NO_OFFER, 1.0, why=bar))
        else:
            rows.append(_row(person, NO_OFFER, 1 - share, why=WithoutOffer.NOT_DRAWN))
    return Chosen(tuple({**row, "currency": offer.currency} for row in rows))


def arms_of(offers: Sequence[Offer]) -> tuple[Arm, ...]:
    """A message without an offer, and one with each. What a redemption costs beside the discount counts as often as
    redemptions are expected; the discount itself is part of what the model learned (winback.predictions.offers)."""
    return (
        Arm(NO_OFFER),
        *(
            Arm(
                offer.offer_id,
                offer_cost_minor=min(worst_minor(offer), round(redemption_rate(offer).rate * offer.cost.fixed_minor)),
                reserve_minor=worst_minor(offer),
            )
            for offer in offers
        ),
    )


def choose_best(
    people: Sequence[Person],
    rules: ChoiceRules,
    budget_minor: int,
    effects: Mapping[CustomerKey, Mapping[str, Effect]],
) -> Chosen:
    """`effects` of each arm of `arms_of`, for everybody whose features are known."""
    by_id, arms = {offer.offer_id: offer for offer in rules.offers}, arms_of(rules.offers)
    bars = {
        person.customer_key: {offer.offer_id: _bar(person, offer, rules) for offer in rules.offers} for person in people
    }
    known = [person for person in people if person.features is not None]
    drawn = _drawn(known, rules, floor((rules.most_share or 1.0) * len(people)))
    candidates = [
        Candidate(
            customer_key=person.customer_key,
            margin_minor=person.margin_minor,
            effects=effects[person.customer_key],
            closed=frozenset(
                offer_id
                for offer_id, bar in bars[person.customer_key].items()
                if bar is not None or person.customer_key not in drawn
            ),
        )
        for person in known
    ]
    policy = OfferRules(
        salt=f"{rules.salt}:best",
        budget_minor=budget_minor,
        floor=rules.exploration / (len(arms) + 1),
        exploration_share=rules.exploration,
        cooldown_days=0,  # among the closed arms already
    )
    decisions = {one.customer_key: one for one in decide_offers(candidates, arms, policy, rules.offered_at)}
    rows = []
    for person in sorted(people, key=lambda person: person.customer_key):
        decision = decisions.get(person.customer_key)
        if decision is None:
            rows.append(_row(person, NO_OFFER, 1.0, why=WithoutOffer.NOT_KNOWN_ENOUGH))
        elif decision.arm in by_id:
            rows.append(_row(person, decision.arm, decision.propensity, by_id[decision.arm]))
        else:
            why = _why_without(bars[person.customer_key], drawn=person.customer_key in drawn)
            rows.append(_row(person, decision.arm, decision.propensity, why=why))
    currency = rules.offers[0].currency
    return Chosen(tuple({**row, "currency": currency} for row in rows), tuple(decisions.values()))


def spent_minor(rows: Sequence[Row]) -> int:
    return sum(row["spend_minor"] for row in rows)


def leaves_alone(row: Row) -> bool:
    """Whether the customer is better left without the message that would carry an offer."""
    return bool(row["arm"] == NO_MESSAGE)


def _bar(person: Person, offer: Offer, rules: ChoiceRules) -> WithoutOffer | None:
    bar: Barred | None = barred(offer, person.terms)
    if bar is not None:
        return WithoutOffer(str(bar))
    since = person.last_offer_at
    cooling = since is not None and rules.offered_at - since < timedelta(days=rules.cooldown_days)
    return WithoutOffer.COOLDOWN if cooling else None


def _drawn(people: Sequence[Person], rules: ChoiceRules, room: int) -> set[CustomerKey]:
    """Those to whom offers are open at all; all of them unless the rules bound how many may get one."""
    if rules.most_share is None:
        return {person.customer_key for person in people}
    places = sorted(
        (unit_interval(f"{rules.salt}:share", person.customer_key), person.customer_key) for person in people
    )
    return {customer for _, customer in places[:room]}


def _why_without(bars: Mapping[str, WithoutOffer | None], *, drawn: bool) -> WithoutOffer:
    found = {bar for bar in bars.values() if bar is not None}
    if found and all(bars.values()):
        return next(why for why in WithoutOffer if why in found)
    return WithoutOffer.NOT_BEST if drawn else WithoutOffer.NOT_DRAWN


def _row(
    person: Person, arm: str, propensity: float, offer: Offer | None = None, why: WithoutOffer | None = None
) -> Row:
    return {
        "customer_key": person.customer_key,
        "arm": arm,
        "offer_id": offer.offer_id if offer is not None else None,
        "propensity": propensity,
        "cost_minor": redeemed_minor(offer, person.terms.price_minor) if offer is not None else 0,
        "spend_minor": worst_minor(offer) if offer is not None else 0,
        **({"without_offer": str(why)} if why is not None else {}),
    }
