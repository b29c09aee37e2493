"""What the campaign workflow does next: wait, plan a step, ask a branch, hand over, report, stop."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from winback.campaigns.launch import Launch, LaunchConflict, LaunchState
from winback.campaigns.timeline import MoveKind


class Action(StrEnum):
    WAIT = "wait"
    PLAN = "plan"
    EVALUATE = "evaluate"
    CONTINUE = "continue"
    REPORT = "report"
    STOP = "stop"


LONGEST_WAIT = timedelta(days=1)
# Messages leave, and come back, in the days after a step: a launch is looked at more often then, for its guardrails.
WATCHED = ((timedelta(hours=6), timedelta(minutes=5)), (timedelta(days=3), timedelta(hours=1)))

# An execution has 25,000 events and a year at most, and a look is about twelve of them; this leaves half of the events
# for retries: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MOST_LOOKS = 1_000
LONGEST_EXECUTION = timedelta(days=300)


@dataclass(frozen=True)
class Execution:
    """The one that asks: its number, how often it has asked, and since when it runs by the wall clock."""

    continuation: int
    looks: int
    age: timedelta

    @property
    def spent(self) -> bool:
        return self.looks >= MOST_LOOKS or self.age >= LONGEST_EXECUTION


@dataclass(frozen=True)
class Next:
    """`number` of the step to plan, or of the branch to ask; `wait` how long to wait at most."""

    action: Action
    number: int | None = None
    wait: timedelta = timedelta(0)


def next_action(launch: Launch, execution: Execution, now: datetime) -> Next:
    """By the launch as it is stored, its `moves_done` included.

    A launch has one execution that follows it, its `continuation`. One that was succeeded answers `continue`, like one
    that is spent: it makes sure that its successor runs, which has its own name and so runs once. A paused launch needs
    none, for resuming starts another. Raises LaunchConflict for a launch that was never approved.
    """
    if execution.continuation < launch.continuation:
        return Next(Action.CONTINUE)
    match launch.state:
        case LaunchState.DRAFT | LaunchState.AWAITING_APPROVAL:
            raise LaunchConflict(f"launch {launch.launch_id} is {launch.state}: expected an approved one")
        case LaunchState.PAUSED | LaunchState.FINISHED | LaunchState.FAILED:
            return Next(Action.STOP)
        case LaunchState.CANCELLED:
            return Next(Action.REPORT if launch.started_at and launch.reported_at is None else Action.STOP)
    if execution.spent:
        return Next(Action.CONTINUE)
    if launch.state is LaunchState.SCHEDULED:
        return Next(Action.WAIT, wait=min(launch.starts_at - now, LONGEST_WAIT))
    return _of_running(launch, now)


def _of_running(launch: Launch, now: datetime) -> Next:
    if launch.chunks == 0:
        return Next(Action.REPORT)
    moves = launch.moves
    if launch.moves_done >= len(moves):
        if now >= launch.evaluation_ends_at:
            return Next(Action.REPORT)
        return Next(Action.WAIT, wait=min(launch.evaluation_ends_at - now, _longest_wait(launch, now)))
    move = moves[launch.moves_done]
    if now < move.planned_at:
        return Next(Action.WAIT, wait=min(move.planned_at - now, _longest_wait(launch, now)))
    return Next(Action.PLAN if move.kind is MoveKind.PLAN else Action.EVALUATE, move.number)


def _longest_wait(launch: Launch, now: datetime) -> timedelta:
    planned = [move.planned_at for move in launch.moves[: launch.moves_done] if move.kind is MoveKind.PLAN]
    since = now - max(planned) if planned else LONGEST_WAIT * 365
    return next((wait for within, wait in WATCHED if since < within), LONGEST_WAIT)
