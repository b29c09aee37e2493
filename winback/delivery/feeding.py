"""Feeds the sender: releases due rows, shard by shard in turns, as far as the minute's quota goes. Ports in, no AWS."""

import math
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from winback.delivery.release import MESSAGE_ROWS, DueEntry, Release, message_bounds
from winback.identifiers import AccountId, LaunchId

TURN_ROWS = 10 * MESSAGE_ROWS  # one batch of ten messages, the most that SQS takes in a call
_SHORT_OF_TIME = 5.0  # seconds
_LATEST_DELAY = 59  # the next minute releases anew


class Permit(StrEnum):
    """What a launch's state means for its due rows."""

    SEND = "send"
    WAIT = "wait"
    DROP = "drop"


@dataclass(frozen=True)
class SendQuota:
    """The provider's limits: e-mails a second, and what is left of the rolling 24 hours (None: unlimited)."""

    per_second: float
    left_today: int | None

    @property
    def per_minute(self) -> int:
        return math.floor(self.per_second * 60)


class DuePort(Protocol):
    def due(self, now: datetime, shard: int) -> Iterator[DueEntry]: ...

    def advance(self, entry: DueEntry, next_row: int) -> DueEntry | None: ...

    def delete(self, entry: DueEntry) -> bool: ...


class QuotaPort(Protocol):
    def take(self, wanted: int) -> int:
        """How many of the wanted e-mails this minute still allows; they count as released."""
        ...


@dataclass(frozen=True)
class Feeding:
    due: DuePort
    quota: QuotaPort
    release: Callable[[Sequence[tuple[Release, int]]], None]  # into the queue, each after some seconds
    per_second: float  # the provider's rate: releases are spread over the minute
    permit: Callable[[AccountId, LaunchId], Permit]
    seconds_left: Callable[[], float]

    def feed(self, now: datetime, shards: Sequence[int]) -> Counter[str]:
        """Rows by what was done with them: released, waiting (paused), dropped (cancelled).

        A shard's turn releases at most `TURN_ROWS`, so no launch holds up the others. Entries advance only after
        their rows are in the queue: killed in between, rows are released twice, which the claim makes harmless.
        """
        done: Counter[str] = Counter()
        permits: dict[tuple[AccountId, LaunchId], Permit] = {}
        turns = deque(_Shard(self.due.due(now, shard)) for shard in shards)
        while turns and self.seconds_left() > _SHORT_OF_TIME:
            shard = turns.popleft()
            entry = shard.take()
            if entry is None:
                continue
            turns.append(shard)
            launch = (entry.account_id, entry.launch_id)
            if launch not in permits:
                permits[launch] = self.permit(*launch)
            match permits[launch]:
                case Permit.WAIT:
                    done["waiting"] += entry.to_row - entry.from_row
                case Permit.DROP:
                    self.due.delete(entry)
                    done["dropped"] += entry.to_row - entry.from_row
                case Permit.SEND:
                    granted = self.quota.take(min(entry.to_row - entry.from_row, TURN_ROWS))
                    if granted == 0:
                        break
                    until = entry.from_row + granted
                    self.release(
                        [
                            (Release.of(entry, start, end), self._delay(done["released"] + start - entry.from_row))
                            for start, end in message_bounds(entry.from_row, until, self._message_rows)
                        ]
                    )
                    done["released"] += granted
                    shard.rest = self.due.advance(entry, until)
        return done

    @property
    def _message_rows(self) -> int:
        """One message is at most one second's worth."""
        return max(1, min(MESSAGE_ROWS, math.floor(self.per_second)))

    def _delay(self, rows_before: int) -> int:
        """Seconds after which the rate has room for the rows that come after these."""
        return min(math.floor(rows_before / self.per_second), _LATEST_DELAY) if self.per_second > 0 else 0


class _Shard:
    """A shard's entries in order of time; `rest` is what is left of the one that was begun."""

    def __init__(self, entries: Iterator[DueEntry]) -> None:
        self._entries = entries
        self.rest: DueEntry | None = None

    def take(self) -> DueEntry | None:
        entry, self.rest = self.rest or next(self._entries, None), None
        return entry
