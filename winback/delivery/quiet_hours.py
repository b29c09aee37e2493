"""From when on a customer may be contacted: a message that falls in quiet hours is moved to their end, not dropped."""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from winback.accounts import QuietHours, SendWindow

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


def next_allowed(
    moment: datetime,
    zone: ZoneInfo | None,
    quiet: QuietHours,
    *,
    account_zone: ZoneInfo,
    unknown_zone: SendWindow,
) -> datetime:
    """`moment` itself, or the first later instant that is not quiet on the recipient's clocks. UTC.

    Without a `zone` only the account's conservative window `unknown_zone` is open, on the account's clocks. Rules are
    of the clocks, not of hours passed: where they jump over the end of the quiet hours, these end at the jump; where
    they are set back into them, it is quiet again.
    """
    if zone is None:
        return _first(moment, account_zone, unknown_zone.until, unknown_zone.from_)
    return _first(moment, zone, quiet.start, quiet.end)


@lru_cache(maxsize=4096)  # a step's moment is the same for thousands of customers, of few zones
def _first(moment: datetime, zone: ZoneInfo, start: time, end: time) -> datetime:
    """The first instant from `moment` on of which the local time is not within `start` (included) to `end`."""
    if not _covers(start, end, moment.astimezone(zone).time()):
        return moment
    local = moment.astimezone(zone)
    wall = datetime.combine(local.date(), end)
    if wall <= local.replace(tzinfo=None, fold=0):
        wall += _DAY
    at = max(moment.astimezone(UTC), _earliest_of(wall, zone))
    while _covers(start, end, at.astimezone(zone).time()):  # the clocks were set back into the quiet hours
        at += _MINUTE
    return at


def _earliest_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the zone's clocks first show `wall` or, where they skip it, something later."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    early, late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), first
    offset = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def _covers(start: time, end: time, at: time) -> bool:
    if start <= end:
        return start <= at < end
    return at >= start or at < end
