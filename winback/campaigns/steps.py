"""The steps of a campaign: touches, and branches that choose between paths of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from winback.accounts.channels import ChannelName
from winback.accounts.quiet_hours import TimeOfDay
from winback.campaigns.inline_template import InlineTemplate
from winback.fields import NAME
from winback.segmentation.names import Segment

MAX_STEPS = 10
MAX_BRANCHES = 10
MAX_EVALUATION_DAYS = 730  # leaves a year to choose a start within winback.campaigns.launch.LONGEST_AHEAD

Way = Literal["then", "otherwise"]
Conditions = tuple[tuple[int, Way], ...]
"""The branches that lead to a step, from the outermost: (number of the branch, way taken)."""
Location = tuple[str | int, ...]
"""Where a node lies in the definition, as pydantic locates errors: ("steps", 1, "then", 0)."""


class Part(BaseModel):
    """What definitions are made of."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True, validate_by_name=True, defer_build=True
    )


class Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @property
    def number(self) -> int:
        """As datetime.weekday() counts: Monday is 0."""
        return list(Weekday).index(self)


def _each_once(names: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(names))


TemplateChoice = Annotated[
    Annotated[str, Field(min_length=1, max_length=64), Tag("<named>")] | Annotated[InlineTemplate, Tag("<inline>")],
    Discriminator(lambda value: "<named>" if isinstance(value, str) else "<inline>"),
]


class SendWithin(Part):
    """Each customer's best hour, as predicted, within this window of its own zone, on one of so many days."""

    start: TimeOfDay = Field(alias="from", description="first time of day at which a message may leave")
    until: TimeOfDay = Field(description="and from when on it may not, the same day")
    days: int = Field(default=1, ge=1, le=7, description="days to choose from, the step's own the first")

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.start >= self.until:
            raise ValueError("closes before it opens: expected `from` earlier than `until`, on one day")
        return self


Channels = Annotated[tuple[ChannelName, ...], Field(min_length=1, description="in order of preference")]


class Timing(Part):
    """When on its day a message leaves. Without either it leaves at the launch's own time of day."""

    send_at: TimeOfDay | None = Field(default=None, description="time of day in the account's zone")
    send_within: SendWithin | None = Field(default=None, description="window of each customer's best hour")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.send_at is not None and self.send_within is not None:
            raise ValueError("has both send_at and send_within: expected one of them, or neither")
        return self


class Step(Timing):
    """One touch."""

    name: str | None = Field(default=None, pattern=NAME, max_length=40, description="default: step-<number>")
    template: TemplateChoice = Field(
        description="a shipped or saved template by its name, or one of the campaign's own"
    )
    subject: str | None = Field(default=None, min_length=1, max_length=200, description="instead of the template's")
    channels: Channels | None = Field(default=None, description="default: the campaign's")
    after_days: int = Field(ge=0, le=MAX_EVALUATION_DAYS - 2, description="days after the launch's start")
    on: tuple[Weekday, ...] = Field(default=(), description="the first such day from then on; none: any day")
    offer: bool = Field(default=False, description="whether it carries the launch's offer")

    _channels_once = field_validator("channels")(lambda given: given if given is None else _each_once(given))
    _days_once = field_validator("on")(_each_once)


class BranchOn(StrEnum):
    ENGAGED = "engaged"
    """Opened or clicked a step's message, not by machine."""
    CONVERTED = "converted"
    """Purchased since the launch's start."""
    SEGMENT = "segment"
    """Is in one of the segments by the latest snapshot."""


class Question(Part):
    on: BranchOn
    step: str | None = Field(
        default=None, pattern=NAME, description="engaged with which step; default: the last one before the branch"
    )
    segments: tuple[Segment, ...] = ()

    _segments_once = field_validator("segments")(_each_once)

    @model_validator(mode="after")
    def _what_it_needs(self) -> Self:
        if (self.on is BranchOn.SEGMENT) != bool(self.segments):
            raise ValueError(
                "segments are given with on: segment, and only then: expected the segments that it asks for"
            )
        if self.step is not None and self.on is not BranchOn.ENGAGED:
            raise ValueError(f"names a step, and asks {self.on}: expected a step with on: engaged only")
        return self


class Branch(Part):
    """Asks once, `after_days` after the launch's start, of each customer on its path; the answer is kept."""

    branch: Question
    after_days: int = Field(ge=0, le=MAX_EVALUATION_DAYS - 2, description="days after the launch's start")
    then: tuple["Node", ...] = Field(default=(), description="for whom the answer is yes")
    otherwise: tuple["Node", ...] = Field(default=(), description="for everybody else on this path")

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if not (self.then or self.otherwise):
            raise ValueError("leads nowhere: expected steps in then, in otherwise or in both")
        return self


def _kind(value: object) -> str:
    """A branch by any field that steps have not, so that one with a mistyped `branch` is told of that."""
    if isinstance(value, Branch):
        return "<branch>"
    return "<branch>" if isinstance(value, dict) and value.keys() & {"branch", "then", "otherwise"} else "<step>"


Node = Annotated[Annotated[Step, Tag("<step>")] | Annotated[Branch, Tag("<branch>")], Discriminator(_kind)]
Branch.model_rebuild()


@dataclass(frozen=True)
class Touch:
    """A step in its place. `number` counts from 1 in document order; send ids and plan keys carry it."""

    number: int
    step: Step
    conditions: Conditions
    location: Location

    @property
    def name(self) -> str:
        return self.step.name or f"step-{self.number}"


@dataclass(frozen=True)
class BranchPoint:
    """A branch in its place. `number` counts from 1 in document order.

    `step` is the number of the step that `engaged` asks about; None when it asks about none, or there is no such step.
    """

    number: int
    branch: Branch
    conditions: Conditions
    location: Location
    step: int | None


@dataclass(frozen=True)
class _Numbers:
    steps: Iterator[int]
    branches: Iterator[int]


def walk(nodes: tuple[Step | Branch, ...]) -> Iterator[Touch | BranchPoint]:
    """The nodes in document order: a branch, what lies in `then`, what lies in `otherwise`, what follows it."""
    return _walk(nodes, (), ("steps",), [], _Numbers(count(1), count(1)))


def with_steps(nodes: tuple[Step | Branch, ...], change: Callable[[Step], Step]) -> tuple[Step | Branch, ...]:
    """The same nodes, each step as `change` makes it."""
    return tuple(
        change(node)
        if isinstance(node, Step)
        else node.model_copy(
            update={"then": with_steps(node.then, change), "otherwise": with_steps(node.otherwise, change)}
        )
        for node in nodes
    )


def _walk(
    nodes: tuple[Step | Branch, ...],
    conditions: Conditions,
    location: Location,
    before: list[Touch],
    following: _Numbers,
) -> Iterator[Touch | BranchPoint]:
    """`before` are the touches that lead here; those within a branch lead to nothing that follows it."""
    before = list(before)
    for place, node in enumerate(nodes):
        here = (*location, place)
        if isinstance(node, Step):
            touch = Touch(next(following.steps), node, conditions, here)
            before.append(touch)
            yield touch
            continue
        number = next(following.branches)
        yield BranchPoint(number, node, conditions, here, _asked(node.branch, before))
        for way in ("then", "otherwise"):
            inner = node.then if way == "then" else node.otherwise
            yield from _walk(inner, (*conditions, (number, way)), (*here, way), before, following)


def _asked(question: Question, before: list[Touch]) -> int | None:
    if question.on is not BranchOn.ENGAGED:
        return None
    return next((touch.number for touch in reversed(before) if question.step in (None, touch.name)), None)
