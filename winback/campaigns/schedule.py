"""When the steps of a launch are due: local rules of the account's zone, as UTC instants."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from winback.campaigns.steps import Step


def step_times(steps: Sequence[Step], starts_at: datetime, zone: ZoneInfo) -> list[datetime]:
    """The planned time of each step, in order; none before `starts_at`.

    A step is due `after_days` calendar days after the start, at the start's local time of day, or at the first
    `send_at` from then on. So a step that names 09:00 leaves at nine on the account's clocks on both sides of a change
    to summer time. A local time that the change skips is the moment of the change; of one that occurs twice the
    first counts.
    """
    start = starts_at.astimezone(zone)
    times = []
    for step in steps:
        wall = start.replace(tzinfo=None) + timedelta(days=step.after_days)
        if step.send_at is not None:
            wall = _first_at_or_after(wall, step.send_at)
        elif step.after_days == 0:
            times.append(starts_at.astimezone(UTC))
            continue
        times.append(max(_instant(wall, zone), starts_at.astimezone(UTC)))
    return times


def postponed(times: Sequence[datetime], since: datetime, until: datetime, zone: ZoneInfo) -> list[datetime]:
    """`times` after a pause from `since` to `until`: as they were when none was missed; else those after `since` move
    together by the fewest whole calendar days that bring the first of them to `until` or later. So the waits between
    steps and their local time of day stay, and nobody gets two steps at once.
    """
    missed = [moment for moment in times if since < moment < until]
    if not missed:
        return list(times)
    days = (until - missed[0]).days
    while _moved(missed[0], days, zone) < until:
        days += 1
    return [_moved(moment, days, zone) if moment > since else moment for moment in times]


def latest_time(times: Sequence[datetime], step: int, evaluation_ends_at: datetime) -> datetime:
    """Until when a message of `step` (from 1) may leave: the next step's planned time, or the evaluation's end.

    What a pause, an outage or a small quota held up until then has been overtaken: nobody gets two steps at once.
    """
    following = [moment for moment in times[step:] if moment > times[step - 1]]
    return min([evaluation_ends_at, *following[:1]])


def _first_at_or_after(wall: datetime, send_at: time) -> datetime:
    same_day = datetime.combine(wall.date(), send_at)
    return same_day if same_day >= wall else same_day + timedelta(days=1)


def _moved(moment: datetime, days: int, zone: ZoneInfo) -> datetime:
    return _instant(moment.astimezone(zone).replace(tzinfo=None) + timedelta(days=days), zone)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local time (PEP 495: `fold=0` is the first of two, a gap shows on the way back)."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # Within a gap: fold=0 uses the offset before the change, fold=1 the one after it; the change lies between.
    early, late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), moment
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset():
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)
