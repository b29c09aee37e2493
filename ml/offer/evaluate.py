"""Judges on logged or randomised rows what each arm and a learned choice among them would bring, by cross-fitting.

Every row is scored by outcome models, and chosen for by uplift models, of other customers. The value of the learned
policy is that of the procedure: of policies learned from all customers but one fold, on that fold.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ml.offer import learners, values
from ml.offer.logged import Array, Indices, Logged, effective_size, mean_weight
from ml.offer.qini import Qini, qini
from ml.offer.values import Estimate, PolicyValue
from winback.predictions.offers.allocation import Choice, allocate

FOLDS = 5
SEED = 20261122
DRAWS = 500
LEARNED, WITHIN_BUDGET, RANDOM, NOBODY = "learned", "learned, within the budget", "random", "nobody"
FEWEST_EFFECTIVE = 30
"""Effective rows of an arm below which nothing is served on its account."""
_SCALE = 1_000_000  # values become whole numbers of millionths for the allocation under a budget


@dataclass(frozen=True)
class ArmReport:
    """`naive`: mean reward after costs of the arm's own rows, what a comparison without propensities would say."""

    arm: str
    rows: int
    share: float
    naive: float
    weight: float
    """Mean of 1 / propensity over all rows, 0 for other arms: the share of rows that the arm was open to."""
    weight_fits: bool
    effective_rows: float
    effect: Estimate | None
    """Doubly robust, against the control, after costs; None for the control."""
    qini: Qini | None


@dataclass(frozen=True)
class Verdict:
    """`serves`: `personalised`, an arm's name or `nobody`, and why."""

    serves: str
    reason: str
    gain_over_best_arm: Estimate
    best_arm: str


@dataclass(frozen=True)
class Evaluation:
    rows: int
    customers: int
    arms: tuple[ArmReport, ...]
    policies: dict[str, PolicyValue]
    gains: dict[str, Estimate]
    """Doubly robust, of each policy but nobody over nobody, paired by row."""
    verdict: Verdict
    clipped: int
    logged_value: Estimate
    """Mean reward after costs of the rows as they were decided."""
    randomised: bool


@dataclass(frozen=True)
class CrossFit:
    """Of every row, by models of other customers: `scores` after costs and `uplifts` before them, both (n, k)."""

    scores: Array
    uplifts: Array
    fold: Indices


def cross_fit(
    data: Logged,
    *,
    seed: int = SEED,
    folds: int = FOLDS,
    boosting: bool = True,
    progress: Callable[[float], None] = lambda _: None,
) -> CrossFit:
    """`progress` is told the share that is done."""
    fold = learners.folds_of(data.customer, folds, seed)
    scores, uplifts = np.empty((2, len(data), len(data.arms)))
    for number in range(folds):
        rest, held_out = data.rows(fold != number), data.rows(fold == number)
        outcomes = learners.fit_outcomes(rest, seed=seed + number, boosting=boosting)
        models = learners.fit_uplifts(rest, outcomes.held_out, seed=seed + number, boosting=boosting)
        expected = outcomes.predict(held_out.features)
        scores[fold == number] = values.net_scores(data, learners.pseudo_outcomes(held_out, expected))
        uplifts[fold == number] = learners.predicted(models, data.arms, held_out.features)
        progress((number + 1) / folds)
    return CrossFit(scores, uplifts, fold)


def evaluate(
    data: Logged,
    *,
    randomised: bool,
    trusted: bool = True,
    budget: float | None = None,
    seed: int = SEED,
    folds: int = FOLDS,
    draws: int = DRAWS,
    boosting: bool = True,
    progress: Callable[[float], None] = lambda _: None,
) -> Evaluation:
    """`budget`: what all rows together may cost, in the reward's unit. `trusted` False: nothing is served by them."""
    fitted = cross_fit(data, seed=seed, folds=folds, boosting=boosting, progress=progress)
    number = len(data.arms)
    effective = {name: effective_size(1 / data.propensity[data.arm == index]) for index, name in enumerate(data.arms)}
    known = [not index or effective[name] >= FEWEST_EFFECTIVE for index, name in enumerate(data.arms)]
    # An outcome model of a few rows may be far off, and then so are the values of all to whom the arm is given.
    uplifts = np.where(known, fitted.uplifts, -np.inf)
    chosen = values.chosen_arms(values.best_arms(data, uplifts), number)
    policies = {LEARNED: chosen}
    if budget is not None:
        policies[WITHIN_BUDGET] = values.chosen_arms(_within(data, uplifts, budget), number)
    policies |= {f"all {name}": values.one_arm(data, index) for index, name in enumerate(data.arms) if index}
    policies |= {RANDOM: values.at_random(data), NOBODY: values.one_arm(data, 0)}
    reports = tuple(_arm_report(data, index, fitted, seed, draws) for index in range(number))
    decided = verdict(data, chosen, fitted.scores, effective)
    return Evaluation(
        rows=len(data),
        customers=len(np.unique(data.customer)),
        arms=reports,
        policies={name: values.policy_value(data, policy, fitted.scores) for name, policy in policies.items()},
        gains={
            name: values.gain(data, policy, policies[NOBODY], fitted.scores)
            for name, policy in policies.items()
            if name != NOBODY
        },
        verdict=decided if trusted else _distrusted(decided),
        clipped=data.clipped,
        logged_value=values.mean_interval(data.net, data.customer),
        randomised=randomised,
    )


def verdict(data: Logged, chosen: Array, scores: Array, effective: dict[str, float]) -> Verdict:
    """Which policy would be served.

    Personalised only where the 95 % interval of its doubly robust gain over the best single arm lies above zero. Else
    the best single arm, where the interval of its gain over nobody does, Bonferroni-corrected for having picked it
    among all arms. Else nobody. Arms of fewer than FEWEST_EFFECTIVE effective rows are not served, nor do they stand in
    the way of another as the best single arm; with such a control nothing is.
    """
    known = [not index or effective[name] >= FEWEST_EFFECTIVE for index, name in enumerate(data.arms)]
    best = values.best_single(data, scores, known)
    best_name = data.arms[best]
    over_best = values.gain(data, chosen, values.one_arm(data, best), scores)
    used = {name for name, share in zip(data.arms, chosen.mean(axis=0), strict=True) if share > 0}
    thin = sorted(name for name in used | {data.arms[0]} if effective[name] < FEWEST_EFFECTIVE)
    single = f"the best single arm, {best_name!r}" if best else f"the control, {best_name!r}, for everybody"
    if over_best.low > 0 and not thin:
        reason = f"its gain over {single} is above zero beyond chance"
        return Verdict("personalised", reason, over_best, best_name)
    why_not = (
        f"choosing by customer rests on arms of fewer than {FEWEST_EFFECTIVE} effective rows ({', '.join(thin)})"
        if thin
        else f"the gain of choosing by customer over {single} is not shown to be above zero"
    )
    if best == 0:
        return Verdict(NOBODY, f"{why_not}, and no arm for all beats the control", over_best, best_name)
    over_nobody = values.gain(
        data, values.one_arm(data, best), values.one_arm(data, 0), scores, comparisons=len(data.arms) - 1
    )
    if over_nobody.low > 0 and effective[data.arms[0]] >= FEWEST_EFFECTIVE:
        return Verdict(best_name, f"{why_not}; {best_name!r} for all beats the control", over_best, best_name)
    return Verdict(
        NOBODY, f"{why_not}, and {best_name!r} for all is not shown to beat the control", over_best, best_name
    )


def _distrusted(found: Verdict) -> Verdict:
    reason = "the arms differ before anything was given, so that the rows are not randomised as declared"
    return replace(found, serves=NOBODY, reason=reason)


def _within(data: Logged, uplifts: Array, budget: float) -> Indices:
    worth = np.where(data.eligible, uplifts - (data.cost - data.cost[0]), -np.inf)
    options = [
        [
            Choice(str(index), round(worth[row, index] * _SCALE), round(data.cost[index] * _SCALE))
            for index in range(len(data.arms))
            if np.isfinite(worth[row, index])
        ]
        for row in range(len(data))
    ]
    found = allocate({f"{row:09d}": mine for row, mine in enumerate(options)}, round(budget * _SCALE))
    return np.array([int(found.chosen[f"{row:09d}"].arm) for row in range(len(data))])


def _arm_report(data: Logged, index: int, fitted: CrossFit, seed: int, draws: int) -> ArmReport:
    mine = data.arm == index
    rows = data.eligible[:, index]
    share_open = float(rows.mean())
    weight, error = mean_weight(data.arm, data.propensity, index)
    effect = (fitted.scores[:, index] - fitted.scores[:, 0])[rows]
    compared = index > 0
    return ArmReport(
        arm=data.arms[index],
        rows=int(mine.sum()),
        share=float(mine.mean()),
        naive=float(data.net[mine].mean()),
        weight=weight,
        weight_fits=abs(weight - share_open) <= max(4 * error, 0.05),
        effective_rows=effective_size(1 / data.propensity[mine]),
        effect=values.mean_interval(effect, data.customer[rows]) if compared else None,
        qini=qini(
            effect, fitted.uplifts[rows, index], data.customer[rows], fitted.fold[rows], seed=seed + index, draws=draws
        )
        if compared
        else None,
    )
