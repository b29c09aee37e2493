"""When something is due by the local rules of the account's zone, as UTC instants."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


def first_moment(
    starts_at: datetime,
    after_days: int,
    zone: ZoneInfo,
    *,
    opening: time | None = None,
    weekdays: Collection[int] = (),
    later_than: datetime | None = None,
) -> datetime:
    """The first moment `after_days` calendar days after the start or later; never before `starts_at`.

    At the start's local time of day, or at `opening` (on the first day only if that is yet to come, else on the next);
    on one of the weekdays (Monday is 0), if any are given; after `later_than`. So what names 09:00 is due at nine on
    the account's clocks on both sides of a change to summer time. A local time that the change skips is the moment of
    the change; of one that occurs twice the first counts.
    """
    start = starts_at.astimezone(zone).replace(tzinfo=None)
    wall = start + after_days * _DAY
    if opening is not None:
        same_day = datetime.combine(wall.date(), opening)
        wall = same_day if same_day >= start else same_day + _DAY
    while True:
        if not weekdays or wall.weekday() in weekdays:
            moment = starts_at.astimezone(UTC)
            if wall != start or opening is not None:
                moment = max(_instant(wall, zone), moment)
            if later_than is None or moment > later_than:
                return moment
        wall += _DAY


def next_opening(opening: time, not_before: datetime, zone: ZoneInfo, weekdays: Collection[int] = ()) -> datetime:
    """The first moment at `opening` local time, `not_before` or later, on one of the weekdays if any are given."""
    day = not_before.astimezone(zone).date()
    while True:
        if not weekdays or day.weekday() in weekdays:
            moment = _instant(datetime.combine(day, opening), zone)
            if moment >= not_before:
                return moment
        day += _DAY


def postponed(
    times: Sequence[datetime], since: datetime, until: datetime, zone: ZoneInfo, *, whole_weeks: bool = False
) -> list[datetime]:
    """`times`, in order, after a pause from `since` to `until`: as they were when none was missed; else those after
    `since` move together by the fewest whole calendar days (weeks, where weekdays are to stay) that bring the first of
    them to `until` or later. So the waits between steps and their local time of day stay, and nobody gets two steps at
    once.
    """
    missed = [moment for moment in times if since < moment < until]
    if not missed:
        return list(times)
    unit = 7 if whole_weeks else 1
    days = -(-(until - missed[0]).days // unit) * unit
    while _moved(missed[0], days, zone) < until:
        days += unit
    return [_moved(moment, days, zone) if moment > since else moment for moment in times]


def _moved(moment: datetime, days: int, zone: ZoneInfo) -> datetime:
    return _instant(moment.astimezone(zone).replace(tzinfo=None) + days * _DAY, zone)


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
