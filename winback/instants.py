"""Instants are aware UTC datetimes of whole seconds; their text sorts as they do."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import available_timezones

EARLIEST, AFTER_LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2201, 1, 1, tzinfo=UTC)
NOT_AN_INSTANT = "is not a date or time: expected ISO 8601 such as 2026-11-21T09:30:00Z"


@cache
def time_zone_names() -> frozenset[str]:
    """Names of the IANA time zones, such as Europe/Berlin; read from some 600 files, so once a process."""
    return frozenset(available_timezones())


def parse_instant(text: str) -> datetime:
    """From ISO 8601. A date alone is its midnight UTC; a time without an offset is UTC.

    Raises ValueError otherwise, and for years before 1970 or after 2200; its message does not repeat the text.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(NOT_AN_INSTANT) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # Compared before it is converted: the first and the last hours that Python knows have no UTC in some zones.
    if not EARLIEST <= moment < AFTER_LATEST:
        raise ValueError("is out of range: expected a year from 1970 to 2200")
    return moment.astimezone(UTC).replace(microsecond=0)


def format_instant(moment: datetime) -> str:
    """`2026-11-21T09:30:00Z`. Raises ValueError for a datetime without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    # strftime writes the years before 1000 without their zeros.
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
