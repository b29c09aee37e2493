"""What must fit together across a definition's parts: each problem with the place where it lies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from winback.campaigns.policies import Experiment, OfferPolicy, StopOn
from winback.campaigns.steps import (
    MAX_BRANCHES,
    MAX_STEPS,
    Branch,
    BranchOn,
    BranchPoint,
    Location,
    Step,
    Touch,
)

Problem = tuple[Location, str]
"""Where, and what is wrong: what would be right (after a colon)."""


@dataclass(frozen=True)
class _Day:
    """The latest day of a node, and what it is called in a message."""

    day: int
    name: str
    is_step: bool


def last_day(step: Step) -> int:
    """The last day, counted from the launch's start, on which a message of the step may leave by itself."""
    return step.after_days + (6 if step.on else 0) + _more_days(step)


def _more_days(step: Step) -> int:
    """Days after the first on which the best hour may lie."""
    return step.send_within.days - 1 if step.send_within is not None else 0


def sequence_problems(
    nodes: Sequence[Step | Branch], touches: Sequence[Touch], points: Sequence[BranchPoint]
) -> Iterator[Problem]:
    """Of the steps among themselves: how many, their names, their order in time, what branches ask about."""
    if not 1 <= len(touches) <= MAX_STEPS:
        yield ("steps",), f"there are {len(touches)} steps: expected 1 to {MAX_STEPS}"
    if len(points) > MAX_BRANCHES:
        yield ("steps",), f"there are {len(points)} branches: expected at most {MAX_BRANCHES}"
    names = [touch.name for touch in touches]
    for touch in touches:
        if names.index(touch.name) != touch.number - 1:
            yield (*touch.location, "name"), f"another step is called {touch.name}: expected a name of its own"
    for point in points:
        if point.branch.branch.on is BranchOn.ENGAGED and point.step is None:
            asked = point.branch.branch.step
            problem = f"asks about {asked}, which is no step before it" if asked else "asks about a step before it"
            yield (
                (*point.location, "branch", "step"),
                f"{problem}: expected the name of a step on the way to this branch",
            )
    yield from _out_of_order(nodes, ("steps",), None, _names(touches))


def _names(touches: Sequence[Touch]) -> dict[Location, str]:
    return {touch.location: touch.name for touch in touches}


def _out_of_order(
    nodes: Sequence[Step | Branch], location: Location, before: _Day | None, names: dict[Location, str]
) -> Iterator[Problem]:
    for place, node in enumerate(nodes):
        here = (*location, place)
        if before is not None and (node.after_days < before.day or (before.is_step and node.after_days == before.day)):
            wanted = f"more than {before.day}" if before.is_step else f"at least {before.day}"
            yield (
                (*here, "after_days"),
                f"is {node.after_days}, and {before.name} before it lies on day {before.day}: expected {wanted}",
            )
        if isinstance(node, Step):
            before = _Day(node.after_days + _more_days(node), names[here], is_step=True)
            continue
        here_day = _Day(node.after_days, "the branch", is_step=False)
        ends = [here_day]
        for way, inner in (("then", node.then), ("otherwise", node.otherwise)):
            yield from _out_of_order(inner, (*here, way), here_day, names)
            ends.append(_end(inner, (*here, way), here_day, names))
        before = max(ends, key=lambda day: (day.day, day.is_step))


def _end(nodes: Sequence[Step | Branch], location: Location, before: _Day, names: dict[Location, str]) -> _Day:
    """The last of a list's days."""
    for place, node in enumerate(nodes):
        here = (*location, place)
        if isinstance(node, Step):
            found = [_Day(node.after_days + _more_days(node), names[here], is_step=True)]
        else:
            inside = _Day(node.after_days, "the branch", is_step=False)
            ways = (("then", node.then), ("otherwise", node.otherwise))
            found = [inside, *(_end(inner, (*here, way), inside, names) for way, inner in ways)]
        before = max([before, *found], key=lambda day: (day.day, day.is_step))
    return before


def rule_problems(
    touches: Sequence[Touch], points: Sequence[BranchPoint], stop_on: Sequence[StopOn], evaluation_days: int
) -> Iterator[Problem]:
    """Of the steps against the rules of the whole campaign."""
    latest = max((last_day(touch.step) for touch in touches), default=0)
    if evaluation_days <= latest + 1:
        problem = f"is {evaluation_days}, but the last step may leave on day {latest + 1}"
        yield ("evaluation_days",), f"{problem}: expected at least {latest + 2}"
    stopped = {BranchOn.CONVERTED: StopOn.PURCHASE, BranchOn.ENGAGED: StopOn.ENGAGED}
    for point in points:
        reason = stopped.get(point.branch.branch.on)
        if reason in stop_on and point.branch.then:
            yield (
                (*point.location, "then"),
                f"would reach nobody, for stop_on has {reason}: expected steps in otherwise, or stop_on without it",
            )


def offer_problems(
    touches: Sequence[Touch], experiments: Sequence[Experiment], offers: OfferPolicy | None
) -> Iterator[Problem]:
    carriers: list[Location] = [(*touch.location, "offer") for touch in touches if touch.step.offer]
    for number, experiment in enumerate(experiments):
        for place, variant in enumerate(experiment.variants):
            if variant.offer:
                carriers.append(("experiments", number, "variants", place, "offer"))
    if offers is None:
        for carrier in carriers:
            yield carrier, "is true, and the campaign has no offers: expected a policy in `offers`"
    elif not carriers:
        yield ("offers",), "are carried by no step: expected `offer: true` at the step that carries the offer"


def experiment_problems(touches: Sequence[Touch], experiments: Sequence[Experiment]) -> Iterator[Problem]:
    """Two experiments may not change the same thing of the same step, for one would hide the other."""
    names = [touch.name for touch in touches]
    taken: dict[tuple[str, str], str] = {}
    for number, experiment in enumerate(experiments):
        here: Location = ("experiments", number)
        if experiment.name in [earlier.name for earlier in experiments[:number]]:
            yield (*here, "name"), f"another experiment is called {experiment.name}: expected a name of its own"
        if experiment.step is not None and experiment.step not in names:
            known = ", ".join(names)
            yield (*here, "step"), f"{experiment.step} is no step: expected one of {known}"
        for changed in _changed(experiment):
            for step in [experiment.step] if experiment.step else names:
                other = taken.setdefault((step, changed), experiment.name)
                if other != experiment.name:
                    yield (
                        here,
                        f"changes {changed} of {step}, as {other} does: expected one of them to leave it alone",
                    )
                    break


def _changed(experiment: Experiment) -> list[str]:
    found = []
    for variant in experiment.variants:
        if variant.subject is not None or variant.template is not None:
            found.append("the message")
        if variant.send_at is not None or variant.send_within is not None:
            found.append("the time")
        if variant.channels is not None:
            found.append("the channels")
        if variant.offer is not None:
            found.append("the offer")
    return list(dict.fromkeys(found))
