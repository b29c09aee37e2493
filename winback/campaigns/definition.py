"""What a marketer defines: whom a campaign addresses, with which steps, against which holdout."""

from datetime import time
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    field_validator,
    model_validator,
)

from winback.segmentation.names import Family, Segment
from winback.slices.condition import (
    SLICE_ID,
    All,
    AnyOf,
    Cells,
    Comparison,
    Condition,
    GridCell,
    InSlice,
)
from winback.slices.operands import Operator

MAX_STEPS = 10
MAX_SIZE = 200_000  # bytes; a launch keeps its definition in one table item of at most 400 KB
MAX_EVALUATION_DAYS = 350  # leaves ten days to choose a start within winback.campaigns.launch.LONGEST_AHEAD


class StopOn(StrEnum):
    """What ends the sequence for one customer. An unsubscribe always does, whether it is named or not."""

    PURCHASE = "purchase"
    UNSUBSCRIBE = "unsubscribe"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Audience(_Part):
    """Customers of one snapshot. Names of one kind widen the audience, another kind narrows it.

    (Any of the segments or families) and (any of the cells) and in the slice and newly lapsed; a kind that is not given
    narrows nothing. A segment is a part of a family, so both are one kind.
    """

    segments: tuple[Segment, ...] = ()
    families: tuple[Family, ...] = ()
    cells: tuple[GridCell, ...] = Field(default=(), description="of the playbook grid")
    slice: str | None = Field(default=None, pattern=SLICE_ID, description="a saved slice; a launch freezes it")
    newly_lapsed: bool = Field(
        default=False, description="only who is lapsed and was not in the latest snapshot before"
    )

    @field_validator("segments", "families", "cells")
    @classmethod
    def _each_once(cls, names: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(names))

    @model_validator(mode="after")
    def _someone(self) -> Self:
        if not (self.segments or self.families or self.cells or self.slice or self.newly_lapsed):
            raise ValueError("names nobody: expected segments, families, cells, a slice or newly_lapsed")
        return self

    @property
    def condition(self) -> All:
        """The same as a condition tree; the slice by its id."""
        places: list[Condition] = []
        if self.segments:
            places.append(Comparison(column="segment", operator=Operator.IN, value=self.segments))
        if self.families:
            places.append(Comparison(column="family", operator=Operator.IN, value=self.families))
        kinds: list[Condition] = [AnyOf(conditions=tuple(places))] if places else []
        if self.cells:
            kinds.append(Cells(cells=self.cells))
        if self.slice is not None:
            kinds.append(InSlice(slice_id=self.slice))
        if self.newly_lapsed:
            kinds.append(Comparison(column="newly_lapsed", operator=Operator.EQUAL, value=True))
        return All(conditions=tuple(kinds))

    def may_include(self, segment: str, family: str, value_tier: str | None = None, status: str | None = None) -> bool:
        """Whether what is known of a customer does not rule it out; without its cell only the segment counts."""
        if (self.segments or self.families) and segment not in self.segments and family not in self.families:
            return False
        return (
            not self.cells
            or value_tier is None
            or any((cell.value_tier, cell.status) == (value_tier, status) for cell in self.cells)
        )


class StartsOn(StrEnum):
    """What prepares a launch of the campaign by itself; a person still approves it."""

    NEWLY_LAPSED = "newly_lapsed"


class InlineTemplate(_Part):
    """A message of the campaign's own. Without `text`, the text part is made from the HTML."""

    name: str | None = Field(default=None, min_length=1, max_length=64)
    subject: str = Field(min_length=1, max_length=200)
    mjml: str = Field(min_length=1, max_length=100_000)
    text: str | None = Field(default=None, min_length=1, max_length=20_000)


def _parse_time_of_day(value: object) -> object:
    if not isinstance(value, str):
        return value
    hour, colon, minute = value.partition(":")
    if not (colon and len(hour) == len(minute) == 2 and hour.isdecimal() and minute.isdecimal()):
        raise ValueError("expected HH:MM such as 09:30")
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError("expected a time from 00:00 to 23:59")
    return time(int(hour), int(minute))


TimeOfDay = Annotated[
    time, BeforeValidator(_parse_time_of_day), PlainSerializer(lambda moment: moment.strftime("%H:%M"), return_type=str)
]


TemplateChoice = Annotated[
    Annotated[str, Field(min_length=1, max_length=64), Tag("<shipped>")] | Annotated[InlineTemplate, Tag("<inline>")],
    Discriminator(lambda value: "<shipped>" if isinstance(value, str) else "<inline>"),
]


class Step(_Part):
    """One touch. Without `send_at` it leaves at the launch's own time of day."""

    template: TemplateChoice = Field(description="name of a shipped template, or one of the campaign's own")
    after_days: int = Field(ge=0, le=MAX_EVALUATION_DAYS - 2, description="days after the launch's start")
    send_at: TimeOfDay | None = Field(default=None, description="time of day in the account's zone")


class Holdout(_Part):
    """The share to a millionth: finer than any audience, and every value fits a decimal of the table."""

    share: Annotated[float, AfterValidator(lambda share: abs(round(share, 6)))] = Field(
        default=0.2, ge=0, le=0.5, description="share of the eligible audience that receives nothing"
    )


class CampaignDefinition(_Part):
    name: str = Field(min_length=1, max_length=120)
    audience: Audience
    channel: Literal["email"] = "email"
    steps: tuple[Step, ...]
    holdout: Holdout = Holdout()
    stop_on: tuple[StopOn, ...] = (StopOn.PURCHASE, StopOn.UNSUBSCRIBE)
    evaluation_days: int = Field(default=91, ge=1, le=MAX_EVALUATION_DAYS, description="from the launch's start")
    attribution_days: int = Field(default=14, ge=1, le=90, description="a last touch counts this long")
    starts_on: StartsOn | None = Field(default=None, description="prepares a launch whenever customers newly lapsed")

    @field_validator("steps")
    @classmethod
    def _steps_in_order(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        if not 1 <= len(steps) <= MAX_STEPS:
            raise ValueError(f"there are {len(steps)} steps: expected 1 to {MAX_STEPS}")
        for number, (one, following) in enumerate(pairwise(steps), start=1):
            if following.after_days <= one.after_days:
                raise ValueError(
                    f"step {number + 1} comes {following.after_days} days after the start, "
                    f"step {number} {one.after_days}: days must increase"
                )
        return steps

    @field_validator("stop_on")
    @classmethod
    def _unsubscribe_always_stops(cls, reasons: tuple[StopOn, ...]) -> tuple[StopOn, ...]:
        return tuple(reason for reason in StopOn if reason in reasons or reason is StopOn.UNSUBSCRIBE)

    @model_validator(mode="after")
    def _evaluated_after_the_last_step(self) -> Self:
        last = self.steps[-1].after_days
        if self.evaluation_days <= last + 1:
            raise ValueError(
                f"evaluation_days is {self.evaluation_days}, but the last step may leave on day {last + 1}: "
                f"expected at least {last + 2}"
            )
        return self

    @model_validator(mode="after")
    def _starts_for_whom_it_is_about(self) -> Self:
        if self.starts_on is StartsOn.NEWLY_LAPSED and not self.audience.newly_lapsed:
            raise ValueError(
                "starts_on newly_lapsed would address the same customers again at each refresh: "
                "expected audience.newly_lapsed to be true"
            )
        return self

    @model_validator(mode="after")
    def _small_enough(self) -> Self:
        size = self.size
        if size > MAX_SIZE:
            raise ValueError(f"the definition has {size} bytes with its templates: expected at most {MAX_SIZE}")
        return self

    @property
    def size(self) -> int:
        """Bytes of its JSON in UTF-8, by which a table measures text too."""
        return len(self.model_dump_json().encode())

    @property
    def stops_on_purchase(self) -> bool:
        return StopOn.PURCHASE in self.stop_on
