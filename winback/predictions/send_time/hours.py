"""The 168 hours of a local week, and how a zone's clocks run."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS, HOURS_A_DAY = 7, 24
HOURS = DAYS * HOURS_A_DAY

_STEP = timedelta(days=7)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class OffsetSpan:
    """From `since` until `until` (excluded, both UTC) the zone's clocks are `offset` ahead of UTC."""

    since: datetime
    until: datetime
    offset: timedelta


def hour_of_week(moment: datetime, zone: ZoneInfo) -> int:
    """0 from Monday 00:00 to 01:00 on the zone's clocks, 167 from Sunday 23:00. Raises ValueError without a zone."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    local = moment.astimezone(zone)
    return local.weekday() * HOURS_A_DAY + local.hour


def offset_spans(zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[OffsetSpan]:
    """The spans of one offset each between two UTC instants, in order and without gaps, to the second.

    SQL joins them to turn instants into local hours, by the very rules of zoneinfo. Two changes within a week that
    cancel each other out would be missed; the clocks of no zone did that since 1970 but Morocco's around Ramadan, whose
    changes lie weeks apart.
    """
    start, here = since, since
    while here < until:
        ahead = min(here + _STEP, until)
        offset = _offset(start, zone)
        if _offset(ahead, zone) != offset:
            change = _change(here, ahead, zone)
            yield OffsetSpan(start, change, offset)
            start = here = change
        else:
            here = ahead
    if start < until:
        yield OffsetSpan(start, until, _offset(start, zone))


def _change(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """The first second, between two instants of different offsets, that has no longer the early one's."""
    offset = _offset(early, zone)
    while late - early > _SECOND:
        middle = early + timedelta(seconds=(late - early) // _SECOND // 2)
        early, late = (middle, late) if _offset(middle, zone) == offset else (early, middle)
    return late


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def next_local_hour(moment: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at or after `moment`, in UTC, at which a full hour begins on the zone's clocks."""
    here = moment.astimezone(UTC)
    for _ in range(4):  # a change of the clocks by part of an hour, such as Lord Howe's, lands beside the hour
        local = here.astimezone(zone)
        past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        if not past:
            return here
        here += timedelta(hours=1) - past
    return here
