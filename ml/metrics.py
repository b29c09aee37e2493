"""Figures of forecasts, and whether one is better than another beyond chance.

Lies beside `train.py` in a training job's code, so it stands alone on numpy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

METRICS = ("auc", "log_loss", "brier")
HIGHER_IS_BETTER = {"auc": True, "log_loss": False, "brier": False}
_SMALLEST = 1e-6  # a forecast of exactly 0 or 1 that fails would cost infinitely much
FEWEST_DRAWN = 20
"""Independent rows or customers below which a bootstrap's interval is too short to conclude from."""
_STEPS = 50
_NO_STEP = 1e-10


class Difference(TypedDict):
    """Of two figures, with a 95 % interval; `better` only when the whole interval is on the good side of zero, and of a
    paired difference comes of at least FEWEST_DRAWN rows."""

    difference: float
    low: float
    high: float
    better: bool


@dataclass(frozen=True)
class Forecast:
    """`ranking` orders rows by risk (ties allowed); `probability` is the calibrated forecast; both (n,)."""

    ranking: Array
    probability: Array

    @classmethod
    def of(cls, probability: Array) -> "Forecast":
        return cls(probability, probability)

    def of_rows(self, rows: NDArray[np.bool_]) -> "Forecast":
        return Forecast(self.ranking[rows], self.probability[rows])


class Scorer:
    """Scores one forecast on outcomes (n,) of 0 and 1, for many weightings of the same rows."""

    def __init__(self, forecast: Forecast, outcome: Array) -> None:
        self._order = np.argsort(forecast.ranking, kind="stable")
        ranked = forecast.ranking[self._order]
        self._groups = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
        self._positive = outcome[self._order]
        self._log_losses = log_losses(forecast.probability, outcome)
        self._squares = (forecast.probability - outcome) ** 2

    def scores(self, weights: Array) -> tuple[float, float, float]:
        """(AUC, log loss, Brier score), rows counted `weights` times; the AUC is NaN where only one outcome occurs.

        A tie counts half in the AUC (Mann-Whitney U).
        """
        ordered = weights[self._order]
        positive = np.add.reduceat(ordered * self._positive, self._groups)
        negative = np.add.reduceat(ordered * (1 - self._positive), self._groups)
        below = np.cumsum(negative) - negative
        pairs = positive.sum() * negative.sum()
        auc = float(positive @ (below + negative / 2) / pairs) if pairs else float("nan")
        total = weights.sum()
        return auc, float(weights @ self._log_losses / total), float(weights @ self._squares / total)


def log_losses(probability: Array, outcome: Array) -> Array:
    """Of each row: -ln of the probability that was given to what happened; (n,), (n,) -> (n,)."""
    p = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
    return np.asarray(-(outcome * np.log(p) + (1 - outcome) * np.log1p(-p)))


def score(forecast: Forecast, outcome: Array) -> dict[str, float]:
    return dict(zip(METRICS, Scorer(forecast, outcome).scores(np.ones(len(outcome))), strict=True))


def compare(model: Forecast, baseline: Forecast, outcome: Array, *, seed: int, draws: int) -> dict[str, Difference]:
    """model - baseline per metric; see `compare_each`."""
    return compare_each(model, {"baseline": baseline}, outcome, seed=seed, draws=draws)["baseline"]


def compare_each(
    model: Forecast, baselines: Mapping[str, Forecast], outcome: Array, *, seed: int, draws: int
) -> dict[str, dict[str, Difference]]:
    """model - baseline per baseline and metric, with 95 % intervals of the paired bootstrap over rows (percentiles).

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3. The same draws serve all baselines. A
    draw without both outcomes says nothing of the AUC and is left out of its interval.
    """
    random = np.random.default_rng(seed)
    first = Scorer(model, outcome)
    others = [Scorer(baseline, outcome) for baseline in baselines.values()]
    size = len(outcome)

    def gaps(weights: Array) -> Array:
        return np.subtract(first.scores(weights), [other.scores(weights) for other in others])

    drawn = np.array(
        [gaps(np.bincount(random.integers(0, size, size), minlength=size).astype(np.float64)) for _ in range(draws)]
    )
    point = gaps(np.ones(size))
    return {
        name: {
            metric: _difference(
                float(point[row, column]), drawn[:, row, column], higher_is_better=HIGHER_IS_BETTER[metric]
            )
            for column, metric in enumerate(METRICS)
        }
        for row, name in enumerate(baselines)
    }


def paired_difference(
    first: Array, second: Array, *, seed: int, draws: int, higher_is_better: bool = False
) -> Difference:
    """Mean of first - second over rows, (n,) each, with a 95 % interval of the paired bootstrap (percentile method).

    For figures that are means over rows, such as a log loss or a value. Bootstrap as in `compare`.
    """
    gaps = first - second
    random = np.random.default_rng(seed)
    size = len(gaps)
    drawn = np.array([gaps[random.integers(0, size, size)].mean() for _ in range(draws)])
    found = _difference(float(gaps.mean()), drawn, higher_is_better=higher_is_better)
    return {**found, "better": found["better"] and size >= FEWEST_DRAWN}


def calibration_line(probability: Array, outcome: Array) -> tuple[float, float]:
    """(intercept, slope) of log odds of the outcome on the forecast's log odds, by maximum likelihood.

    (0, 1) is calibrated; a slope below 1 means forecasts too extreme. Cox, "Two further applications of a model for
    binary regression", Biometrika 45 (1958) 562-565. (NaN, NaN) where only one outcome or one forecast occurs.
    """
    p = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
    return logistic_line(np.log(p) - np.log1p(-p), outcome)


def logistic_line(scores: Array, outcome: Array) -> tuple[float, float]:
    """(intercept, slope) of the outcome's log odds on the scores, (n,) each, by maximum likelihood.

    (NaN, NaN) where only one outcome or one score occurs.
    """
    if outcome.min() == outcome.max() or scores.max() - scores.min() < 1e-12:
        return float("nan"), float("nan")
    terms = np.column_stack([np.ones_like(scores), scores])
    weights = np.zeros(2)
    for _ in range(_STEPS):  # Newton's method, its steps halved where they go too far; the likelihood is concave
        line = terms @ weights
        fitted = 1 / (1 + np.exp(-np.clip(line, -500, 500)))
        curvature = (terms * (fitted * (1 - fitted))[:, None]).T @ terms
        step = np.linalg.lstsq(curvature, terms.T @ (outcome - fitted), rcond=None)[0]
        likelihood = _likelihood(line, outcome)
        while _likelihood(terms @ (weights + step), outcome) < likelihood and np.abs(step).max() > _NO_STEP:
            step = step / 2
        weights = weights + step
        if np.abs(step).max() <= _NO_STEP:
            break
    return float(weights[0]), float(weights[1])


def _likelihood(line: Array, outcome: Array) -> float:
    return float(outcome @ line - np.logaddexp(0, line).sum())


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
        if len(group)
    ]


def shares(values: Array, edges: Array) -> list[float]:
    """Share of rows in each bin that the ascending `edges` divide: below the first, between two, from the last on, and
    last of all the share of NaN; len(edges) + 2 numbers. What drift of an input is measured by."""
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    return [float(count) / max(len(values), 1) for count in (*counts, len(values) - len(known))]


def reference(values: Array, bins: int = 10) -> dict[str, list[float]]:
    """{"edges", "shares"} of one input as it was in training: edges at its quantiles, different ones alone."""
    known = values[~np.isnan(values)]
    edges = np.unique(np.quantile(known, np.arange(1, bins) / bins)) if len(known) else np.array([])
    return {"edges": [float(edge) for edge in edges], "shares": shares(values, edges)}


def _difference(point: float, drawn: Array, *, higher_is_better: bool) -> Difference:
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (float("nan"), float("nan"))
    return {
        "difference": point,
        "low": float(low),
        "high": float(high),
        "better": bool(low > 0 if higher_is_better else high < 0),
    }
