"""One choice for each customer under a budget for all: the multiple-choice knapsack, greedily along upper hulls.

Of each customer's choices only those on the upper concave hull of (spend, value) can be part of the linear relaxation's
optimum; taking the steps along the hulls by value per spend until one does not fit gives that optimum but for the one
step (Sinha and Zoltners, "The multiple-choice knapsack problem", Operations Research 27, 1979; Zemel 1980). So the
result is within one customer's value of the best possible. Steps behind it that still fit are taken as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """An arm for one customer: what it is worth and what it takes of the budget, both in minor units."""

    arm: str
    value: int
    spend: int

    def __post_init__(self) -> None:
        if self.spend < 0:
            raise ValueError(f"arm {self.arm!r} spends {self.spend}: expected 0 or more")


@dataclass(frozen=True)
class Allocation:
    chosen: dict[str, Choice]
    """By customer, in the order of their keys."""
    spent: int
    value: int
    price: float | None
    """Value per unit of budget of the first step that did not fit: what one more would bring. None: all fitted."""


def allocate(options: Mapping[str, Sequence[Choice]], budget: int | None) -> Allocation:
    """Chooses for each customer one of its options so that the spend of all stays within `budget`; None: no limit.

    The result depends on neither the order of the customers nor that of their options. Raises ValueError when the
    budget is negative or a customer has no option without spend: somebody must be able to get nothing.
    """
    if budget is not None and budget < 0:
        raise ValueError(f"the budget is {budget}: expected 0 or more")
    chosen: dict[str, Choice] = {}
    steps: list[tuple[float, str, int, int, Choice]] = []
    for customer in sorted(options):
        start, *rest = upper_hull(options[customer])
        if start.spend:
            raise ValueError("a customer has no choice that costs nothing: expected one, such as sending nothing")
        chosen[customer] = start
        before = start
        for number, choice in enumerate(rest):
            spend = choice.spend - before.spend
            steps.append((-(choice.value - before.value) / spend, customer, number, spend, choice))
            before = choice
    steps.sort(key=lambda step: step[:3])
    spent, price = 0, None
    closed: set[str] = set()
    for ratio, customer, _, spend, choice in steps:
        if customer in closed:
            continue
        if budget is not None and spent + spend > budget:
            closed.add(customer)
            price = -ratio if price is None else price
            continue
        chosen[customer] = choice
        spent += spend
    return Allocation(chosen, spent, sum(choice.value for choice in chosen.values()), price)


def upper_hull(choices: Sequence[Choice]) -> list[Choice]:
    """The choices on the upper concave hull, by rising spend and value; of equal ones the first arm by name.

    Starts with the best of those that spend least. Raises ValueError without any choice.
    """
    if not choices:
        raise ValueError("a customer has no choice: expected at least one, such as sending nothing")
    hull: list[Choice] = []
    for choice in sorted(choices, key=lambda each: (each.spend, -each.value, each.arm)):
        if hull and choice.value <= hull[-1].value:
            continue  # dearer and no better, or as dear and worse
        while len(hull) > 1 and _flatter(hull[-2], hull[-1], choice):
            hull.pop()
        hull.append(choice)
    return hull


def _flatter(first: Choice, middle: Choice, last: Choice) -> bool:
    """Whether `middle` lies on or below the line from `first` to `last`, in whole numbers."""
    return (middle.value - first.value) * (last.spend - first.spend) <= (last.value - first.value) * (
        middle.spend - first.spend
    )
