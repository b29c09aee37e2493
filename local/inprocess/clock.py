"""A clock that moves when it is told to: the campaigns' time and the processes' own, which are one here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass
class SimulatedClock:
    moment: datetime
    simulated = True

    def now(self, event: Mapping[str, Any] | None = None) -> datetime:  # noqa: ARG002
        return self.moment.replace(microsecond=0)

    def wall(self) -> datetime:
        return self.moment

    def pass_by(self, time: timedelta | float) -> None:
        """By some seconds, or a span."""
        self.moment += time if isinstance(time, timedelta) else timedelta(seconds=time)

    def seconds_until(self, moment: datetime) -> float:
        return (moment - self.moment).total_seconds()

    def move_to(self, moment: datetime) -> None:
        """Never back."""
        self.moment = max(self.moment, moment)
