"""Drift, measured at each refresh: are the inputs those that the model learned from, and do its forecasts come true?

Inputs: the population stability index of each input against the reference of the model's evaluation.json,
PSI = sum over bins of (now - then) ln(now / then), with 0.1 and 0.25 as the customary limits (Siddiqi, Credit Risk
Scorecards, 2006, ch. 9). With nothing changed it is about (bins - 1) (1 / customers), so that small accounts exceed
any limit by chance: n PSI is then distributed as chi-square with bins - 1 degrees of freedom (Yurdakul, Statistical
Properties of Population Stability Index, 2018, ch. 3), and less than its 99 % quantile shows nothing.

Calibration: what the model said of each customer about 91 days ago, against who has purchased since.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, ConfigDict

from winback.predictions.promotion import Reference

if TYPE_CHECKING:
    import duckdb

HORIZON = timedelta(days=91)
NEAR = timedelta(days=3)
"""A snapshot this much younger or older than 91 days still tells; the forecast's horizon is not stretched further."""
MODERATE, LARGE = 0.1, 0.25
FEWEST = 200
"""Customers below which calibration is not judged."""
TOLERATED = 0.05
"""Points of probability by which the mean forecast may miss before anybody is woken."""
SLOPES = (0.7, 1.3)
_SMALLEST = 1e-4  # share of an empty bin: its logarithm must exist
_Z = 1.959964  # of a 95 % interval
_Z99 = 2.326348  # of the chi-square quantile, by Wilson and Hilferty (1931)


class Shift(StrEnum):
    NONE = "none"
    MODERATE = "moderate"
    LARGE = "large"


class InputDrift(BaseModel):
    model_config = ConfigDict(frozen=True)

    input: str
    psi: float
    shift: Shift


class Calibration(BaseModel):
    """`difference`: observed share of churned minus mean forecast, with its 95 % interval; above zero, more customers
    left than was said. `slope`: of the observed shares of tenths over their forecasts; below one, forecasts are too
    extreme."""

    model_config = ConfigDict(frozen=True)

    snapshot_id: str
    days: int
    customers: int
    forecast: float
    observed: float
    difference: float
    low: float
    high: float
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    tenths: tuple[tuple[float, float], ...]
    """(mean forecast, observed share) of each tenth."""
    alarming: bool
    says: str


class Drift(BaseModel):
    """`drift.json` of a snapshot."""

    model_config = ConfigDict(frozen=True)

    snapshot_id: str
    model_id: str | None
    inputs: tuple[InputDrift, ...] | None
    """By size, largest first; null when the model has no reference."""
    inputs_say: str
    newly_shifted: tuple[str, ...] = ()
    """Inputs with a large shift that had none at the latest refresh before, by the same model."""
    calibration: Calibration | None
    calibration_says: str
    newly_missed: bool = False
    """Whether forecasts of 91 days ago miss, and those that the refresh before looked at did not."""

    @property
    def misses(self) -> bool:
        return self.calibration is not None and self.calibration.alarming

    @property
    def alarming(self) -> bool:
        return bool(self.newly_shifted) or self.newly_missed


class Tenth(BaseModel):
    """A row of drift_calibration.sql."""

    model_config = ConfigDict(frozen=True)

    tenth: int
    customers: int
    forecast: float
    churned: int
    residuals: float
    squares: float


class Published(Protocol):
    """A snapshot that might be the one of 91 days ago."""

    @property
    def snapshot_id(self) -> str: ...

    @property
    def as_of(self) -> datetime: ...


def population_stability(then: Sequence[float], counts: Sequence[int]) -> float:
    """Shares of a reference against customers of now in the same bins; an empty bin counts as half a customer."""
    total = sum(counts)
    pairs = [
        (max(share, _SMALLEST), max(count, 0.5) / total)
        for share, count in zip(then, counts, strict=True)
        if share or count
    ]
    return sum((now - before) * math.log(now / before) for before, now in pairs)


def shift_of(psi: float, *, bins: int, customers: int) -> Shift:
    if psi < MODERATE or psi * customers < _chi_square_99(max(bins - 1, 1)):
        return Shift.NONE
    return Shift.LARGE if psi >= LARGE else Shift.MODERATE


def measure_inputs(connection: "duckdb.DuckDBPyConnection", references: Mapping[str, Reference]) -> list[InputDrift]:
    """Of those inputs that are columns of the relation `snapshot`, largest shift first; none of no customers."""
    statement = files("winback.predictions").joinpath("drift_inputs.sql").read_text(encoding="utf-8")
    columns = {row[0] for row in connection.execute("DESCRIBE snapshot").fetchall()}
    found = []
    for name, reference in references.items():
        if name not in columns or len(reference.shares) != len(reference.edges) + 2:
            continue
        rows = connection.execute(statement.replace("{input}", name), {"edges": list(reference.edges)}).fetchall()
        counts = [0] * len(reference.shares)
        for place, customers in rows:
            counts[int(place)] = int(customers)
        if not sum(counts):
            continue
        psi = population_stability(reference.shares, counts)
        shift = shift_of(psi, bins=len(counts), customers=sum(counts))
        found.append(InputDrift(input=name, psi=round(psi, 4), shift=shift))
    return sorted(found, key=lambda each: (-each.psi, each.input))


def measure_calibration(connection: "duckdb.DuckDBPyConnection", *, snapshot_id: str, days: int) -> Calibration | None:
    """Of the relations `earlier` (the snapshot `snapshot_id`) and `snapshot`; None when too few had a score."""
    statement = files("winback.predictions").joinpath("drift_calibration.sql").read_text(encoding="utf-8")
    rows = connection.execute(statement, {"days": days}).fetchall()
    tenths = [Tenth.model_validate(dict(zip(Tenth.model_fields, row, strict=True))) for row in rows]
    return calibration(tenths, snapshot_id=snapshot_id, days=days)


def calibration(tenths: Sequence[Tenth], *, snapshot_id: str, days: int) -> Calibration | None:
    """None for fewer than FEWEST customers."""
    customers = sum(tenth.customers for tenth in tenths)
    if customers < FEWEST:
        return None
    difference = sum(tenth.residuals for tenth in tenths) / customers
    spread = sum(tenth.squares for tenth in tenths) / customers - difference**2
    reach = _Z * math.sqrt(max(spread, 0.0) / customers)
    low, high = difference - reach, difference + reach
    slope, slope_error = _slope(tenths)
    bounds = (None, None) if slope is None else (slope - _Z * slope_error, slope + _Z * slope_error)
    misses = low > TOLERATED or high < -TOLERATED
    tilted = bounds[0] is not None and bounds[1] is not None and (bounds[1] < SLOPES[0] or bounds[0] > SLOPES[1])
    return Calibration(
        snapshot_id=snapshot_id,
        days=days,
        customers=customers,
        forecast=round(sum(tenth.forecast * tenth.customers for tenth in tenths) / customers, 4),
        observed=round(sum(tenth.churned for tenth in tenths) / customers, 4),
        difference=round(difference, 4),
        low=round(low, 4),
        high=round(high, 4),
        slope=_rounded(slope),
        slope_low=_rounded(bounds[0]),
        slope_high=_rounded(bounds[1]),
        tenths=tuple((round(tenth.forecast, 4), round(tenth.churned / tenth.customers, 4)) for tenth in tenths),
        alarming=misses or tilted,
        says=_said(difference, low, high, customers, misses=misses, tilted=tilted, slope=slope),
    )


def snapshot_before(published: Sequence[Published], as_of: datetime) -> Published | None:
    """The one nearest to 91 days before `as_of`, none further than three days from it."""
    wanted = as_of - HORIZON
    near = [each for each in published if abs(each.as_of - wanted) <= NEAR]
    return min(near, key=lambda each: (abs(each.as_of - wanted), each.snapshot_id), default=None)


def newly_shifted(now: Sequence[InputDrift], before: Drift | None, model_id: str | None) -> tuple[str, ...]:
    """Against a refresh with the same model; a shift that was there from the start is shown, but wakes nobody."""
    if before is None or before.inputs is None or before.model_id != model_id:
        return ()
    known = {each.input for each in before.inputs if each.shift is Shift.LARGE}
    return tuple(each.input for each in now if each.shift is Shift.LARGE and each.input not in known)


def newly_missed(now: Calibration | None, before: Drift | None) -> bool:
    """A model that was trained again is judged by its own forecasts 91 days later: until then those of the model before
    it keep missing, which somebody was told of already."""
    return now is not None and now.alarming and not (before is not None and before.misses)


def inputs_words(inputs: Sequence[InputDrift]) -> str:
    large = [each.input for each in inputs if each.shift is Shift.LARGE]
    if not inputs:
        return "none of the model's inputs could be compared with what it was trained on"
    if not large:
        return f"the customers are like those that the model was trained on ({len(inputs)} inputs compared)"
    return (
        f"{len(large)} of {len(inputs)} inputs are unlike those that the model was trained on: {', '.join(large[:5])}. "
        "Whether that matters, calibration tells"
    )


def _slope(tenths: Sequence[Tenth]) -> tuple[float | None, float]:
    """Weighted least squares of the observed shares on the forecasts, and its standard error."""
    total = sum(tenth.customers for tenth in tenths)
    mean = sum(tenth.customers * tenth.forecast for tenth in tenths) / total
    sxx = sum(tenth.customers * (tenth.forecast - mean) ** 2 for tenth in tenths)
    if sxx / total < _SMALLEST:  # all forecasts alike: there is no slope
        return None, 0.0
    slope = sum(tenth.churned * (tenth.forecast - mean) for tenth in tenths) / sxx
    variance = sum(
        tenth.customers * (tenth.forecast - mean) ** 2 * _binomial_variance(tenth.forecast) for tenth in tenths
    )
    return slope, math.sqrt(variance) / sxx


def _binomial_variance(share: float) -> float:
    return max(share * (1 - share), _SMALLEST)


def _said(
    difference: float, low: float, high: float, customers: int, *, misses: bool, tilted: bool, slope: float | None
) -> str:
    figures = (
        f"{100 * difference:+.1f} points, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}, {customers} customers"
    )
    if misses:
        return f"{'more' if difference > 0 else 'fewer'} customers left than was forecast: {figures}. Train again"
    if tilted and slope is not None:
        extreme = "too extreme" if slope < 1 else "too alike"
        return f"forecasts are {extreme} (slope {slope:.2f}); on average {figures}. Train again"
    return f"forecasts come true as far as can be told: {figures}"


def _chi_square_99(degrees: int) -> float:
    """Within 1 % for two or more degrees of freedom."""
    part = 2 / (9 * degrees)
    return float(degrees * (1 - part + _Z99 * math.sqrt(part)) ** 3)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
