"""Who gets what: the best arm for each customer under budget, caps and cooldown, with a share of it left to chance.

Exploration. Each of the k arms open to a customer is given with probability `floor` whatever is expected of it, and
the best one with the rest, 1 - (k - 1) x floor. Which it is depends on a hash of salt and customer, so it is sticky.

Exploration and the budget. The best arms are planned first, within the budget less a share kept for exploration, and
without looking at any draw. Then customers draw in the order of their keys: an arm that would cost more than the
customer's planned one is open only while what is left of the budget pays the difference. So the budget holds always,
and the probability that is logged is exact given the draws of the customers before, which is what importance weighting
needs; its mean over salts is the arm's probability. An arm that nothing is left for has probability 0, and the record
says so. All customers of a budget are decided together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from winback.experiments.assignment import unit_interval
from winback.identifiers import CustomerKey
from winback.predictions.offers.allocation import Choice, allocate
from winback.predictions.offers.effects import NO_MESSAGE, NO_OFFER, Arm, Effect


@dataclass(frozen=True)
class OfferRules:
    """`salt` names campaign and purpose (experiments.assignment.assignment_salt); `budget_minor` None: no limit."""

    salt: str
    budget_minor: int | None
    floor: float = 0.02
    exploration_share: float = 0.1
    """Of the budget, kept for arms that cost more than the planned one."""
    cooldown_days: int = 90
    """After an offer, for how long a customer gets none: coupons that follow each lapse teach lapsing."""
    customer_cap_minor: int | None = None
    """What one customer may take of budgets in a period that the caller chooses."""

    def __post_init__(self) -> None:
        if not 0 <= self.floor < 0.5:
            raise ValueError(f"the exploration floor is {self.floor}: expected 0 to less than 0.5")
        if not 0 <= self.exploration_share <= 1:
            raise ValueError(f"the exploration share is {self.exploration_share}: expected 0 to 1")
        if self.cooldown_days < 0 or min(self.budget_minor or 0, self.customer_cap_minor or 0) < 0:
            raise ValueError("cooldown, budget and cap must not be negative")


@dataclass(frozen=True)
class Candidate:
    """A customer to decide for.

    `margin_minor`: the margin of one typical purchase, which uplifts are multiples of. `taken_minor`: what the customer
    took of budgets in the cap's period already. `closed`: arms whose terms the customer does not meet.
    """

    customer_key: CustomerKey
    margin_minor: int
    effects: Mapping[str, Effect]
    last_offer_at: datetime | None = None
    taken_minor: int = 0
    closed: frozenset[str] = frozenset()


class Considered(NamedTuple):  # several for each of many customers: a tuple is made three times as fast
    """An arm that was open or shut to the customer: what it was worth, and the probability of drawing it."""

    arm: str
    effect: Effect | None
    value_minor: int
    spend_minor: int
    cost_minor: int
    propensity: float


@dataclass(frozen=True)
class OfferDecision:
    customer_key: CustomerKey
    margin_minor: int
    considered: tuple[Considered, ...]
    """Arms by name, those that terms, cap or cooldown exclude left out."""
    planned: str
    """The best arm under the budget."""
    arm: str
    explored: bool
    """The arm was given by the floor's draw rather than because it was best."""

    @property
    def chosen(self) -> Considered:
        return next(each for each in self.considered if each.arm == self.arm)

    @property
    def propensity(self) -> float:
        return self.chosen.propensity


def decide_offers(
    candidates: Iterable[Candidate], arms: Sequence[Arm], rules: OfferRules, decided_at: datetime
) -> list[OfferDecision]:
    """One decision for each candidate, by customer key, whatever the order of candidates and arms.

    `arms` are those with a message; sending nothing is always a choice, and so must be a message without an offer.
    Raises ValueError where it is not among `arms`, an arm or customer comes twice, or the floor exceeds 1 / k.
    """
    by_name = {arm.name: arm for arm in sorted(arms, key=lambda arm: arm.name)}
    if len(by_name) < len(arms) or NO_OFFER not in by_name:
        raise ValueError(f"the arms are {', '.join(arm.name for arm in arms)}: expected {NO_OFFER!r} and each once")
    if rules.floor * (len(by_name) + 1) > 1:
        raise ValueError(f"the floor {rules.floor} for each of {len(by_name) + 1} arms adds up to more than 1")
    known: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.customer_key in known:
            raise ValueError("a customer is among the candidates twice: expected one decision each")
        known[candidate.customer_key] = candidate
    options = {key: _options(known[key], by_name, rules, decided_at) for key in sorted(known)}
    budget = rules.budget_minor
    kept = 0 if budget is None or rules.floor == 0 else int(budget * rules.exploration_share)
    planned = allocate(
        {key: list(mine.values()) for key, mine in options.items()}, None if budget is None else budget - kept
    )
    left = None if budget is None else budget - planned.spent
    costs = {NO_MESSAGE: 0} | {name: arm.cost_minor for name, arm in by_name.items()}
    decisions = []
    for key, mine in options.items():
        best = planned.chosen[key]
        extra = {name: max(0, choice.spend - best.spend) for name, choice in mine.items()}
        open_arms = [name for name in mine if left is None or extra[name] <= left]
        drawn, explored = _draw(rules, known[key].customer_key, open_arms, best.arm)
        if left is not None:
            left -= extra[drawn]
        probability = dict.fromkeys(open_arms, rules.floor)
        probability[best.arm] = 1 - rules.floor * (len(open_arms) - 1)
        decisions.append(
            OfferDecision(
                customer_key=known[key].customer_key,
                margin_minor=known[key].margin_minor,
                considered=tuple(
                    Considered(
                        name,
                        known[key].effects.get(name),
                        choice.value,
                        choice.spend,
                        costs[name],
                        probability.get(name, 0.0),
                    )
                    for name, choice in mine.items()
                ),
                planned=best.arm,
                arm=drawn,
                explored=explored,
            )
        )
    return decisions


def expected_value(effect: Effect, margin_minor: int, arm: Arm) -> int:
    """uplift x margin - offer cost - channel cost, in minor units, halves to even."""
    return round(effect.uplift * margin_minor) - arm.cost_minor


def _options(
    candidate: Candidate, arms: Mapping[str, Arm], rules: OfferRules, decided_at: datetime
) -> dict[str, Choice]:
    """The arms open to the customer by name. Raises KeyError when nothing is known of an arm's effect."""
    since = candidate.last_offer_at
    cooling = since is not None and decided_at - since < timedelta(days=rules.cooldown_days)
    cap = rules.customer_cap_minor
    open_to = {NO_MESSAGE: Choice(NO_MESSAGE, 0, 0)}
    for name, arm in arms.items():
        over = cap is not None and candidate.taken_minor + arm.spend_minor > cap
        if over or (cooling and name != NO_OFFER) or name in candidate.closed:
            continue
        value = expected_value(candidate.effects[name], candidate.margin_minor, arm)
        open_to[name] = Choice(name, value, arm.spend_minor)
    return dict(sorted(open_to.items()))


def _draw(rules: OfferRules, customer: CustomerKey, open_arms: Sequence[str], best: str) -> tuple[str, bool]:
    """(arm, whether the floor's draw gave it): the first k x floor of the interval belong to the arms by name."""
    place = unit_interval(rules.salt, customer)
    for number, name in enumerate(open_arms, 1):
        if place < number * rules.floor:
            return name, True
    return best, False
