"""When each step of a sequence is planned and each branch asked, along every path through it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.schedule import first_moment, next_opening
from winback.campaigns.steps import Branch, Conditions, Location, Step, Timing, Touch

_JUST_BEFORE = timedelta(seconds=1)
_DAY = timedelta(days=1)


class MoveKind(StrEnum):
    EVALUATE = "evaluate"
    PLAN = "plan"


@dataclass(frozen=True)
class Move:
    """One thing that the campaign workflow does: asks branch `number`, or plans step `number`."""

    kind: MoveKind
    number: int
    planned_at: datetime


@dataclass(frozen=True)
class Timeline:
    """Moments by number: `steps[0]` is of step 1, `branches[0]` of branch 1."""

    steps: tuple[datetime, ...]
    branches: tuple[datetime, ...]


def timeline(definition: CampaignDefinition, starts_at: datetime, zone: ZoneInfo) -> Timeline:
    """The planned times of a launch that starts then.

    Along a path time only goes forward: what its weekday or its time of day would bring before, or together with, the
    last messages of the step before it moves on to its next possible day. A step whose variants have times of their own
    is planned at the first of them.
    """
    walk = _Walk(definition, starts_at, zone)
    walk.follow(definition.steps, ("steps",), None)
    return Timeline(
        tuple(walk.times[touch.location] for touch in definition.touches),
        tuple(walk.times[point.location] for point in definition.branches),
    )


def moves(steps: Sequence[datetime], branches: Sequence[datetime]) -> list[Move]:
    """In the order in which they are made; a branch before the steps of the same moment."""
    found = [Move(MoveKind.PLAN, number, moment) for number, moment in enumerate(steps, start=1)]
    found += [Move(MoveKind.EVALUATE, number, moment) for number, moment in enumerate(branches, start=1)]
    return sorted(found, key=lambda move: (move.planned_at, move.kind is MoveKind.PLAN, move.number))


def leaves_at(step: Step, planned_at: datetime, zone: ZoneInfo) -> datetime:
    """When a message of the step (of one variant of it) leaves at the earliest, if it was planned for `planned_at`."""
    opening = _opening(step)
    if opening is None:
        return planned_at
    return next_opening(opening, planned_at, zone, _weekdays(step))


def can_meet(one: Conditions, other: Conditions) -> bool:
    """Whether a customer can come to both places: they lie on no different ways of one branch."""
    ways = dict(one)
    return all(ways.get(branch, way) == way for branch, way in other)


def latest_time(
    definition: CampaignDefinition, times: Sequence[datetime], step: int, evaluation_ends_at: datetime
) -> datetime:
    """Until when a message of `step` (from 1) may leave: until a day before the next step that its reader can get, or
    the end; what leaves in its own time, which quiet hours may move by a day, until that step itself.

    What a pause, an outage or a small quota held up until then has been overtaken: nobody gets two steps at once.
    """
    touches = definition.touches
    mine, planned_at = touches[step - 1], times[step - 1]
    following = [
        moment
        for touch, moment in zip(touches, times, strict=True)
        if moment > planned_at and can_meet(mine.conditions, touch.conditions)
    ]
    if not following:
        return evaluation_ends_at
    in_its_time = planned_at + _days_of_leaving(mine.step, timings(definition, mine)) * _DAY + _DAY
    return min(evaluation_ends_at, max(min(following) - _DAY, min(*following, in_its_time)))


def _days_of_leaving(step: Step, timings: Sequence[Timing]) -> int:
    """Within how many days from its planned time on the messages of a step leave by themselves, at most: a variant's
    own time may be over when the first one is planned, and its next weekday a week away."""
    days = max(timing.send_within.days if timing.send_within is not None else 1 for timing in timings)
    return days + (0 if len(timings) == 1 else 7 if step.on else 1)


def timings(definition: CampaignDefinition, touch: Touch) -> list[Timing]:
    """The step's own, and those that some variants give it."""
    experiments = [experiment for experiment in definition.experiments if experiment.step in (None, touch.name)]
    variants = [variant for experiment in experiments for variant in experiment.variants]
    return [touch.step, *(variant for variant in variants if _opening(variant) is not None)]


@dataclass
class _Walk:
    definition: CampaignDefinition
    starts_at: datetime
    zone: ZoneInfo
    times: dict[Location, datetime] = field(default_factory=dict)

    def follow(
        self, nodes: Sequence[Step | Branch], location: Location, later_than: datetime | None
    ) -> datetime | None:
        """Notes the moments of the nodes and of what lies within them; returns what comes after them is later than."""
        for place, node in enumerate(nodes):
            here = (*location, place)
            if isinstance(node, Step):
                planned = self.times[here] = self._step(node, here, later_than)
                later_than = max(self._last(node, timing, planned) for timing in self._timings(here))
                continue
            asked = first_moment(self.starts_at, node.after_days, self.zone, later_than=later_than)
            self.times[here] = asked
            before = asked - _JUST_BEFORE
            ends = [self.follow(node.then, (*here, "then"), before)]
            ends.append(self.follow(node.otherwise, (*here, "otherwise"), before))
            later_than = max(end for end in ends if end is not None)
        return later_than

    def _step(self, step: Step, location: Location, later_than: datetime | None) -> datetime:
        openings = {_opening(timing) for timing in self._timings(location)}
        return min(
            first_moment(
                self.starts_at,
                step.after_days,
                self.zone,
                opening=opening,
                weekdays=_weekdays(step),
                later_than=later_than,
            )
            for opening in openings
        )

    def _last(self, step: Step, timing: Timing, planned: datetime) -> datetime:
        """When the last messages with this timing leave by themselves."""
        opening = _opening(timing)
        if opening is None:
            return planned
        opens = next_opening(opening, planned, self.zone, _weekdays(step))
        if timing.send_within is None:
            return opens
        last_day = opens.astimezone(self.zone).date() + timedelta(days=timing.send_within.days - 1)
        midnight = datetime.combine(last_day, time(0), tzinfo=self.zone).astimezone(UTC)
        return max(opens, next_opening(timing.send_within.until, midnight, self.zone) - _JUST_BEFORE)

    def _timings(self, location: Location) -> list[Timing]:
        return timings(self.definition, next(t for t in self.definition.touches if t.location == location))


def _opening(timing: Timing) -> time | None:
    return timing.send_within.start if timing.send_within is not None else timing.send_at


def _weekdays(step: Step) -> frozenset[int]:
    return frozenset(day.number for day in step.on)
