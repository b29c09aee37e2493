"""What launches with a holdout have measured, and what it says of the next one.

The lift of a segment is the conversion rate of its treated less that of its held-out customers. Launches differ, by
season, message and offer, so they are pooled as random effects, and the interval is for the lift of a next launch, not
for the mean of the past ones: the predictive distribution of a normal-normal model with a flat prior on the mean and a
half-normal one on the spread between launches, added up over a grid of spreads (Roever, "Bayesian Random-Effects
Meta-Analysis Using the bayesmeta R Package", Journal of Statistical Software 93 (2020), sections 2.3 to 2.6). Moment
estimators of the spread are often zero with few launches, and then miss the next one far more often than they say.
Variances are those of Agresti and Caffo, The American Statistician 54 (2000) 280-288 (a success and a failure more in
each arm), so that an arm without a win is not taken for certain.
"""

from collections.abc import Iterable, Sequence
from math import exp, fsum, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from winback.experiments.power import CONFIDENCE
from winback.segmentation.measured_lift import MeasuredLift
from winback.segmentation.names import Segment

SPREAD_SCALE = 0.03
"""Of the half-normal prior: lifts of a segment's launches mostly differ by less than twice that, six points."""
_SPREADS = tuple(step * SPREAD_SCALE / 20 for step in range(81))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Arms(_Part):
    """Customers assigned to each arm, contacted or not, and how many of them purchased in the evaluation window."""

    treated: int = Field(ge=0)
    treated_won: int = Field(ge=0)
    held_out: int = Field(ge=0)
    held_out_won: int = Field(ge=0)

    @model_validator(mode="after")
    def _possible(self) -> "Arms":
        if self.treated_won > self.treated or self.held_out_won > self.held_out:
            raise ValueError("more customers won than assigned: expected at most all of an arm")
        return self


class SegmentArms(Arms):
    segment: Segment


class LaunchLift(Arms):
    """The item `lift` of docs/data-model.md: one finished launch. Revenue is per assigned customer, minor units."""

    launch_id: str
    campaign_id: str
    channel: str
    segments: tuple[SegmentArms, ...]
    evaluation_days: int
    currency: str
    revenue_difference_minor: float | None = Field(default=None, description="treated less held out; null: untold")
    revenue_low_minor: float | None = Field(default=None, description="95 % interval of that difference")
    revenue_high_minor: float | None = None
    revenue_steady: bool = Field(default=False, description="false: one large order can decide")
    engaged: int | None = Field(default=None, ge=0, description="messages opened or clicked by a person; null: untold")
    handed_over: int | None = Field(default=None, ge=0, description="messages that the provider took")
    ended_at: str


def measured_lifts(launches: Sequence[LaunchLift]) -> dict[Segment, MeasuredLift]:
    """The pooled lift of each segment of which both arms of some launch have customers."""
    of_segment: dict[Segment, list[Arms]] = {}
    for launch in launches:
        for arms in launch.segments:
            of_segment.setdefault(arms.segment, []).append(arms)
    found = {segment: pooled_lift(arms) for segment, arms in of_segment.items()}
    return {segment: lift for segment, lift in found.items() if lift is not None}


def untreated_rates(launches: Iterable[LaunchLift]) -> dict[Segment, float]:
    """The share of each segment's held-out customers that purchased without a message; none where nobody was."""
    customers: dict[Segment, int] = {}
    won: dict[Segment, int] = {}
    for launch in launches:
        for arms in launch.segments:
            customers[arms.segment] = customers.get(arms.segment, 0) + arms.held_out
            won[arms.segment] = won.get(arms.segment, 0) + arms.held_out_won
    return {segment: won[segment] / count for segment, count in customers.items() if count}


def pooled_lift(launches: Sequence[Arms]) -> MeasuredLift | None:
    """None when no launch has customers in both arms."""
    usable = [arms for arms in launches if arms.treated and arms.held_out]
    if not usable:
        return None
    effects = [arms.treated_won / arms.treated - arms.held_out_won / arms.held_out for arms in usable]
    variances = [_variance(arms) for arms in usable]
    predictions = [_prediction(effects, variances, spread) for spread in _SPREADS]
    most = max(each.log_weight for each in predictions)
    weights = [exp(each.log_weight - most) for each in predictions]
    total = fsum(weights)
    mixture = [(weight / total, each.distribution) for weight, each in zip(weights, predictions, strict=True)]
    half = (1 - CONFIDENCE) / 2
    return MeasuredLift(
        estimate=fsum(weight * part.mean for weight, part in mixture),
        low=_quantile(mixture, half),
        high=_quantile(mixture, 1 - half),
        launches=len(usable),
    )


class _Prediction(NamedTuple):
    """Of the next launch's lift, were the spread between launches the given one; and how likely that spread is."""

    distribution: NormalDist
    log_weight: float


def _prediction(effects: Sequence[float], variances: Sequence[float], spread: float) -> _Prediction:
    weights = [1 / (variance + spread**2) for variance in variances]
    total = fsum(weights)
    mean = fsum(weight * effect for weight, effect in zip(weights, effects, strict=True)) / total
    misfit = fsum(weight * (effect - mean) ** 2 for weight, effect in zip(weights, effects, strict=True))
    prior = -0.5 * (spread / SPREAD_SCALE) ** 2
    likelihood = 0.5 * (fsum(map(log, weights)) - log(total) - misfit)
    return _Prediction(NormalDist(mean, sqrt(1 / total + spread**2)), prior + likelihood)


def _variance(arms: Arms) -> float:
    parts = ((arms.treated_won, arms.treated), (arms.held_out_won, arms.held_out))
    rates = [((won + 1) / (customers + 2), customers + 2) for won, customers in parts]
    return fsum(rate * (1 - rate) / customers for rate, customers in rates)


def _quantile(mixture: Sequence[tuple[float, NormalDist]], probability: float) -> float:
    """Of a lift, which lies within -1 and 1; to a millionth."""
    low, high = -1.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        below = fsum(weight * part.cdf(middle) for weight, part in mixture)
        low, high = (middle, high) if below < probability else (low, middle)
    return (low + high) / 2
