"""Figures of probability forecasts, and whether one forecast is better than another beyond chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

METRICS = ("auc", "log_loss", "brier")
HIGHER_IS_BETTER = {"auc": True, "log_loss": False, "brier": False}
_SMALLEST = 1e-6  # a forecast of exactly 0 or 1 that fails would cost infinitely much


@dataclass(frozen=True)
class Forecast:
    """`ranking` orders rows by risk (ties allowed); `probability` is the calibrated forecast; both (n,)."""

    ranking: Array
    probability: Array

    @classmethod
    def of(cls, probability: Array) -> "Forecast":
        return cls(probability, probability)


class Scorer:
    """Scores one forecast on outcomes (n,) of 0 and 1, for many weightings of the same rows."""

    def __init__(self, forecast: Forecast, outcome: Array) -> None:
        self._order = np.argsort(forecast.ranking, kind="stable")
        ranked = forecast.ranking[self._order]
        self._groups = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
        self._positive = outcome[self._order]
        p = np.clip(forecast.probability, _SMALLEST, 1 - _SMALLEST)
        self._log_losses = -(outcome * np.log(p) + (1 - outcome) * np.log1p(-p))
        self._squares = (forecast.probability - outcome) ** 2

    def scores(self, weights: Array) -> tuple[float, float, float]:
        """(AUC, log loss, Brier score), rows counted `weights` times. A tie counts half in the AUC (Mann-Whitney U)."""
        ordered = weights[self._order]
        positive = np.add.reduceat(ordered * self._positive, self._groups)
        negative = np.add.reduceat(ordered * (1 - self._positive), self._groups)
        below = np.cumsum(negative) - negative
        pairs = positive.sum() * negative.sum()
        auc = float(positive @ (below + negative / 2) / pairs)
        total = weights.sum()
        return auc, float(weights @ self._log_losses / total), float(weights @ self._squares / total)


def score(forecast: Forecast, outcome: Array) -> dict[str, float]:
    return dict(zip(METRICS, Scorer(forecast, outcome).scores(np.ones(len(outcome))), strict=True))


def compare(
    model: Forecast, baseline: Forecast, outcome: Array, *, seed: int, draws: int
) -> dict[str, dict[str, object]]:
    """model - baseline per metric, with a 95 % interval of the paired bootstrap over customers (percentile method).

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3. `better` only when the whole interval
    is on the good side of zero.
    """
    random = np.random.default_rng(seed)
    first, second = Scorer(model, outcome), Scorer(baseline, outcome)
    size = len(outcome)
    differences = np.empty((draws, len(METRICS)))
    for draw in range(draws):
        weights = np.bincount(random.integers(0, size, size), minlength=size).astype(np.float64)
        differences[draw] = np.subtract(first.scores(weights), second.scores(weights))
    point = np.subtract(first.scores(np.ones(size)), second.scores(np.ones(size)))
    low, high = np.quantile(differences, [0.025, 0.975], axis=0)
    return {
        name: {
            "difference": float(point[column]),
            "low": float(low[column]),
            "high": float(high[column]),
            "better": bool(low[column] > 0 if HIGHER_IS_BETTER[name] else high[column] < 0),
        }
        for column, name in enumerate(METRICS)
    }


def reliability(probability: Array, outcome: Array, bins: int = 10) -> list[dict[str, float]]:
    """Rows in `bins` groups of equal size by forecast: their number, mean forecast and observed share."""
    groups = np.array_split(np.argsort(probability, kind="stable"), bins)
    return [
        {
            "customers": len(group),
            "forecast": float(probability[group].mean()),
            "observed": float(outcome[group].mean()),
        }
        for group in groups
    ]
