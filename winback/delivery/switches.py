"""The switches that stop sending: one for everything, one for each account. A person turns them, or our own brakes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class StoppedBy(StrEnum):
    PERSON = "person"
    REPUTATION = "reputation"  # sending stopped by itself


@dataclass(frozen=True)
class Switch:
    """On until somebody stops it."""

    stopped_at: datetime | None = None
    stopped_by: StoppedBy | None = None
    because: str | None = None
    resumed_at: datetime | None = None

    @property
    def stopped(self) -> bool:
        return self.stopped_at is not None
