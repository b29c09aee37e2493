"""Gives a function its *now*: the wall clock, the event's own time, or the simulated clock of the local stage."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from winback.instants import format_instant, parse_instant

CLOCK_PK, CLOCK_SK = "clock", "now"


class Clock(Protocol):
    simulated: bool

    def now(self, event: Mapping[str, Any] | None = None) -> datetime:
        """Whole seconds, UTC. `event` is the trigger's event: a scheduled one carries its own time."""
        ...


class SystemClock:
    simulated = False

    def __init__(self, read: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._read = read

    def now(self, event: Mapping[str, Any] | None = None) -> datetime:
        if event is not None and isinstance(event.get("time"), str):
            return parse_instant(event["time"])
        return self._read().replace(microsecond=0)


class TableClock:
    """Reads the item `clock / now` of the campaigns table; the local cloud's driver moves it."""

    simulated = True

    def __init__(self, table: Any, fallback: Clock | None = None) -> None:
        self._table = table
        self._fallback = fallback or SystemClock()

    def now(self, event: Mapping[str, Any] | None = None) -> datetime:
        item = self._table.get_item(Key={"pk": CLOCK_PK, "sk": CLOCK_SK}, ConsistentRead=True).get("Item")
        return parse_instant(item["now"]) if item else self._fallback.now(event)

    def set(self, moment: datetime) -> None:
        self._table.put_item(Item={"pk": CLOCK_PK, "sk": CLOCK_SK, "now": format_instant(moment)})


def clock_of(campaigns_table: Any) -> Clock:
    """By `CLOCK_SOURCE`: `table` in the local stage, else the system's."""
    if os.environ.get("CLOCK_SOURCE", "system") == "table":
        return TableClock(campaigns_table)
    return SystemClock()
