"""Feeds the sender: what is due goes into the queue as far as the minute's quota goes, shared fairly. Ports in, no AWS.

A minute's rows are shared out among the accounts that have any, and each account's among its launches, so that the
smallest wish is met first and nobody waits for a large launch of somebody else to be over.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Protocol, TypeVar

from winback.delivery.release import MESSAGE_ROWS, DueEntry, Release, message_bounds
from winback.identifiers import AccountId, LaunchId

HORIZON = 4_000
"""Due entries of one account that a run considers: even of small parts of chunks, more rows than leave in a minute.
Reading goes on behind them, so that neither a large account nor what is paused hides the others."""
MOST_READ = 50_000
"""Due entries of a shard that a run reads, about ten megabytes."""
_SHORT_OF_TIME = 5.0  # seconds
_ENOUGH_READ = 30.0  # seconds that are left for releasing
_LATEST_DELAY = 59  # the next minute releases anew
K = TypeVar("K", bound=Hashable)


class Permit(StrEnum):
    """What the state of a launch, and the switches, mean for due rows."""

    SEND = "send"
    WAIT = "wait"
    DROP = "drop"


@dataclass(frozen=True)
class SendQuota:
    """The provider's limits: messages a second, and what is left of the rolling 24 hours (None: unlimited)."""

    per_second: float
    left_today: int | None = None

    @property
    def per_minute(self) -> int:
        return math.floor(self.per_second * 60)


class DuePort(Protocol):
    def due(self, now: datetime, shard: int, channel: str) -> Iterator[DueEntry]: ...

    def advance(self, entry: DueEntry, next_row: int) -> DueEntry | None: ...

    def delete(self, entry: DueEntry) -> bool: ...


class QuotaPort(Protocol):
    @property
    def per_second(self) -> float:
        """The provider's rate: releases are spread over the minute."""
        ...

    def take(self, wanted: int) -> int:
        """How many of the wanted messages this minute still allows; they count as released."""
        ...


class AllowancePort(Protocol):
    """What an account may release in this run beyond what the provider's quota says."""

    def of(self, account_id: AccountId) -> int | None:
        """At most so many rows; None: as many as there is room for."""
        ...

    def take(self, account_id: AccountId, wanted: int) -> int:
        """How many of the wanted rows are still allowed; they count as released."""
        ...


@dataclass(frozen=True)
class Feeding:
    """Of one channel. `turn`: rises from run to run, so that what is left over by sharing goes to another each time."""

    channel: str
    due: DuePort
    quota: QuotaPort
    allowance: AllowancePort
    release: Callable[[Sequence[tuple[Release, int]]], None]  # into the queue, each after some seconds
    permit: Callable[[AccountId, LaunchId], Permit]
    seconds_left: Callable[[], float]
    turn: int = 0

    def feed(self, now: datetime, shards: Sequence[int]) -> Counter[str]:
        """Rows by what was done with them: released, waiting (paused, stopped), dropped (the launch is over).

        Entries advance only after their rows are in the queue: killed in between, rows are released twice, which the
        claim makes harmless.
        """
        done: Counter[str] = Counter()
        ready = self._ready(now, shards, done)
        allotted = self._allot(ready) if ready else []
        for entry, messages in spread(allotted, self.quota.per_second) if allotted else ():
            if self.seconds_left() <= _SHORT_OF_TIME:
                break
            self.release(messages)
            until = messages[-1][0].to_row
            self.due.advance(entry, until)
            done["released"] += until - entry.from_row
        return done

    def probe(self, now: datetime, shards: Sequence[int]) -> Counter[str]:
        """One message alone, to a provider that may be back: its sender goes on from row to row while it is."""
        done: Counter[str] = Counter()
        for entry in self._ready(now, shards, done):
            limit = self.allowance.of(entry.account_id)
            rows = self.quota.take(min(entry.rows, MESSAGE_ROWS, entry.rows if limit is None else limit))
            if rows and limit is not None:
                rows = self.allowance.take(entry.account_id, rows)
            if rows:
                until = entry.from_row + rows
                self.release([(Release.of(entry, entry.from_row, until, probe=True), 0)])
                self.due.advance(entry, until)
                done["released"] += rows
                break
        return done

    def has_ready(self, now: datetime, shards: Sequence[int]) -> bool:
        return bool(self._ready(now, shards, Counter()))

    def _ready(self, now: datetime, shards: Sequence[int], done: Counter[str]) -> list[DueEntry]:
        """Entries that may leave now, the oldest first."""
        permits: dict[tuple[AccountId, LaunchId], Permit] = {}
        ready, considered = [], Counter[AccountId]()
        for shard in shards:
            if self.seconds_left() <= _ENOUGH_READ:
                break
            for entry in islice(self.due.due(now, shard, self.channel), MOST_READ):
                launch = (entry.account_id, entry.launch_id)
                if launch not in permits:
                    permits[launch] = self.permit(*launch)
                match permits[launch]:
                    case Permit.WAIT:
                        done["waiting"] += entry.rows
                    case Permit.DROP:
                        self.due.delete(entry)
                        done["dropped"] += entry.rows
                    case Permit.SEND if considered[entry.account_id] < HORIZON:
                        considered[entry.account_id] += 1
                        ready.append(entry)
                    case Permit.SEND:
                        done["later"] += entry.rows
        return sorted(ready, key=lambda entry: (entry.send_at, entry.key, entry.from_row))

    def _allot(self, ready: Sequence[DueEntry]) -> list[tuple[DueEntry, int]]:
        """How many rows of which entry leave: what quota and allowances grant, fairly shared."""
        wanted = Counter[AccountId]()
        for entry in ready:
            wanted[entry.account_id] += entry.rows
        limits = {account: self.allowance.of(account) for account in wanted}
        for account, limit in limits.items():
            if limit is not None:
                wanted[account] = min(wanted[account], limit)
        total = wanted.total()
        granted = self.quota.take(total) if total else 0
        shares = fair_shares(wanted, granted, self.turn)
        for account, share in shares.items():
            if limits[account] is not None and share:
                shares[account] = self.allowance.take(account, share)
        return allot(ready, shares, self.turn)


def fair_shares(wanted: Mapping[K, int], total: int, turn: int = 0) -> dict[K, int]:
    """`total` shared out, whole, so that nobody could get more without somebody who has no more getting less (max-min
    fairness). What does not divide goes to one each, begun with another at each `turn`."""
    shares = dict.fromkeys(wanted, 0)
    open_wishes = sorted((wish, place) for place, wish in enumerate(wanted.values()) if wish > 0)
    names, left = list(wanted), min(total, sum(wanted.values()))
    for served, (wish, place) in enumerate(open_wishes):
        level = left // (len(open_wishes) - served)
        if wish > level:
            rest = [names[place] for _, place in open_wishes[served:]]
            over = left - level * len(rest)
            first = turn % len(rest)
            for number, name in enumerate(rest[first:] + rest[:first]):
                shares[name] = level + (1 if number < over else 0)
            break
        shares[names[place]] = wish
        left -= wish
    return shares


def allot(ready: Sequence[DueEntry], shares: Mapping[AccountId, int], turn: int = 0) -> list[tuple[DueEntry, int]]:
    """Each account's share among its launches, each launch's among its entries in their order."""
    by_launch: dict[AccountId, dict[LaunchId, list[DueEntry]]] = defaultdict(lambda: defaultdict(list))
    for entry in ready:
        by_launch[entry.account_id][entry.launch_id].append(entry)
    allotted = []
    for account, launches in by_launch.items():
        wanted = {launch: sum(entry.rows for entry in entries) for launch, entries in launches.items()}
        for launch, share in fair_shares(wanted, shares.get(account, 0), turn).items():
            left = share
            for entry in launches[launch]:
                rows = min(entry.rows, left)
                if rows == 0:
                    break
                allotted.append((entry, rows))
                left -= rows
    return allotted


def spread(
    allotted: Sequence[tuple[DueEntry, int]], per_second: float
) -> list[tuple[DueEntry, list[tuple[Release, int]]]]:
    """Each entry's messages with the seconds after which the rate has room for them; launches take turns.

    One message is at most one second's worth.
    """
    size = max(1, min(MESSAGE_ROWS, math.floor(per_second)))
    queues: dict[LaunchId, list[tuple[int, Release]]] = defaultdict(list)
    for place, (entry, rows) in enumerate(allotted):
        for start, end in message_bounds(entry.from_row, entry.from_row + rows, size):
            queues[entry.launch_id].append((place, Release.of(entry, start, end)))
    messages: list[list[tuple[Release, int]]] = [[] for _ in allotted]
    before, number = 0, 0
    while any(number < len(queue) for queue in queues.values()):
        for queue in queues.values():
            if number < len(queue):
                place, release = queue[number]
                delay = math.floor(before / per_second) if per_second > 0 else 0
                messages[place].append((release, min(delay, _LATEST_DELAY)))
                before += release.to_row - release.from_row
        number += 1
    return [(entry, made) for (entry, _), made in zip(allotted, messages, strict=True)]
