"""What an experiment's data come down to before anything is concluded: sizes, moments, largest values."""

from dataclasses import dataclass
from enum import StrEnum

from winback.experiments.statistics import Moments

LARGEST = 5
"""Of so many of the largest values an analysis asks whether its conclusion hangs on them."""
CAP_QUANTILE = 0.99
"""Stated before any data are seen: amounts beyond this quantile of all arms' non-zero ones count as that quantile."""


class Kind(StrEnum):
    BINARY = "binary"
    CONTINUOUS = "continuous"


@dataclass(frozen=True)
class Sample:
    """One outcome in one arm. Clustered moments are of units: their mean is the rows' (see units.sql)."""

    missing: int
    """Rows without the outcome."""
    moments: Moments
    total: float
    successes: int | None = None
    """Of a binary outcome whose rows are the units."""
    capped: Moments | None = None
    largest: tuple[float, ...] = ()
    """At most LARGEST contributions of units, the farthest from zero first."""
    largest_share: float | None = None
    """The largest unit's part of the arm's total; None where amounts are negative or all zero."""


@dataclass(frozen=True)
class Outcome:
    name: str
    kind: Kind
    samples: dict[str, Sample]
    """By arm."""
    cap: float | None = None


@dataclass(frozen=True)
class Experiment:
    control: str
    units: dict[str, int]
    """Units by arm, the control among them: those that were randomised, whatever is known of them later."""
    outcomes: tuple[Outcome, ...]
    unit: str | None = None
    """The column that names units; None: each row is one."""
    clustered: bool = False
    """Some units have several rows."""
    rows: int = 0
    rows_without_arm: int = 0


def without(group: Moments, value: float) -> Moments:
    """The moments of the same group, n >= 3, but for one member."""
    n = group.n - 1
    mean = (group.mean * group.n - value) / n
    squares = group.variance * (group.n - 1) - (value - group.mean) * (value - mean)
    return Moments(n, mean, max(squares, 0.0) / (n - 1))
