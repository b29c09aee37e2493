"""What a marketer defines: whom a campaign addresses, with which steps, offers and tests, within which bounds."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from winback.accounts.channels import ChannelName
from winback.campaigns.audience import Audience
from winback.campaigns.consistency import (
    Problem,
    experiment_problems,
    offer_problems,
    rule_problems,
    sequence_problems,
)
from winback.campaigns.inline_template import InlineTemplate
from winback.campaigns.policies import (
    MAX_EXPERIMENTS,
    Budget,
    Experiment,
    Guardrails,
    Holdout,
    OfferPolicy,
    Schedule,
    StartsOn,
    StopOn,
    Utm,
    Variant,
)
from winback.campaigns.steps import (
    MAX_EVALUATION_DAYS,
    BranchPoint,
    Channels,
    Location,
    Node,
    Part,
    Step,
    Touch,
    walk,
    with_steps,
)
from winback.stored import was_stored

MAX_SIZE = 200_000  # bytes; a launch keeps its definition in one table item of at most 400 KB


class CampaignDefinition(Part):
    name: str = Field(min_length=1, max_length=120)
    audience: Audience
    channels: Channels = (ChannelName.EMAIL,)
    priority: int = Field(default=50, ge=0, le=100, description="the higher one wins when two want the same customer")
    steps: tuple[Node, ...]
    experiments: Annotated[tuple[Experiment, ...], Field(max_length=MAX_EXPERIMENTS)] = ()
    holdout: Holdout = Holdout()
    offers: OfferPolicy | None = None
    stop_on: tuple[StopOn, ...] = (StopOn.PURCHASE, StopOn.UNSUBSCRIBE, StopOn.COMPLAINT)
    guardrails: Guardrails = Guardrails()
    budget: Budget | None = None
    evaluation_days: int = Field(default=91, ge=1, le=MAX_EVALUATION_DAYS, description="from the launch's start")
    attribution_days: int = Field(default=14, ge=1, le=90, description="a last touch counts this long")
    starts_on: StartsOn | None = Field(default=None, description="prepares a launch whenever customers newly lapsed")
    schedule: Schedule | None = None
    utm: Utm | None = None

    @field_validator("channels")
    @classmethod
    def _channels_once(cls, channels: tuple[ChannelName, ...]) -> tuple[ChannelName, ...]:
        return tuple(dict.fromkeys(channels))

    @field_validator("stop_on")
    @classmethod
    def _some_always_stop(cls, reasons: tuple[StopOn, ...]) -> tuple[StopOn, ...]:
        return tuple(reason for reason in StopOn if reason in reasons or reason.always)

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> Self:
        problems = [] if was_stored(info) else list(self._problems())
        if problems:
            details = [
                InitErrorDetails(
                    type=PydanticCustomError("value_error", "{problem}", {"problem": problem}), loc=where, input=None
                )
                for where, problem in problems
            ]
            raise ValidationError.from_exception_data(type(self).__name__, details)
        return self

    def _problems(self) -> Iterator[Problem]:
        touches, points = self.touches, self.branches
        yield from sequence_problems(self.steps, touches, points)
        yield from rule_problems(touches, points, self.stop_on, self.evaluation_days)
        yield from offer_problems(touches, self.experiments, self.offers)
        yield from experiment_problems(touches, self.experiments)
        if self.starts_on is StartsOn.NEWLY_LAPSED and not self.audience.newly_lapsed:
            problem = "newly_lapsed would address the same customers again at each refresh"
            yield ("starts_on",), f"{problem}: expected audience.newly_lapsed to be true"
        if self.schedule is not None and self.audience.newly_lapsed:
            problem = "would reach only who lapsed in the last refresh before it, and beside starts_on these twice"
            yield ("schedule",), f"{problem}: expected starts_on: newly_lapsed instead, or another audience"
        if (size := self.size) > MAX_SIZE:
            yield (), f"the definition has {size} bytes with its templates: expected at most {MAX_SIZE}"

    @property
    def touches(self) -> tuple[Touch, ...]:
        """The steps by their numbers, from 1, those within branches too."""
        return tuple(node for node in walk(self.steps) if isinstance(node, Touch))

    @property
    def branches(self) -> tuple[BranchPoint, ...]:
        """The branches by their numbers, from 1."""
        return tuple(node for node in walk(self.steps) if isinstance(node, BranchPoint))

    def touch(self, number: int) -> Touch:
        """Raises ValueError when there is no such step."""
        touches = self.touches
        if not 1 <= number <= len(touches):
            raise ValueError(f"no step {number}: expected 1 to {len(touches)}")
        return touches[number - 1]

    def branch_point(self, number: int) -> BranchPoint:
        """Raises ValueError when there is no such branch."""
        points = self.branches
        if not 1 <= number <= len(points):
            raise ValueError(f"no branch {number}: expected 1 to {len(points)}")
        return points[number - 1]

    def step_for(self, number: int, variants: Mapping[str, str]) -> Step:
        """Step `number` as a customer with these variants (experiment: variant) gets it; its channels filled in.

        An experiment that `variants` does not name leaves the step as it is. Raises ValueError for a step or variant
        that there is not.
        """
        touch = self.touch(number)
        changes: dict[str, Any] = {}
        for experiment in self.experiments:
            if experiment.step in (None, touch.name) and experiment.name in variants:
                changes |= _changes(experiment, variants[experiment.name])
        channels = changes.get("channels") or touch.step.channels or self.channels
        return touch.step.model_copy(update={**changes, "channels": channels})

    @property
    def used_channels(self) -> tuple[ChannelName, ...]:
        """Those that a message of some step may take, in some variant: the campaign's in its order, then others."""
        used = [channel for touch in self.touches for channel in self._channels_of(touch)]
        return tuple(dict.fromkeys([*(channel for channel in self.channels if channel in used), *used]))

    def _channels_of(self, touch: Touch) -> Iterator[ChannelName]:
        """One experiment at most changes the channels of a step."""
        own = touch.step.channels or self.channels
        for experiment in self.experiments:
            if experiment.step in (None, touch.name) and any(variant.channels for variant in experiment.variants):
                for variant in experiment.variants:
                    yield from variant.channels or own
                return
        yield from own

    @property
    def templates(self) -> Iterator[tuple[Location, str | InlineTemplate]]:
        """The messages of the steps and of their variants, each with its place."""
        for touch in self.touches:
            yield (*touch.location, "template"), touch.step.template
        for number, experiment in enumerate(self.experiments):
            for place, variant in enumerate(experiment.variants):
                if variant.template is not None:
                    yield ("experiments", number, "variants", place, "template"), variant.template

    @property
    def subjects(self) -> Iterator[tuple[Location, str]]:
        """What steps and their variants say instead of a template's subject, each with its place."""
        for touch in self.touches:
            if touch.step.subject is not None:
                yield (*touch.location, "subject"), touch.step.subject
        for number, experiment in enumerate(self.experiments):
            for place, variant in enumerate(experiment.variants):
                if variant.subject is not None:
                    yield ("experiments", number, "variants", place, "subject"), variant.subject

    def with_templates(self, change: Callable[[str | InlineTemplate], str | InlineTemplate]) -> Self:
        """The same definition with other messages: steps' and variants'."""
        steps = with_steps(self.steps, lambda step: step.model_copy(update={"template": change(step.template)}))
        experiments = tuple(
            experiment.model_copy(
                update={
                    "variants": tuple(
                        variant.model_copy(update={"template": variant.template and change(variant.template)})
                        for variant in experiment.variants
                    )
                }
            )
            for experiment in self.experiments
        )
        return self.model_copy(update={"steps": steps, "experiments": experiments})

    @property
    def size(self) -> int:
        """Bytes of its JSON in UTF-8, by which a table measures text too."""
        return len(self.model_dump_json().encode())

    @property
    def stops_on_purchase(self) -> bool:
        return StopOn.PURCHASE in self.stop_on


def _changes(experiment: Experiment, name: str) -> dict[str, Any]:
    variant = next((variant for variant in experiment.variants if variant.name == name), None)
    if variant is None:
        known = ", ".join(experiment.shares)
        raise ValueError(f"experiment {experiment.name} has no variant {name}: expected one of {known}")
    return _timing(variant) | {
        field: value
        for field in ("subject", "template", "offer", "channels")
        if (value := getattr(variant, field)) is not None
    }


def _timing(variant: Variant) -> dict[str, Any]:
    if variant.send_at is None and variant.send_within is None:
        return {}
    return {"send_at": variant.send_at, "send_within": variant.send_within}
