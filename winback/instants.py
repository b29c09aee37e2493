"""Instants are aware UTC datetimes of whole seconds; their text sorts as they do."""

from datetime import UTC, datetime


def parse_instant(text: str) -> datetime:
    """From ISO 8601. A date alone is its midnight UTC; a time without an offset is UTC. Raises ValueError otherwise."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a date or time: expected ISO 8601 such as 2026-11-21T09:30:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).replace(microsecond=0)


def format_instant(moment: datetime) -> str:
    """`2026-11-21T09:30:00Z`. Raises ValueError for a datetime without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
