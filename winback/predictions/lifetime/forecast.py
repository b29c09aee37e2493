"""A fit held against what happened afterwards: by week, and by how often customers had bought."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winback.predictions.lifetime.purchases import PurchaseModel

Vector = NDArray[np.float64]
Whole = NDArray[np.int64]
MOST_REPEATS = 7
"""Customers with more repeat purchases than this stand together in the table by calibration purchases."""


@dataclass(frozen=True)
class Cohorts:
    """How many customers made their first purchase how many days before the calibration's end."""

    age_days: Whole
    customers: Whole


@dataclass(frozen=True)
class Group:
    """Customers of the same number of repeat purchases in the calibration, and purchases a customer afterwards."""

    repeats: int
    and_more: bool
    customers: int
    actual: float
    forecast: float


@dataclass(frozen=True)
class Errors:
    """Of forecasts against what happened in the weeks that are known.

    `total`: cumulative forecast over cumulative actual, less one. `weekly`: mean absolute error of a week over the mean
    week. `customer_mean` and `customer_root_mean_square`: purchases a customer. `correlation`: between forecast and
    actual purchases of customers; None where all are alike.
    """

    total: float | None
    weekly: float | None
    customer_mean: float
    customer_root_mean_square: float
    correlation: float | None


def expected_repeats(model: PurchaseModel, cohorts: Cohorts, days: Sequence[int], unit_days: int) -> Vector:
    """Repeat purchases of all cohorts together by `days` after the calibration's end (negative: before it), as foreseen
    from the model alone: the sum of E[X(t)] over customers (Fader, Hardie and Lee 2005, equation 9)."""
    ages = cohorts.age_days[:, None] + np.asarray(days, dtype=np.int64)[None, :]
    different, place = np.unique(np.maximum(ages, 0), return_inverse=True)
    expected = model.expected_of_new(different / unit_days)[place].reshape(ages.shape)
    total: Vector = cohorts.customers @ expected
    return total


def by_repeats(repeats: Whole, actual: Vector, forecast: Vector, *, most: int = MOST_REPEATS) -> list[Group]:
    """Purchases a customer by how many repeat purchases it made in the calibration; empty groups are left out."""
    groups = []
    for number in range(most + 1):
        rows = repeats >= number if number == most else repeats == number
        if rows.any():
            groups.append(
                Group(number, number == most, int(rows.sum()), float(actual[rows].mean()), float(forecast[rows].mean()))
            )
    return groups


def errors(weeks_actual: Vector, weeks_forecast: Vector, actual: Vector, forecast: Vector) -> Errors:
    """`weeks_…` are purchases of each week, the others of each customer over the same weeks."""
    happened, foreseen = float(weeks_actual.sum()), float(weeks_forecast.sum())
    spread = bool(len(actual)) and bool(np.ptp(actual) > 0) and bool(np.ptp(forecast) > 0)
    return Errors(
        total=foreseen / happened - 1 if happened else None,
        weekly=float(np.abs(weeks_forecast - weeks_actual).mean()) / float(weeks_actual.mean()) if happened else None,
        customer_mean=float(np.abs(forecast - actual).mean()),
        customer_root_mean_square=float(np.sqrt(((forecast - actual) ** 2).mean())),
        correlation=float(np.corrcoef(forecast, actual)[0, 1]) if spread else None,
    )
