"""Maximum likelihood over the logarithms of positive parameters, with what the data leave open about them.

The covariance is the inverse of the log-likelihood's negative Hessian at its maximum (observed information), in the
logarithms. A prior worth a ninth of a unit of information a parameter (as if each logarithm had a standard deviation of
3) keeps it finite where the data tell nothing; where they tell something it is too weak to be seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """A log-likelihood at some parameters, with its derivatives by their logarithms."""

    value: float
    gradient: Vector
    hessian: Vector = field(default_factory=lambda: np.empty((0, 0)))
    """Empty where it was not asked for."""


class Likelihood(Protocol):
    """A log-likelihood as a function of the logarithms of its parameters."""

    def __call__(self, logs: Vector, *, with_hessian: bool = False) -> Point: ...


def by_logs(values: Sequence[float], value: float, gradient: Vector, hessian: Vector | None) -> Point:
    """From derivatives by the parameters themselves."""
    scale = np.array(values)
    by = gradient * scale
    if hessian is None:
        return Point(value, by)
    return Point(value, by, hessian * np.outer(scale, scale) + np.diag(by))


LARGEST_LOG = 9.0
"""Parameters stay within e^±9: beyond it a distribution is a single point to any data."""
_PRIOR_PRECISION = 1 / 9
_NEGLIGIBLE_RISE = 1e-5
_MOST_STEPS = 40
_LONGEST_STEP = 2.0
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
    likelihood: Likelihood,
    starts: Sequence[Sequence[float]],
    *,
    trial: Likelihood | None = None,
) -> Estimate:
    """The best maximum that the `starts` (parameters, not logarithms) lead to.

    The starts climb by L-BFGS-B, on `trial`, a likelihood of some of the data, where there is one; the best goes on by
    Newton's steps on all. A maximum counts when a further step would raise the log-likelihood by less than 1e-5.
    Raises NotConverged when there is none.
    """
    climbed = [_climb(trial or likelihood, np.log(np.array(start, dtype=float))) for start in starts]
    best = min(climbed, key=lambda result: float(result.fun))
    found = _newton(likelihood, np.asarray(best.x, dtype=float))
    if not found.converged:
        best = _climb(likelihood, found.logs)
        climbed.append(best)
        found = _newton(likelihood, np.asarray(best.x, dtype=float))
    if not found.converged:
        raise NotConverged(
            f"no maximum of the likelihood was found from {len(starts)} starts: the best attempt ended at "
            + ", ".join(f"{name}={number:.4g}" for name, number in zip(names, np.exp(found.logs), strict=True))
            + f" ({best.message}); more customers or a longer time may help"
        )
    covariance = np.linalg.inv(_positive(found.information) + np.eye(len(names)) * _PRIOR_PRECISION)
    errors = np.sqrt(np.diag(covariance))
    return Estimate(
        names=names,
        values=tuple(float(number) for number in np.exp(found.logs)),
        log_likelihood=found.value,
        covariance=tuple(tuple(float(number) for number in row) for row in covariance),
        evaluations=sum(result.nfev for result in climbed) + found.evaluations,
        weak=tuple(
            name
            for name, error, log in zip(names, errors, found.logs, strict=True)
            if error > _WEAK or abs(log) > LARGEST_LOG - 1e-3
        ),
    )


def _climb(likelihood: Likelihood, logs: Vector) -> optimize.OptimizeResult:
    scale = max(abs(likelihood(logs).value), 1.0)

    def down(at: Vector) -> tuple[float, Vector]:
        found = likelihood(at)
        return -found.value / scale, -found.gradient / scale

    return optimize.minimize(
        down,
        logs,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-LARGEST_LOG, LARGEST_LOG)] * len(logs),
        options={"maxiter": 500, "ftol": 1e-10, "gtol": 1e-9},
    )


@dataclass(frozen=True)
class _Climbed:
    logs: Vector
    value: float
    information: Vector
    converged: bool
    evaluations: int


def _newton(likelihood: Likelihood, logs: Vector) -> _Climbed:
    """Damped Newton's steps; one that would not rise is halved."""
    here = likelihood(logs, with_hessian=True)
    evaluations = 1
    for _ in range(_MOST_STEPS):
        information = -here.hessian
        step, rise = _step(information, here.gradient, logs)
        if rise < _NEGLIGIBLE_RISE or not np.isfinite(rise):
            break
        for share in (1.0, 0.5, 0.25, 0.1, 0.02):
            further = np.clip(logs + share * step, -LARGEST_LOG, LARGEST_LOG)
            there = likelihood(further, with_hessian=True)
            evaluations += 1
            if there.value > here.value:
                break
        else:
            break
        logs, here = further, there
    converged = bool(np.isfinite(here.value)) and rise < max(_NEGLIGIBLE_RISE, abs(here.value) * 1e-10)
    return _Climbed(logs, float(here.value), information, converged, evaluations)


def _positive(information: Vector) -> Vector:
    values, vectors = np.linalg.eigh(information)
    positive: Vector = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return positive


def _step(information: Vector, gradient: Vector, logs: Vector) -> tuple[Vector, float]:
    """The step, and what it would raise the log-likelihood by. Who stands at an end and would go beyond it stays."""
    free = ~((np.abs(logs) > LARGEST_LOG - 1e-6) & (np.sign(logs) == np.sign(gradient)))
    step = np.zeros(len(logs))
    if free.any():
        inner = _positive(information[np.ix_(free, free)]) + np.eye(int(free.sum())) * _PRIOR_PRECISION
        step[free] = np.clip(np.linalg.solve(inner, gradient[free]), -_LONGEST_STEP, _LONGEST_STEP)
    return step, float(gradient @ step) / 2
