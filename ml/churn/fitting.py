"""Fits what can be served: the boosted trees with their calibration, and the baselines that they have to beat.

Each fit returns `{"kind", "forecaster", "calibration"}` of plain numbers, as forecasters.py loads them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

if __package__:
    from ml import metrics
    from ml.churn import forecasters, inputs, lifetime
else:  # in the container, where the neighbours are modules of their own
    import forecasters  # type: ignore[import-not-found,no-redef]
    import inputs  # type: ignore[import-not-found,no-redef]
    import lifetime  # type: ignore[import-not-found,no-redef]
    import metrics  # type: ignore[import-not-found,no-redef]

Array = NDArray[np.float64]
Fitted = dict[str, Any]

EXTRAPOLATION = 2.0  # the logistic regression is trusted up to this multiple of the largest value it was trained on
BASELINES = ("recency", "last_interval", "p_alive", "expected_purchases", "logistic")
_DIGITS = 9  # stored digits of a parameter: beyond the solver's tolerance, so the same rows give the same file
_LARGEST = float(np.finfo(np.float64).max)
_SEED = 20261122


@dataclass(frozen=True)
class Rows:
    """Examples of one or several cuts: `values` (n, 16) in the order of inputs.NAMES, NaN where unknown; `churned` (n,)
    of 0 and 1; `cuts` (n,) dates as text, which sort by time; `standings` (n,); `accounts` (n,) where they are told."""

    values: Array
    churned: Array
    cuts: NDArray[np.str_]
    standings: NDArray[np.str_]
    accounts: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return len(self.churned)

    def where(self, kept: NDArray[np.bool_]) -> "Rows":
        accounts = None if self.accounts is None else self.accounts[kept]
        return Rows(self.values[kept], self.churned[kept], self.cuts[kept], self.standings[kept], accounts)

    @property
    def latest(self) -> "Rows":
        return self.where(self.cuts == self.newest)

    @property
    def newest(self) -> str:
        return str(np.unique(self.cuts)[-1])


def fit_trees(rows: Rows, horizon_days: int) -> Fitted:
    """Gradient boosting on all rows, calibrated on the latest cut by trees that had not seen it.

    Those trees learned from cuts whose windows had passed by then, where there are such: they are as far behind the cut
    as a served model is behind the customers that it scores, so that a level which moves with time is corrected too.

    Depth, learning rate and number of trees were chosen by log loss on CDNOW's and Complete Journey's splits before
    their tests. Whether to calibrate, and by a sigmoid or an isotonic fit, is chosen by log loss: each calibration is
    fitted on one half of the latest cut's customers and judged on the other, both ways.
    """
    earlier, later = _in_time(rows, horizon_days)
    calibration = choose_calibration(_load(_boost(earlier)).scores(later.values), later.churned)
    return {"kind": "gradient_boosting", "forecaster": _boost(rows), "calibration": calibration}


def _in_time(rows: Rows, horizon_days: int) -> tuple[Rows, Rows]:
    """Rows to try a calibration's trees on, and those of the latest cut to calibrate by."""
    days = rows.cuts.astype("datetime64[D]")
    newest = days.max()
    later = days == newest
    for earlier in (days <= newest - np.timedelta64(horizon_days, "D"), ~later):
        if earlier.any() and len(np.unique(rows.churned[earlier])) > 1:
            return rows.where(earlier), rows.where(later)
    half = np.random.default_rng(_SEED).random(len(rows)) < 0.5  # a single cut: half of its customers
    return rows.where(~half), rows.where(half)


def _load(stored: Mapping[str, Any]) -> forecasters.Forecaster:
    return forecasters.load("gradient_boosting", stored)


def _boost(rows: Rows) -> dict[str, Any]:
    """Raises ValueError when only one outcome occurs."""
    if rows.churned.min() == rows.churned.max():
        raise ValueError("only one outcome occurs among the training rows: there is nothing to learn")
    values = inputs.derive(rows.values)
    values[:, np.isnan(values).all(axis=0)] = 0.0  # scikit-learn cannot bin a column without a value; none splits on it
    model = boosted(len(rows))
    with threadpool_limits(1):  # sums in the order of one thread: the same rows give the same trees on any machine
        model.fit(values, rows.churned)
    return export(model)


def boosted(rows: int) -> HistGradientBoostingClassifier:
    """Not fitted yet. Leaves grow with the data: a leaf of few rows is chance."""
    rising = [(name in inputs.RISING) - (name in inputs.FALLING) for name in inputs.INPUTS]
    return HistGradientBoostingClassifier(
        max_depth=3,
        learning_rate=0.05,
        max_iter=150,
        min_samples_leaf=min(max(rows // 200, 20), 200),
        l2_regularization=5.0,
        monotonic_cst=rising,
        early_stopping=False,
        random_state=0,
    )


def export(model: HistGradientBoostingClassifier) -> dict[str, Any]:
    """A fitted classifier of two classes as trees.load reads it."""
    found = []
    for (predictor,) in model._predictors:  # not public; a test compares the predictions
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        found.append(
            {
                "feature": np.where(leaf, -1, nodes["feature_idx"]).astype(int).tolist(),
                "threshold": np.where(leaf, 0.0, np.minimum(nodes["num_threshold"], _LARGEST)).tolist(),
                "missing_left": nodes["missing_go_to_left"].astype(int).tolist(),
                "left": nodes["left"].astype(int).tolist(),
                "right": nodes["right"].astype(int).tolist(),
                "value": np.where(leaf, nodes["value"], 0.0).tolist(),
                "count": nodes["count"].astype(int).tolist(),
            }
        )
    return {"base": float(model._baseline_prediction[0, 0]), "trees": found}


def choose_calibration(scores: Array, churned: Array) -> dict[str, Any]:
    """Of log odds: none, a sigmoid (Platt 1999) or an isotonic fit, whichever has the least log loss on the half of the
    rows that it was not fitted on."""
    half = np.random.default_rng(_SEED).random(len(scores)) < 0.5
    losses = {}
    for method, fit in _METHODS.items():
        parts = []
        for kept in (half, ~half):
            if len(np.unique(churned[kept])) < 2:
                return fit_none(scores, churned)
            probabilities = forecasters.Calibration.load(fit(scores[kept], churned[kept])).probabilities(scores[~kept])
            parts.append(metrics.log_losses(probabilities, churned[~kept]))
        loss = float(np.concatenate(parts).mean())
        if np.isfinite(loss):  # no sigmoid goes through scores that are all the same
            losses[method] = loss
    chosen = min(losses, key=lambda method: losses[method])
    tried = {method: round(loss, 6) for method, loss in losses.items()}
    return {**_METHODS[chosen](scores, churned), "tried": tried}


def fit_none(scores: Array, churned: Array) -> dict[str, Any]:
    del scores, churned
    return {"method": "none", "slope": 1.0, "intercept": 0.0}


def fit_sigmoid(scores: Array, churned: Array) -> dict[str, Any]:
    intercept, slope = metrics.logistic_line(scores, churned)
    return {"method": "sigmoid", "slope": _rounded(slope), "intercept": _rounded(intercept)}


def fit_isotonic(scores: Array, churned: Array) -> dict[str, Any]:
    """Never surer than 0.1 % or 99.9 %: who has not failed yet may."""
    fit = IsotonicRegression(y_min=0.001, y_max=0.999, out_of_bounds="clip").fit(scores, churned)
    return {
        "method": "isotonic",
        "scores": [float(score) for score in fit.X_thresholds_],
        "probabilities": [_rounded(probability) for probability in fit.y_thresholds_],
    }


_METHODS = {"none": fit_none, "sigmoid": fit_sigmoid, "isotonic": fit_isotonic}


def fit_baselines(rows: Rows, horizon_days: int) -> dict[str, Fitted]:
    """By name; P(alive) and expected purchases are left out where too few customers bought again.

    A baseline that only ranks has its probabilities from an isotonic fit on the latest cut, which suits it better than
    one on all cuts.
    """
    latest = rows.latest
    purchases, span = inputs.column(latest.values, "purchases"), inputs.column(latest.values, "span_days")
    again = purchases > 1
    gaps = span[again] / (purchases[again] - 1)
    ranked: dict[str, dict[str, Any]] = {
        "recency": {},
        "last_interval": {"typical_gap": _rounded(float(np.median(gaps))) if len(gaps) else 91.0},
    }
    histories = lifetime.Histories.count(*forecasters.history(latest.values))
    for name, modified in (("p_alive", True), ("expected_purchases", False)):
        found = lifetime.fit(histories, modified=modified)
        if found is not None:
            ranked[name] = {**found, **({} if modified else {"horizon_days": horizon_days})}
    fitted = {name: _ranked(name, stored, latest) for name, stored in ranked.items()}
    return {**fitted, "logistic": fit_logistic(rows)}


def _ranked(name: str, stored: dict[str, Any], rows: Rows) -> Fitted:
    scores = forecasters.load(name, {**stored, "typical": 0.0}).scores(rows.values)
    stored = {**stored, "typical": _rounded(float(scores.mean()))}
    return {"kind": name, "forecaster": stored, "calibration": fit_isotonic(scores, rows.churned)}


def fit_logistic(rows: Rows, l2: float = 1.0) -> Fitted:
    """Logistic regression on inputs.terms; `l2` is the penalty's weight (scikit-learn's 1 / C)."""
    terms = inputs.terms(rows.values)
    mean, scale = terms.mean(axis=0), terms.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    # Newton's method converges to the tolerance, so the result does not depend on where a line search stopped.
    solver = LogisticRegression(C=1 / l2, solver="newton-cholesky", tol=1e-10, max_iter=200)
    solver.fit((terms - mean) / scale, rows.churned)
    coefficients = solver.coef_[0] / scale
    highest = np.nan_to_num(np.where(np.isnan(rows.values), -np.inf, rows.values).max(axis=0), neginf=0.0)
    stored = {
        "high": [_rounded(EXTRAPOLATION * value) for value in highest],
        "coefficients": [_rounded(value) for value in coefficients],
        "intercept": _rounded(solver.intercept_[0] - mean @ coefficients),
        "typical": [_rounded(value) for value in mean],
    }
    return {"kind": "logistic", "forecaster": stored, "calibration": fit_none(mean, mean)}


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
