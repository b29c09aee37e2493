"""What the campaign workflow does next: wait, plan a step, or report."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from winback.campaigns.launch import Launch, LaunchConflict, LaunchState


class Action(StrEnum):
    WAIT = "wait"
    PLAN = "plan"
    REPORT = "report"


LONGEST_WAIT = timedelta(days=1)  # a cancelled launch is noticed after that
LONGEST_PAUSED_WAIT = timedelta(hours=1)  # a resumed launch goes on after that
# After a week of pause it is looked at less often: each look is about ten events, and an execution has 25,000 at most:
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
LONG_PAUSE, LONGEST_LONG_PAUSED_WAIT = timedelta(days=7), timedelta(hours=6)


@dataclass(frozen=True)
class Next:
    """`step` is the one to plan, or the last one when all are planned; `wait` how long to wait at most."""

    action: Action
    step: int
    wait: timedelta = timedelta(0)


def next_action(launch: Launch, steps_planned: int, now: datetime) -> Next:
    """Raises LaunchConflict for a launch that was never started or has failed."""
    step = min(steps_planned + 1, len(launch.steps))
    if launch.state in (LaunchState.CANCELLED, LaunchState.FINISHED):
        return Next(Action.REPORT, step)
    if launch.state not in (LaunchState.RUNNING, LaunchState.PAUSED):
        raise LaunchConflict(f"launch {launch.launch_id} is {launch.state}: expected a started one")
    if launch.state is LaunchState.PAUSED:
        long = launch.paused_at is not None and now - launch.paused_at >= LONG_PAUSE
        return Next(Action.WAIT, step, LONGEST_LONG_PAUSED_WAIT if long else LONGEST_PAUSED_WAIT)
    if launch.chunks == 0:
        return Next(Action.REPORT, step)
    all_planned = steps_planned >= len(launch.steps)
    moment = launch.evaluation_ends_at if all_planned else launch.planned_at(step)
    if now < moment:
        return Next(Action.WAIT, step, min(moment - now, LONGEST_WAIT))
    return Next(Action.REPORT if all_planned else Action.PLAN, step)
