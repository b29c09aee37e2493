"""Which of several forecasters is served, and how it compares with the others: by what happened after the test cut."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

if __package__:
    from ml import metrics
    from ml.churn import fitting, inference
else:  # in the container, where the neighbours are modules of their own
    import fitting  # type: ignore[import-not-found,no-redef]
    import inference  # type: ignore[import-not-found,no-redef]
    import metrics  # type: ignore[import-not-found,no-redef]

SEED = 20261122
DRAWS = 1000
METRIC = "log_loss"
FEWEST_OF_AN_ACCOUNT = 200
"""Test rows of one account below which it is not compared by itself."""


def judge(
    models: Mapping[str, inference.ChurnModel], test: fitting.Rows, champion: inference.ChurnModel | None
) -> tuple[str, dict[str, Any]]:
    """The name of what is served, and what evaluation.json says of the test; lower is better.

    `models` has `model` and the baselines. A baseline is served when its log loss is the least of all and lower than
    the model's beyond chance: a 95 % interval of the paired bootstrap over customers excludes zero.
    """
    losses = {name: metrics.log_losses(model.predict(test.values), test.churned) for name, model in models.items()}
    served = choose(losses)
    others = {name: loss for name, loss in losses.items() if name != served}
    by_account: dict[str, Any] = {}
    if champion is not None:
        others["champion"] = metrics.log_losses(champion.predict(test.values), test.churned)
        by_account = _by_account(losses[served], others["champion"], test.accounts)
    forecast = models[served].predict(test.values)
    return served, {
        "test": {"rows": len(test), "churned": int(test.churned.sum()), "cut": test.newest},
        "metric": METRIC,
        "value": float(losses[served].mean()),
        "against": {
            name: {
                "value": float(loss.mean()),
                **metrics.paired_difference(losses[served], loss, seed=SEED, draws=DRAWS),
            }
            for name, loss in others.items()
        },
        "accounts": by_account,
        "checks": checks(forecast, test.churned),
    }


def _by_account(
    served: NDArray[np.float64], champion: NDArray[np.float64], accounts: NDArray[np.str_] | None
) -> dict[str, Any]:
    """Against the champion on the rows of each account that has enough: what is better for all may be worse for one."""
    if accounts is None:
        return {}
    found = {}
    for account in np.unique(accounts).tolist():
        own = accounts == account
        if own.sum() >= FEWEST_OF_AN_ACCOUNT:
            gap = metrics.paired_difference(served[own], champion[own], seed=SEED, draws=DRAWS)
            found[account] = {"value": float(champion[own].mean()), **gap}
    return found


def choose(losses: Mapping[str, NDArray[np.float64]]) -> str:
    """`model`, unless a baseline is better beyond chance: the best of those."""
    means = {name: float(loss.mean()) for name, loss in losses.items()}
    best = min(means, key=lambda name: means[name])
    if best == "model":
        return best
    beaten = metrics.paired_difference(losses[best], losses["model"], seed=SEED, draws=DRAWS)["better"]
    return best if beaten else "model"


def checks(forecast: NDArray[np.float64], churned: NDArray[np.float64]) -> dict[str, float | None]:
    """Figures that promotion and drift may look at; None where only one outcome occurs."""
    intercept, slope = metrics.calibration_line(forecast, churned)
    scores = metrics.score(metrics.Forecast.of(forecast), churned)
    found = {
        "auc": scores["auc"],
        "brier": scores["brier"],
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "mean_forecast": float(forecast.mean()),
        "observed": float(churned.mean()),
    }
    return {name: value if np.isfinite(value) else None for name, value in found.items()}
