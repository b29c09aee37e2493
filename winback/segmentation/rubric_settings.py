"""The settings of a rubric: what people decide, as opposed to the thresholds that calibration reads from the data.

rubric.toml holds the values that ship and says what each means. A rubric stores the settings that it was made with.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from winback.segmentation.names import Segment

CHANNELS = ("email", "sms", "push")
"""What a contact policy may be restricted to."""

_Quantile = Annotated[float, Field(gt=0, lt=1)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Amount = Annotated[Decimal, Field(gt=0, max_digits=15)]
_Count = Annotated[int, Field(ge=1, le=1_000_000)]
_Days = Annotated[int, Field(ge=1, le=36_500)]
Channel = Annotated[str, StringConstraints(pattern="^(email|sms|push)$")]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BandSettings(_Settings):
    """Cut-offs of net value and purchases; an amount (major units of the account's currency) replaces its quantile."""

    high_value_quantile: _Quantile
    high_value: _Amount | None = None
    frequent_quantile: _Quantile
    frequent_at_least: Annotated[int, Field(ge=2, le=1_000)]
    frequent_purchases: Annotated[int, Field(ge=2, le=1_000)] | None = None
    premium_quantile: _Quantile
    premium_above: _Amount | None = None
    elite_quantile: _Quantile
    elite_above: _Amount | None = None
    vip_quantile: _Quantile
    vip_above: _Amount | None = None


class RecencySettings(_Settings):
    lost_after: Annotated[float, Field(gt=1, le=10)]
    new_starter_days: _Days
    new_days: _Days
    potential_after: Annotated[float, Field(gt=0, lt=1)]


class ScoreSettings(_Settings):
    quantiles: tuple[_Quantile, _Quantile, _Quantile, _Quantile]
    recency_days: tuple[_Days, _Days, _Days, _Days] | None = None
    purchases: tuple[_Count, _Count, _Count, _Count] | None = None
    value: tuple[_Amount, _Amount, _Amount, _Amount] | None = None


class OverlaySettings(_Settings):
    premium_active_share: _Share
    premium_active_quantile: _Quantile
    discount_repeat_orders: _Count
    discount_repeat_share: _Share
    discount_repeat_quantile: _Quantile
    wide_quantile: _Quantile
    wide_at_least: _Count
    wide_categories: _Count | None = None
    engagement_quantiles: tuple[_Quantile, _Quantile, _Quantile, _Quantile]
    engagement: tuple[_Quantile, _Quantile, _Quantile, _Quantile] | None = None


class BehaviourSettings(_Settings):
    repetitive_gaps: Annotated[int, Field(ge=2, le=1_000)]
    repetitive_spread: Annotated[float, Field(gt=0, le=10)]
    spread_prior_gaps: Annotated[int, Field(ge=0, le=1_000)]
    low_quantile: _Quantile
    low_per_year: Annotated[float, Field(gt=0, le=366)] | None = None
    high_quantile: _Quantile
    high_per_year: Annotated[float, Field(gt=0, le=366)] | None = None
    shortest_tenure_days: _Days


class PrioritySettings(_Settings):
    headline: Annotated[int, Field(ge=1, le=12)]
    secondary_share: _Share
    leave_alone_above: _Share
    light_touch_days: _Days


class SegmentPolicy(_Settings):
    """How a segment may be contacted, and what a contact is assumed to change."""

    at_most: Annotated[int, Field(ge=0, le=100, description="messages in `days`")]
    days: _Days
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)] | None = Field(
        default=None, description="null: any that the customer has agreed to"
    )
    assumed_lift: Annotated[float, Field(ge=0, le=0.5)] = Field(
        description="ASSUMPTION: share of the contacted who purchase and otherwise would not have"
    )
    leave_alone: Annotated[str, Field(max_length=400)] = Field(
        default="", description="why it gets no win-back campaign; empty: it may"
    )


class Contradiction(NamedTuple):
    keys: tuple[tuple[str, ...], ...]
    """The settings that do not go together, by their path, such as ("bands", "premium_above")."""
    problem: str


class RubricSettings(_Settings):
    bands: BandSettings
    recency: RecencySettings
    scores: ScoreSettings
    overlays: OverlaySettings
    behaviours: BehaviourSettings
    priorities: PrioritySettings
    segments: dict[Segment, SegmentPolicy]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if missing := [segment for segment in Segment if segment not in self.segments]:
            raise ValueError(f"no policy for {', '.join(missing)}")
        if found := next(contradictions(self), None):
            raise ValueError(found.problem)
        return self


def contradictions(settings: RubricSettings) -> Iterator[Contradiction]:
    """Settings that fit one by one and not together."""
    bands, scores, overlays = settings.bands, settings.scores, settings.overlays
    yield from _descending(
        "bands",
        {
            "premium_quantile": bands.premium_quantile,
            "elite_quantile": bands.elite_quantile,
            "vip_quantile": bands.vip_quantile,
        },
    )
    yield from _descending(
        "bands",
        {"premium_above": bands.premium_above, "elite_above": bands.elite_above, "vip_above": bands.vip_above},
    )
    yield from _descending(
        "behaviours",
        {"low_quantile": settings.behaviours.low_quantile, "high_quantile": settings.behaviours.high_quantile},
    )
    yield from _descending(
        "behaviours",
        {"low_per_year": settings.behaviours.low_per_year, "high_per_year": settings.behaviours.high_per_year},
    )
    yield from _descending(
        "recency",
        {"new_days": settings.recency.new_days, "new_starter_days": settings.recency.new_starter_days},
    )
    ladders: dict[tuple[str, str], Sequence[float | Decimal] | None] = {
        ("scores", "quantiles"): scores.quantiles,
        ("scores", "recency_days"): scores.recency_days,
        ("scores", "purchases"): scores.purchases,
        ("scores", "value"): scores.value,
        ("overlays", "engagement_quantiles"): overlays.engagement_quantiles,
        ("overlays", "engagement"): overlays.engagement,
    }
    for (group, name), cuts in ladders.items():
        if cuts is not None and any(low >= high for low, high in pairwise(cuts)):
            yield Contradiction(((group, name),), f"{group}.{name}: not ascending; each has to be above the one before")


def _descending(group: str, values: dict[str, float | Decimal | None]) -> Iterator[Contradiction]:
    """A contradiction for each setting that is above one that names a higher level."""
    given = [(name, value) for name, value in values.items() if value is not None]
    for (lower, low), (higher, high) in pairwise(given):
        if low > high:
            problem = f"{group}.{lower} is above {group}.{higher} ({low} > {high}); it has to be at most that"
            yield Contradiction(((group, lower), (group, higher)), problem)
