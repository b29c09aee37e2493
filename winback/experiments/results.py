"""What an analysis found, as `winback experiment analyze --json` prints it (docs/experiments.md)."""

from dataclasses import dataclass

from winback.experiments.lift import RelativeLift
from winback.experiments.samples import Kind
from winback.experiments.statistics import Difference, Verdict


@dataclass(frozen=True)
class Arm:
    arm: str
    units: int
    expected_share: float
    observed_share: float


@dataclass(frozen=True)
class ArmOutcome:
    """`mean` is the rate of a binary outcome; of clustered rows it is the mean of rows."""

    arm: str
    known: int
    """Units of which the outcome is known."""
    missing: int
    """Rows without the outcome."""
    mean: float | None
    successes: int | None
    total: float
    skewness: float | None
    largest_share: float | None
    """The largest unit's part of the total."""


@dataclass(frozen=True)
class Capped:
    """The same comparison with amounts beyond `cap` counted as `cap`: of other means, but of steadier ones."""

    cap: float
    difference: Difference
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """One arm minus the control, in the outcome's unit (rates: shares of one)."""

    arm: str
    method: str
    difference: Difference | None
    adjusted_p_value: float | None
    """By Holm's method, over all comparisons of the analysis."""
    verdict: Verdict
    lift: RelativeLift | None
    smallest_detectable: float | None
    needed_units: int | None
    """Of both arms together, in their present proportion, to detect the effect that was asked for."""
    capped: Capped | None
    heavy_tail: bool
    """Some arm is too small for so skewed amounts: 355 x skewness^2 units are a rule of thumb."""
    hangs_on: int | None
    """Without so many of the largest units the verdict would be another."""


@dataclass(frozen=True)
class OutcomeResult:
    outcome: str
    kind: Kind
    arms: tuple[ArmOutcome, ...]
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class Analysis:
    control: str
    unit: str | None
    clustered: bool
    rows: int
    rows_without_arm: int
    arms: tuple[Arm, ...]
    sample_ratio_p_value: float
    trustworthy: bool
    """False when the arms have not the sizes that they should have: then no difference means anything."""
    comparisons: int
    """Tests whose p values were corrected together."""
    detect: float | None
    outcomes: tuple[OutcomeResult, ...]
    warnings: tuple[str, ...]
