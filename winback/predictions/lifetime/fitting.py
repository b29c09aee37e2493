"""Maximum likelihood over the logarithms of positive parameters, with what the data leave open about them.

The covariance is the inverse of the log-likelihood's negative Hessian at its maximum (observed information), in the
logarithms. A prior worth a ninth of a unit of information a parameter (as if each logarithm had a standard deviation of
3) keeps it finite where the data tell nothing; where they tell something it is too weak to be seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Vector = NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector]]
"""Logarithms of the parameters -> log-likelihood and its gradient by them."""

LARGEST_LOG = 9.0
"""Parameters stay within e^±9: beyond it a distribution is a single point to any data."""
_PRIOR_PRECISION = 1 / 9
_STEP = 1e-4
_NEGLIGIBLE_RISE = 1e-5
_WEAK = 1.0
Z95 = 1.959963984540054


class NotIdentified(ValueError):
    """The customers at hand cannot tell the parameters; the message says what is missing."""


class NotConverged(RuntimeError):
    """No start led to a maximum of the likelihood."""


@dataclass(frozen=True)
class Estimate:
    """Parameters that maximise a likelihood."""

    names: tuple[str, ...]
    values: tuple[float, ...]
    log_likelihood: float
    covariance: tuple[tuple[float, ...], ...]
    """Of the logarithms of the parameters."""
    evaluations: int
    weak: tuple[str, ...] = ()
    """Parameters of which the data tell little: one standard error is more than a factor of e, or the estimate went to
    the end of what is searched. What is predicted may still be well known."""

    @property
    def logs(self) -> Vector:
        logs: Vector = np.log(np.array(self.values))
        return logs

    def interval(self, name: str) -> tuple[float, float]:
        """The 95 % interval, symmetric on the logarithm's scale."""
        place = self.names.index(name)
        reach = Z95 * float(np.sqrt(self.covariance[place][place]))
        return self.values[place] * float(np.exp(-reach)), self.values[place] * float(np.exp(reach))


def maximise(
    names: tuple[str, ...],
    objective: Objective,
    starts: Sequence[Sequence[float]],
    *,
    trial: Objective | None = None,
) -> Estimate:
    """The best maximum that the `starts` (parameters, not logarithms) lead to.

    With `trial`, a cheaper objective over some of the data, the starts are tried on that, and only the best goes on to
    `objective`. A maximum counts when a further Newton step would raise the log-likelihood by less than 1e-5. Raises
    NotConverged when there is none.
    """
    tried = [_climb(trial or objective, np.log(np.array(start, dtype=float))) for start in starts]
    evaluations = sum(result.nfev for result in tried)
    best = min(tried, key=lambda result: float(result.fun))
    logs = np.asarray(best.x, dtype=float)
    if trial is not None:
        best = _climb(objective, logs)
        evaluations += best.nfev
        logs = np.asarray(best.x, dtype=float)
    value, gradient = objective(logs)
    for _ in range(5):
        information = _information(objective, logs)
        step, rise = _newton_step(information, gradient, logs)
        if rise < _NEGLIGIBLE_RISE:
            break
        further = np.clip(logs + step, -LARGEST_LOG, LARGEST_LOG)
        further_value, further_gradient = objective(further)
        if not further_value > value:
            break
        logs, value, gradient = further, further_value, further_gradient
    if not np.isfinite(value) or rise >= max(_NEGLIGIBLE_RISE, abs(value) * 1e-9):
        raise NotConverged(
            f"no maximum of the likelihood was found from {len(starts)} starts: the best attempt ended at "
            + ", ".join(f"{name}={number:.4g}" for name, number in zip(names, np.exp(logs), strict=True))
            + f" ({best.message}); more customers or a longer time may help"
        )
    covariance = np.linalg.inv(_positive(information) + np.eye(len(names)) * _PRIOR_PRECISION)
    return Estimate(
        names=names,
        values=tuple(float(number) for number in np.exp(logs)),
        log_likelihood=float(value),
        covariance=tuple(tuple(float(number) for number in row) for row in covariance),
        evaluations=evaluations,
        weak=tuple(
            name
            for name, error, log in zip(names, np.sqrt(np.diag(covariance)), logs, strict=True)
            if error > _WEAK or abs(log) > LARGEST_LOG - 1e-3
        ),
    )


def _climb(objective: Objective, logs: Vector) -> optimize.OptimizeResult:
    scale = max(abs(objective(logs)[0]), 1.0)

    def down(at: Vector) -> tuple[float, Vector]:
        value, gradient = objective(at)
        return -value / scale, -gradient / scale

    return optimize.minimize(
        down,
        logs,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-LARGEST_LOG, LARGEST_LOG)] * len(logs),
        options={"maxiter": 500, "ftol": 1e-14, "gtol": 1e-9},
    )


def _information(objective: Objective, logs: Vector) -> Vector:
    """The negative Hessian, by central differences of the gradient."""
    rows = []
    for place in range(len(logs)):
        shift = np.zeros(len(logs))
        shift[place] = _STEP
        rows.append((objective(logs - shift)[1] - objective(logs + shift)[1]) / (2 * _STEP))
    matrix = np.array(rows)
    return (matrix + matrix.T) / 2


def _positive(information: Vector) -> Vector:
    values, vectors = np.linalg.eigh(information)
    positive: Vector = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return positive


def _newton_step(information: Vector, gradient: Vector, logs: Vector) -> tuple[Vector, float]:
    """The step, and what it would raise the log-likelihood by. Who stands at an end and would go beyond it stays."""
    free = ~((np.abs(logs) > LARGEST_LOG - 1e-6) & (np.sign(logs) == np.sign(gradient)))
    step = np.zeros(len(logs))
    if free.any():
        inner = _positive(information[np.ix_(free, free)]) + np.eye(int(free.sum())) * _PRIOR_PRECISION
        step[free] = np.linalg.solve(inner, gradient[free])
    return step, float(gradient @ step) / 2
