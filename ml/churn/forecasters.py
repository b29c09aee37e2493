"""What a model file can hold: boosted trees, or the baseline that nothing beat. All from plain numbers, with numpy.

Each gives a score that rises with the risk of no purchase; a calibration makes a probability of it. The baselines know
little: recency (days of silence), last_interval (silence in the customer's own mean gaps), p_alive (MBG/NBD) and
expected_purchases (BG/NBD). `logistic` is a logistic regression on eight terms (inputs.terms).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

if __package__:
    from ml.churn import inputs, trees
else:  # in the container, where the neighbours are modules of their own
    import inputs  # type: ignore[import-not-found,no-redef]
    import trees  # type: ignore[import-not-found,no-redef]

Array = NDArray[np.float64]

_WEEK = 7.0


class Forecaster(Protocol):
    """Rows are those of inputs.NAMES."""

    @property
    def names(self) -> tuple[str, ...]:
        """What `contributions` are of."""

    def scores(self, rows: Array) -> Array:
        """(n, 16) -> (n,): the higher, the likelier to buy nothing."""

    def contributions(self, rows: Array) -> Array:
        """(n, 16) -> (n, names): how far each moves the score from a typical customer's; they add up to the rest."""


@dataclass(frozen=True)
class BoostedTrees:
    """The score is the log odds."""

    trees: trees.Trees

    @property
    def names(self) -> tuple[str, ...]:
        return inputs.INPUTS

    def scores(self, rows: Array) -> Array:
        return self.trees.sums(inputs.derive(rows))

    def contributions(self, rows: Array) -> Array:
        return self.trees.contributions(inputs.derive(rows))


@dataclass(frozen=True)
class Logistic:
    """The score is the log odds. `high`: the largest value of each field that is extrapolated to; `typical`: the mean
    of each term in training."""

    high: Array
    coefficients: Array
    intercept: float
    typical: Array

    @property
    def names(self) -> tuple[str, ...]:
        return inputs.TERMS

    def scores(self, rows: Array) -> Array:
        return np.asarray(self._terms(rows) @ self.coefficients + self.intercept)

    def contributions(self, rows: Array) -> Array:
        return np.asarray((self._terms(rows) - self.typical) * self.coefficients)

    def _terms(self, rows: Array) -> Array:
        return inputs.terms(np.minimum(rows, self.high))


@dataclass(frozen=True)
class Single:
    """A baseline of one score; it explains itself by nothing else."""

    name: str
    score: Callable[[Array], Array]
    typical: float

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def scores(self, rows: Array) -> Array:
        return self.score(rows)

    def contributions(self, rows: Array) -> Array:
        return np.asarray(self.score(rows) - self.typical)[:, None]


def recency(rows: Array) -> Array:
    """Days of silence."""
    return inputs.column(rows, "silence_days")


def last_interval(rows: Array, typical_gap: float) -> Array:
    """Silence in the customer's own mean gaps; of who purchased once, in the account's typical gap, in days."""
    purchases, span = inputs.column(rows, "purchases"), inputs.column(rows, "span_days")
    gap = np.where(purchases > 1, span / np.maximum(purchases - 1, 1), typical_gap)
    return np.asarray(inputs.column(rows, "silence_days") / np.maximum(gap, 1.0))


def history(rows: Array) -> tuple[Array, Array, Array]:
    """x (repeat purchases), t_x and T in weeks: what BG/NBD and MBG/NBD know of a customer."""
    span, silence = inputs.column(rows, "span_days"), inputs.column(rows, "silence_days")
    return inputs.column(rows, "purchases") - 1, span / _WEEK, (span + silence) / _WEEK


def dead_odds(x: Array, t_x: Array, age: Array, parameters: Mapping[str, float], chances: Array) -> Array:
    """Odds that the customer has stopped after `chances` chances to: x in BG/NBD, x + 1 in MBG/NBD.

    Fader, Hardie and Lee, "Computing P(alive) using the BG/NBD model" (2008); Hoppe and Wagner, Marketing JRM 3 (2007).
    """
    r, alpha, a, b = (float(parameters[name]) for name in ("r", "alpha", "a", "b"))
    with np.errstate(over="ignore"):
        odds = a / np.maximum(b + chances - 1, 1e-12) * ((alpha + age) / (alpha + t_x)) ** (r + x)
    return np.where(chances > 0, odds, 0.0)


def p_dead(rows: Array, parameters: Mapping[str, float]) -> Array:
    """1 - P(alive) by MBG/NBD."""
    x, t_x, age = history(rows)
    odds = dead_odds(x, t_x, age, parameters, x + 1)
    return np.asarray(1 - 1 / (1 + odds))


def fewer_expected(rows: Array, parameters: Mapping[str, float], horizon_days: int) -> Array:
    """Minus the purchases that BG/NBD expects within the horizon: Fader, Hardie and Lee 2005, Marketing Science 24(2),
    equation 10."""
    from scipy.special import hyp2f1  # noqa: PLC0415 (only this baseline needs it)

    x, t_x, age = history(rows)
    r, alpha, a, b = (float(parameters[name]) for name in ("r", "alpha", "a", "b"))
    ahead = horizon_days / _WEEK
    share = ahead / (alpha + age + ahead)
    series = hyp2f1(r + x, b + x, a + b + x - 1, share)
    while_alive = (a + b + x - 1) / (a - 1) * (1 - (1 - share) ** (r + x) * series)
    return np.asarray(-while_alive / (1 + dead_odds(x, t_x, age, parameters, x)))


def load(kind: str, stored: Mapping[str, Any]) -> Forecaster:
    """From a model file's `kind` and `forecaster`. Raises KeyError, TypeError or ValueError when it is broken."""
    match kind:
        case "gradient_boosting":
            return BoostedTrees(trees.load(stored, len(inputs.INPUTS)))
        case "logistic":
            arrays = {name: np.asarray(stored[name], dtype=np.float64) for name in ("high", "coefficients", "typical")}
            shapes = {"high": len(inputs.NAMES), "coefficients": len(inputs.TERMS), "typical": len(inputs.TERMS)}
            if any(arrays[name].shape != (size,) for name, size in shapes.items()):
                raise ValueError(f"the logistic regression does not hold {len(inputs.TERMS)} terms")
            return Logistic(intercept=float(stored["intercept"]), **arrays)
        case "recency":
            return Single("silence_days", recency, float(stored["typical"]))
        case "last_interval":
            gap = float(stored["typical_gap"])
            return Single("silence_per_gap", lambda rows: last_interval(rows, gap), float(stored["typical"]))
        case "p_alive":
            found = {name: float(stored[name]) for name in ("r", "alpha", "a", "b")}
            return Single("p_dead", lambda rows: p_dead(rows, found), float(stored["typical"]))
        case "expected_purchases":
            found, days = {name: float(stored[name]) for name in ("r", "alpha", "a", "b")}, int(stored["horizon_days"])
            name = "expected_purchases"
            return Single(name, lambda rows: fewer_expected(rows, found, days), float(stored["typical"]))
    raise ValueError(f"{kind!r} is no kind of forecaster")


@dataclass(frozen=True)
class Calibration:
    """Makes a probability of a score: `logistic` by 1 / (1 + exp(-(slope score + intercept))), else by straight lines
    between the points of an isotonic fit."""

    slope: float = 1.0
    intercept: float = 0.0
    points: tuple[Array, Array] | None = None

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "Calibration":
        """Raises KeyError, TypeError or ValueError when it is broken."""
        if stored["method"] == "isotonic":
            scores, probabilities = (np.asarray(stored[name], np.float64) for name in ("scores", "probabilities"))
            if (
                scores.ndim != 1
                or not len(scores)
                or scores.shape != probabilities.shape
                or (np.diff(scores) < 0).any()
            ):
                raise ValueError("the points of the calibration are none")
            return cls(points=(scores, probabilities))
        if stored["method"] not in ("none", "sigmoid"):
            raise ValueError(f"{stored['method']!r} is no calibration")
        return cls(slope=float(stored["slope"]), intercept=float(stored["intercept"]))

    def probabilities(self, scores: Array) -> Array:
        if self.points is not None:
            return np.interp(scores, *self.points)
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(self.slope * scores + self.intercept, -500, 500))))
