"""What the purchase models know of customers: repeat purchases x, when the last was (t_x), the first's age T."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Histories:
    """Different (x, t_x, T) and how many customers have each. Days are whole; the models count them in `unit_days`.

    x: repeat purchases (days with a purchase after the first such day). t_x, `recency_days`: from the first to the last
    purchase. T, `age_days`: from the first purchase to the end of the observation. 0 <= t_x <= T, and t_x = 0 exactly
    where x = 0.
    """

    repeats: Whole
    recency_days: Whole
    age_days: Whole
    customers: Whole
    unit_days: int = 7

    def __post_init__(self) -> None:
        x, recency, age = self.repeats, self.recency_days, self.age_days
        if not len(x) == len(recency) == len(age) == len(self.customers):
            raise ValueError("the columns of the histories differ in length")
        if len(x) and (x.min() < 0 or recency.min() < 0 or (recency > age).any() or ((x == 0) != (recency == 0)).any()):
            raise ValueError("a history needs x >= 0 and 0 <= t_x <= T, and t_x = 0 exactly where x = 0")

    @property
    def total(self) -> int:
        return int(self.customers.sum())

    @property
    def repeaters(self) -> int:
        return int(self.customers[self.repeats > 0].sum())

    @property
    def recency(self) -> Vector:
        return self.recency_days / self.unit_days

    @property
    def age(self) -> Vector:
        return self.age_days / self.unit_days

    def some(self, most: int) -> "Histories":
        """At most about `most` of the rows, evenly spread over them."""
        rows = slice(None, None, max(1, -(-len(self.repeats) // most)))
        return Histories(
            self.repeats[rows], self.recency_days[rows], self.age_days[rows], self.customers[rows], self.unit_days
        )


def count_histories(
    repeats: Whole, recency_days: Whole, age_days: Whole, *, unit_days: int = 7
) -> tuple[Histories, NDArray[np.intp]]:
    """From one row a customer: the different histories, and which of them each customer has."""
    columns = [np.asarray(column, dtype=np.int64) for column in (repeats, recency_days, age_days)]
    if any(len(column) and column.min() < 0 for column in columns):
        raise ValueError("x, t_x and T are not negative")
    high = [int(column.max(initial=0)) + 1 for column in columns]
    code = (columns[0] * high[1] + columns[1]) * high[2] + columns[2]
    different, place, customers = np.unique(code, return_inverse=True, return_counts=True)
    rest, age = np.divmod(different, high[2])
    x, recency = np.divmod(rest, high[1])
    return Histories(x, recency, age, customers.astype(np.int64), unit_days), place
