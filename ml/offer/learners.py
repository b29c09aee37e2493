"""What each arm changes, learned from randomised or logged rows. Runs in the training container.

Doubly robust learner (Kennedy, "Towards optimal doubly robust estimation of heterogeneous causal effects", Electronic
Journal of Statistics 17, 2023, algorithm 1): outcome models of each arm (a T-learner) give with the propensities a
pseudo-outcome per row whose mean given the features is the effect; that is regressed on the features. Outcome models
are cross-fitted by customer, so that no row's pseudo-outcome knows a model that saw the row's customer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

if __package__:
    from ml.offer import inference
    from ml.offer.logged import Array, Indices, Logged, Mask
else:  # run by the container, where neighbours are modules of their own
    import inference  # type: ignore[import-not-found,no-redef]
    from logged import Array, Indices, Logged, Mask  # type: ignore[import-not-found,no-redef]

FOLDS = 3
HALVES = 4  # random splits of the customers in two; both halves of each are fitted
_PENALTIES = np.logspace(-1, 5, 13)
_BOOST_OUTCOMES_FROM = 200  # rows; below, boosting learns noise
_BOOST_UPLIFT_FROM = 500
_TREES, _DEPTH, _RATE, _ROWS_A_TREE = 40, 2, 0.1, 4000

Predict = Callable[[Array], Array]


@dataclass(frozen=True)
class Outcomes:
    """Outcome models of each arm: expected reward before costs.

    `held_out`: (n, k), of the training rows by models of other customers.
    """

    held_out: Array
    models: tuple[tuple[Predict, ...], ...]

    def predict(self, features: Array) -> Array:
        """(m, d) -> (m, k): the mean of the folds' models."""
        return np.column_stack([np.mean([model(features) for model in arm], axis=0) for arm in self.models])


def folds_of(customer: Indices, folds: int, seed: int) -> Indices:
    """(n,) fold of each row; a customer's rows share one, and folds hold equally many customers but for one."""
    customers = int(customer.max()) + 1
    order = np.random.default_rng(seed).permutation(customers)
    fold = np.empty(customers, dtype=np.int64)
    fold[order] = np.arange(customers) % folds
    return np.asarray(fold[customer])


def fit_outcomes(data: Logged, *, seed: int, boosting: bool = True) -> Outcomes:
    """For each arm ridge or gradient boosting, whichever forecasts other customers better; cross-fitted by customer."""
    _, customer = np.unique(data.customer, return_inverse=True)
    fold = folds_of(customer, FOLDS, seed)
    held_out = np.empty((len(data), len(data.arms)))
    models = []
    for index in range(len(data.arms)):
        mine = data.arm == index
        kinds = [_ridge]
        if boosting and mine.sum() >= _BOOST_OUTCOMES_FROM:
            kinds.append(_boosted)
        best, best_error = None, np.inf
        for kind in kinds:
            fitted = [_fit_on(kind, data, mine & (fold != number)) for number in range(FOLDS)]
            forecast = np.empty(len(data))
            for number, model in enumerate(fitted):
                forecast[fold == number] = model(data.features[fold == number])
            error = float(((data.reward - forecast)[mine] ** 2).mean()) if mine.any() else 0.0
            if error < best_error:
                best, best_error, held_out[:, index] = fitted, error, forecast
        assert best is not None
        models.append(tuple(best))
    return Outcomes(held_out, tuple(models))


def pseudo_outcomes(data: Logged, expected: Array) -> Array:
    """(n, k): per arm expected reward, put right by the row's own reward where the row was given that arm.

    mu_a(x) + 1{A = a} (Y - mu_A(x)) / e: Robins, Rotnitzky and Zhao, JASA 89 (1994); its mean is what the arm would
    bring if everybody had it, when either the propensities or the outcome models are right. Before costs.
    """
    scores = expected.copy()
    rows = np.arange(len(data))
    scores[rows, data.arm] += (data.reward - expected[rows, data.arm]) / data.propensity
    return scores


def fit_uplifts(data: Logged, expected: Array, *, seed: int, boosting: bool = True) -> dict[str, dict[str, Any]]:
    """The stored uplift of every arm against the control (see `inference.uplift`), before costs.

    Learned from rows that the arm was open to. An arm without such rows has none.
    """
    scores = pseudo_outcomes(data, expected)
    stored = {}
    for index, name in enumerate(data.arms[1:], 1):
        rows = data.eligible[:, index]
        if np.any(data.arm[rows] == index):
            effect = (scores[:, index] - scores[:, 0])[rows]
            stored[name] = fit_uplift(
                data.features[rows], effect, data.customer[rows], seed=seed + index, boosting=boosting
            )
    return stored


def fit_uplift(
    features: Array, effect: Array, customer: Indices, *, seed: int, boosting: bool = True
) -> dict[str, Any]:
    """Regresses pseudo-effects (n,) on features (n, d).

    The average is shrunk to nothing and the variation to the average, each by the positive part of 1 - 1 / t^2
    (James and Stein's rule for one mean), where the variation's t is that of the slope of the pseudo-effects on
    forecasts by members that did not see the row (the best linear predictor of Chernozhukov, Demirer, Duflo and
    Fernandez-Val, "Generic machine learning inference on heterogeneous treatment effects", 2018). So noise gives
    one and the same, small effect for all.
    """
    average, error = clustered_mean(effect, customer)
    stored: dict[str, Any] = {
        "average": average * _kept(average, error),
        "average_error": error,
        "shrinkage": 0.0,
        "varying": None,
    }
    if len(effect) < 40 or not np.any(features.std(axis=0) > 0):
        return stored
    halves = _halves(customer, seed)
    kinds = [_ridge_members]
    if boosting and len(effect) >= _BOOST_UPLIFT_FROM:
        kinds.append(_boosted_members)
    best_error = np.inf
    for kind in kinds:
        varying = kind(features, effect, halves, seed)
        members = inference.varying(varying, features)
        unseen = np.nanmean(np.where(halves.T, np.nan, members), axis=1)
        slope, slope_error = _slope(unseen, effect, customer)
        kept = float(np.clip(slope, 0, 1)) * _kept(slope, slope_error)
        left = float(np.mean((effect - average - kept * (unseen - unseen.mean())) ** 2))
        if kept > 0 and left < best_error:
            best_error = left
            stored |= {"shrinkage": kept, "varying": varying}
    return stored


def predicted(uplifts: dict[str, dict[str, Any]], arms: tuple[str, ...], features: Array) -> Array:
    """(m, k) uplifts before costs; the control's is 0, that of an arm without a model -inf, so that nobody gets it."""
    columns = [np.zeros(len(features))]
    for name in arms[1:]:
        known = uplifts.get(name)
        columns.append(np.full(len(features), -np.inf) if known is None else inference.uplift(known, features)[0])
    return np.column_stack(columns)


def clustered_mean(values: Array, customer: Indices) -> tuple[float, float]:
    """(mean, standard error) of (n,) whose rows of one customer depend on each other (linearisation, G - 1)."""
    mean = float(values.mean())
    _, code = np.unique(customer, return_inverse=True)
    left = np.bincount(code, weights=values - mean)
    groups = len(left)
    if groups < 2:
        return mean, float("inf")
    return mean, float(np.sqrt((left**2).sum() * groups / (groups - 1)) / len(values))


def _kept(estimate: float, error: float) -> float:
    if error == 0:
        return 1.0
    return max(0.0, 1 - (error / estimate) ** 2) if estimate else 0.0


def _slope(forecast: Array, effect: Array, customer: Indices) -> tuple[float, float]:
    centred = forecast - forecast.mean()
    spread = float((centred**2).sum())
    if spread <= 1e-12 * max(1.0, float((effect**2).sum())):
        return 0.0, 1.0
    slope = float(centred @ effect) / spread
    left = effect - effect.mean() - slope * centred
    sums = np.bincount(np.unique(customer, return_inverse=True)[1], weights=centred * left)
    return slope, float(np.sqrt((sums**2).sum())) / spread


def _fit_on(kind: Callable[[Array, Array], Predict], data: Logged, rows: Mask) -> Predict:
    reward = data.reward[rows]
    if len(reward) < 10 or float(np.ptp(reward)) == 0:
        level = float(reward.mean()) if len(reward) else float(data.reward.mean())
        return lambda features: np.full(len(features), level)
    return kind(data.features[rows], reward)


def _ridge(features: Array, reward: Array) -> Predict:
    scale = _scale(features)
    fit = RidgeCV(alphas=_PENALTIES).fit(inference.standard(scale, features), reward)
    return lambda rows: np.asarray(fit.predict(inference.standard(scale, rows)))


def _boosted(features: Array, reward: Array) -> Predict:
    with threadpool_limits(1):  # small data: threads cost more than they give
        fit = HistGradientBoostingRegressor(
            max_iter=60, max_depth=3, learning_rate=0.08, min_samples_leaf=20, l2_regularization=5.0,
            early_stopping=False, random_state=0,
        ).fit(features, reward)  # fmt: skip

    def predict(rows: Array) -> Array:
        with threadpool_limits(1):
            return np.asarray(fit.predict(rows))

    return predict


def _scale(features: Array) -> dict[str, Any]:
    spread = features.std(axis=0)
    return {"mean": features.mean(axis=0).tolist(), "scale": np.where(spread > 0, spread, 1.0).tolist()}


def _halves(customer: Indices, seed: int) -> Mask:
    """(2 x HALVES, n): the rows that each member is fitted on; of each pair of members every row is in one."""
    _, code = np.unique(customer, return_inverse=True)
    splits = [folds_of(code, 2, seed + number) == 0 for number in range(HALVES)]
    return np.array([side for split in splits for side in (split, ~split)])


def _ridge_members(features: Array, effect: Array, halves: Mask, seed: int) -> dict[str, Any]:
    del seed
    scale = _scale(features)
    terms = inference.standard(scale, features)
    coefficients = np.array([RidgeCV(alphas=_PENALTIES).fit(terms[half], effect[half]).coef_ for half in halves])
    center = (terms @ coefficients.T).mean(axis=0)
    return {"kind": "ridge", **scale, "coefficients": coefficients.tolist(), "center": center.tolist()}


def _boosted_members(features: Array, effect: Array, halves: Mask, seed: int) -> dict[str, Any]:
    nodes = 2 ** (_DEPTH + 1) - 1
    shape = (len(halves), _TREES, nodes)
    stored: dict[str, Any] = {"kind": "boosting", "depth": _DEPTH, "center": [0.0] * len(halves)}
    arrays = {name: np.zeros(shape) for name in ("feature", "threshold", "left", "right", "value")}
    arrays["feature"][:] = -1
    for member, half in enumerate(halves):
        rows = int(half.sum())
        fit = GradientBoostingRegressor(
            n_estimators=_TREES, max_depth=_DEPTH, learning_rate=_RATE, subsample=min(0.5, _ROWS_A_TREE / rows),
            min_samples_leaf=max(10, rows // 100), random_state=seed + member,
        ).fit(features[half], effect[half])  # fmt: skip
        for number, (grown,) in enumerate(fit.estimators_):
            tree, size = grown.tree_, grown.tree_.node_count
            leaf = tree.children_left < 0
            arrays["feature"][member, number, :size] = np.where(leaf, -1, tree.feature)
            arrays["threshold"][member, number, :size] = np.where(leaf, 0, tree.threshold)
            arrays["left"][member, number, :size] = np.where(leaf, 0, tree.children_left)
            arrays["right"][member, number, :size] = np.where(leaf, 0, tree.children_right)
            arrays["value"][member, number, :size] = _RATE * tree.value[:, 0, 0]
    whole = ("feature", "left", "right")
    stored |= {name: (array.astype(int) if name in whole else array).tolist() for name, array in arrays.items()}
    return stored | {"center": inference.varying(stored, features).mean(axis=0).tolist()}
