"""What launches with a holdout have measured, and what it says of the next one.

The lift of a segment is the conversion rate of its treated less that of its held-out customers. Several launches are
pooled as random effects by inverse variance: DerSimonian and Laird, "Meta-analysis in clinical trials", Controlled
Clinical Trials 7 (1986) 177-188, equations 7 to 10. Variances are those of Agresti and Caffo, The American Statistician
54 (2000) 280-288 (a success and a failure more in each arm), so that an arm without a win is not taken for certain. The
interval is for the next launch, not for the mean of the past ones: it contains how launches differ (Higgins, Thompson
and Spiegelhalter, JRSS A 172 (2009) 137-159, section 4; here with the normal quantile, for want of many launches).
"""

from collections.abc import Iterable, Sequence
from math import fsum, sqrt
from statistics import NormalDist

from pydantic import BaseModel, ConfigDict, Field, model_validator

from winback.experiments.power import CONFIDENCE
from winback.experiments.statistics import Proportion, difference_of_proportions
from winback.segmentation.names import Segment
from winback.segmentation.priorities import MeasuredLift


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
    revenue_error_minor: float | None = Field(default=None, description="standard error of that difference")
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
    """None when no launch has customers in both arms. One launch alone has Newcombe's interval, as its report does."""
    usable = [arms for arms in launches if arms.treated and arms.held_out]
    if not usable:
        return None
    if len(usable) == 1:
        (only,) = usable
        told = difference_of_proportions(
            Proportion(only.treated_won, only.treated), Proportion(only.held_out_won, only.held_out)
        )
        assert told is not None  # both arms have customers
        return MeasuredLift(estimate=told.estimate, low=told.low, high=told.high, launches=1)
    effects = [arms.treated_won / arms.treated - arms.held_out_won / arms.held_out for arms in usable]
    variances = [_variance(arms) for arms in usable]
    between = _between(effects, variances)
    weights = [1 / (variance + between) for variance in variances]
    mean = fsum(weight * effect for weight, effect in zip(weights, effects, strict=True)) / fsum(weights)
    reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * sqrt(1 / fsum(weights) + between)
    return MeasuredLift(estimate=mean, low=max(-1.0, mean - reach), high=min(1.0, mean + reach), launches=len(usable))


def _variance(arms: Arms) -> float:
    parts = ((arms.treated_won, arms.treated), (arms.held_out_won, arms.held_out))
    rates = [((won + 1) / (customers + 2), customers + 2) for won, customers in parts]
    return fsum(rate * (1 - rate) / customers for rate, customers in rates)


def _between(effects: Sequence[float], variances: Sequence[float]) -> float:
    """The variance between launches by the method of moments, at least 0."""
    weights = [1 / variance for variance in variances]
    total = fsum(weights)
    mean = fsum(weight * effect for weight, effect in zip(weights, effects, strict=True)) / total
    spread = fsum(weight * (effect - mean) ** 2 for weight, effect in zip(weights, effects, strict=True))
    return max(0.0, (spread - (len(effects) - 1)) / (total - fsum(weight**2 for weight in weights) / total))
