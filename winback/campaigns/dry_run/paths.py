"""Which share of the customers goes which way at a branch: known, measured by earlier launches, or assumed.

A dry run plans every step for everybody whom it may concern: nobody knows yet who will open a message or buy. Its
counts of steps behind a branch are therefore the most that can happen, and the expected number is a share of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from winback.campaigns.launch import Launch
from winback.campaigns.steps import BranchOn, BranchPoint, Conditions
from winback.experiments.statistics import Proportion, wilson_interval
from winback.instants import format_instant
from winback.slices.lifts import LaunchLift

# No launch of the account has told yet: ours, and no promise. Wide on purpose.
ASSUMED_ENGAGED = (0.20, 0.05, 0.50)


class Share(BaseModel):
    """Of those on a branch's path, who goes `then`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    estimate: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    basis: Literal["known", "measured", "assumed"]
    launches: int = Field(default=0, description="that measured it")

    def of(self, way: str) -> "Share":
        """The share of those who go that way."""
        if way == "then":
            return self
        turned = {"estimate": 1 - self.estimate, "low": 1 - self.high, "high": 1 - self.low}
        return self.model_copy(update=turned)


def branch_shares(
    launch: Launch, segments: Mapping[str, int], untreated_rate: float, lifts: Sequence[LaunchLift]
) -> dict[int, Share]:
    """By the branch's number. `segments`: treated customers by segment; `untreated_rate`: who purchases anyway within
    the evaluation window."""
    return {
        point.number: _share(point, _elapsed(launch, point), segments, untreated_rate, lifts)
        for point in launch.definition.branches
    }


def on_path(conditions: Conditions, shares: Mapping[int, Share]) -> Share:
    """The share of all treated customers that a step behind these branches concerns; all of them behind none."""
    estimate = low = high = 1.0
    bases, launches = set(), 0
    for number, way in conditions:
        share = shares[number].of(way)
        estimate, low, high = estimate * share.estimate, low * share.low, high * share.high
        bases.add(share.basis)
        launches = max(launches, share.launches)
    basis = next((each for each in ("assumed", "measured") if each in bases), "known")
    return Share(estimate=estimate, low=low, high=high, basis=basis, launches=launches)


def described(launch: Launch, shares: Mapping[int, Share]) -> list[dict[str, Any]]:
    """The branches as the dry run shows them."""
    planned = {branch.branch: branch.planned_at for branch in launch.branches}
    return [
        {
            "branch": point.number,
            "on": point.branch.branch.on.value,
            "step": point.step,
            "segments": [segment.value for segment in point.branch.branch.segments],
            "planned_at": _instant(planned.get(point.number)),
            "then": shares[point.number].model_dump(mode="json"),
        }
        for point in launch.definition.branches
    ]


def _share(
    point: BranchPoint,
    elapsed: float,
    segments: Mapping[str, int],
    untreated_rate: float,
    lifts: Iterable[LaunchLift],
) -> Share:
    question = point.branch.branch
    match question.on:
        case BranchOn.SEGMENT:
            total = sum(segments.values())
            named = sum(segments.get(segment.value, 0) for segment in question.segments)
            share = named / total if total else 0.0
            return Share(estimate=share, low=share, high=share, basis="known")
        case BranchOn.CONVERTED:
            expected = min(1.0, untreated_rate * elapsed)
            return Share(estimate=expected, low=0.0, high=min(1.0, 3 * expected), basis="assumed")
        case _:
            return _engaged(lifts)


def _engaged(lifts: Iterable[LaunchLift]) -> Share:
    """Of those who got a message: opened or clicked, not by machine. The range spans what single launches showed."""
    known = [(lift.engaged, lift.handed_over) for lift in lifts if lift.engaged is not None and lift.handed_over]
    if not known:
        estimate, low, high = ASSUMED_ENGAGED
        return Share(estimate=estimate, low=low, high=high, basis="assumed")
    engaged, sends = sum(each for each, _ in known), sum(each for _, each in known)
    bounds = [wilson_interval(Proportion(*each)) for each in known]
    return Share(
        estimate=engaged / sends,
        low=min(low for low, _ in bounds),
        high=max(high for _, high in bounds),
        basis="measured",
        launches=len(known),
    )


def _elapsed(launch: Launch, point: BranchPoint) -> float:
    """The part of the evaluation window that is over when the branch is asked."""
    return min(1.0, point.branch.after_days / launch.definition.evaluation_days)


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)
