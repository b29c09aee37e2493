"""Predictions for customers: alive or not, purchases and value in a horizon, and how well the parameters are known.

The intervals carry the uncertainty of the parameters (delta method on logarithms, from the fit's covariance): what
would move if the models were fitted to another sample of such customers. They do not contain how single customers
differ from what is expected of them, which is far more, nor that the models may be wrong, nor that the shop or its
prices change.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winback.predictions.lifetime.fitting import Z95, Estimate
from winback.predictions.lifetime.histories import Histories, count_histories
from winback.predictions.lifetime.purchases import Kind, PurchaseModel, purchase_model
from winback.predictions.lifetime.spend import SpendModel, spend_model

Vector = NDArray[np.float64]
Whole = NDArray[np.int64]
YEAR_DAYS = 365.25
_NODES = np.polynomial.legendre.leggauss(4)
_STEP = 1e-4


@dataclass(frozen=True)
class Customers:
    """One row each. `repeats`, `recency_days` and `age_days` are x, t_x and T (winback.predictions.lifetime.histories);
    `paid` counts the purchases whose value counts, `spent` is their sum, in any currency unit."""

    repeats: Whole
    recency_days: Whole
    age_days: Whole
    paid: Whole
    spent: Vector

    def histories(self, unit_days: int) -> tuple[Histories, NDArray[np.intp]]:
        return count_histories(self.repeats, self.recency_days, self.age_days, unit_days=unit_days)


@dataclass(frozen=True)
class Horizon:
    """How far to look, and what a unit of money is worth later: `discount_rate` a year, continuously."""

    days: float
    discount_rate: float = 0.0

    def __post_init__(self) -> None:
        if not self.days > 0:
            raise ValueError("the horizon is more than nothing")
        if not 0 <= self.discount_rate < 1:
            raise ValueError("the discount rate is a share a year from 0 to below 1, such as 0.1")

    @property
    def daily_force(self) -> float:
        """The continuous rate of discounting a day that makes `discount_rate` a year."""
        return float(np.log1p(self.discount_rate)) / YEAR_DAYS


@dataclass(frozen=True)
class Keeps:
    """What of a purchase's value a store keeps: `net` after returns, and `margin` of the net after the cost of goods,
    None where no cost is known. Shares of all customers together: a single one has too few returns to tell its own."""

    net: float = 1.0
    margin: float | None = None

    @classmethod
    def of(cls, *, gross: float, returned: float, known_net: float, margin: float) -> "Keeps":
        """`gross` and `returned` of all orders; `margin` on the `known_net` of those whose cost is known."""
        return cls(
            net=max(0.0, 1 - returned / gross) if gross > 0 else 1.0,
            margin=margin / known_net if known_net > 0 else None,
        )


EVERYTHING = Keeps()


@dataclass(frozen=True)
class Fitted:
    """The models in use. `spend` is None where the value of purchases could not be fitted."""

    kind: Kind
    unit_days: int
    purchases: Estimate
    spend: Estimate | None


@dataclass(frozen=True)
class Total:
    """A sum over customers with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Predictions:
    """One row a customer, in their order. Values are in the unit of `spent`; NaN without a spend model."""

    p_alive: Vector
    expected_purchases: Vector
    """In the horizon, undiscounted."""
    expected_value: Vector
    """Of one purchase, before returns."""
    cltv: Vector
    """Discounted value of the purchases in the horizon, net of returns."""
    cltv_low: Vector
    cltv_high: Vector
    total_purchases: Total
    total_cltv: Total | None


@dataclass(frozen=True)
class Expected:
    """Point predictions, one row a customer; as in Predictions."""

    p_alive: Vector
    purchases: Vector
    value: Vector
    cltv: Vector


def expect(customers: Customers, fitted: Fitted, horizon: Horizon, keeps: Keeps = EVERYTHING) -> Expected:
    """What is expected of each customer, without intervals: purchases are computed once for each different history."""
    histories, place = customers.histories(fitted.unit_days)
    return _expect(customers, fitted, horizon, keeps, (histories, place))


def predict(customers: Customers, fitted: Fitted, horizon: Horizon, keeps: Keeps = EVERYTHING) -> Predictions:
    """What is expected of each customer, with intervals."""
    histories, place = customers.histories(fitted.unit_days)
    found = _expect(customers, fitted, horizon, keeps, (histories, place))
    log_purchases, log_discounted = _slopes(
        lambda logs: _log_purchases(PurchaseModel.at(fitted.kind, logs), histories, horizon), fitted.purchases.logs
    ).swapaxes(0, 1)
    by_history = np.bincount(place, weights=found.purchases, minlength=len(histories.repeats))
    total_purchases = _total(float(by_history.sum()), log_purchases @ by_history, fitted.purchases)
    if fitted.spend is None:
        return Predictions(
            found.p_alive, found.purchases, found.value, found.cltv, found.cltv, found.cltv, total_purchases, None
        )
    variance = np.einsum("ij,ik,kj->j", log_discounted, np.array(fitted.purchases.covariance), log_discounted)
    by_spend = _slopes(
        lambda logs: np.log(SpendModel.at(logs).expected_value(customers.paid.astype(float), customers.spent)),
        fitted.spend.logs,
    )
    of_spend = np.einsum("ij,ik,kj->j", by_spend, np.array(fitted.spend.covariance), by_spend, optimize=True)
    reach = np.exp(Z95 * np.sqrt(variance[place] + of_spend))
    by_history = np.bincount(place, weights=found.cltv, minlength=len(histories.repeats))
    slopes = np.concatenate([log_discounted @ by_history, by_spend @ found.cltv])
    return Predictions(
        p_alive=found.p_alive,
        expected_purchases=found.purchases,
        expected_value=found.value,
        cltv=found.cltv,
        cltv_low=found.cltv / reach,
        cltv_high=found.cltv * reach,
        total_purchases=total_purchases,
        total_cltv=_total(float(found.cltv.sum()), slopes, fitted.purchases, fitted.spend),
    )


def _expect(
    customers: Customers,
    fitted: Fitted,
    horizon: Horizon,
    keeps: Keeps,
    counted: tuple[Histories, NDArray[np.intp]],
) -> Expected:
    histories, place = counted
    model = purchase_model(fitted.kind, fitted.purchases)
    p_alive = model.p_alive(histories.repeats.astype(float), histories.recency, histories.age)
    purchases, discounted = p_alive * _while_alive(model, histories, horizon)
    if fitted.spend is None:
        missing = np.full(len(place), np.nan)
        return Expected(p_alive[place], purchases[place], missing, missing)
    value = spend_model(fitted.spend).expected_value(customers.paid.astype(float), customers.spent)
    return Expected(p_alive[place], purchases[place], value, discounted[place] * value * keeps.net)


def _log_purchases(model: PurchaseModel, histories: Histories, horizon: Horizon) -> Vector:
    """Logarithms of the purchases expected of each history, and of the same discounted: two rows."""
    odds = model.log_dead_odds(histories.repeats.astype(float), histories.recency, histories.age)
    logarithms: Vector = np.log(_while_alive(model, histories, horizon)) - np.logaddexp(0.0, odds)
    return logarithms


def _while_alive(model: PurchaseModel, histories: Histories, horizon: Horizon) -> Vector:
    """Purchases in the horizon of customers alive, and the same discounted: two rows.

    Only x and T matter, so each pair is computed once. Discounted at the force d, by parts: exp(-d H) G(H) plus d times
    the integral of exp(-d s) G(s) from 0 to H, G the expected purchases until s; G is smooth, and d H small.
    """
    pairs = histories.repeats * (int(histories.age_days.max(initial=0)) + 1) + histories.age_days
    _, first, place = np.unique(pairs, return_index=True, return_inverse=True)
    repeats, age = histories.repeats[first].astype(float), histories.age[first]
    length, force = horizon.days / histories.unit_days, horizon.daily_force * histories.unit_days
    moments = np.array([length, *(length * (node + 1) / 2 for node in _NODES[0] if force)])
    until = model.expected_while_alive(
        np.tile(repeats, len(moments)), np.tile(age, len(moments)), np.repeat(moments, len(first))
    ).reshape(len(moments), len(first))
    weights = force * _NODES[1][: len(moments) - 1] * length / 2 * np.exp(-force * moments[1:])
    discounted = np.exp(-force * length) * until[0] + weights @ until[1:]
    return np.stack([until[0], discounted])[:, place]


def _slopes(logarithm: Callable[[Vector], Vector], logs: Vector) -> Vector:
    """Derivatives by each of the parameters' logarithms, which are the first axis."""
    rows = []
    for place in range(len(logs)):
        shift = np.zeros(len(logs))
        shift[place] = _STEP
        rows.append((logarithm(logs + shift) - logarithm(logs - shift)) / (2 * _STEP))
    return np.array(rows)


def _total(value: float, slopes: Vector, *estimates: Estimate) -> Total:
    """`slopes` of the sum by the logarithms of all estimates' parameters; those of different models are independent."""
    variance, start = 0.0, 0
    for estimate in estimates:
        own = slopes[start : start + len(estimate.names)]
        variance += float(own @ np.array(estimate.covariance) @ own)
        start += len(estimate.names)
    reach = float(np.exp(Z95 * np.sqrt(variance) / value)) if value > 0 else 1.0
    return Total(float(value), float(value) / reach, float(value) * reach)
