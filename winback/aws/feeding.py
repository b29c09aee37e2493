"""Feeds the sender's queue each minute, channel by channel: within the provider's quota, past switches and circuits."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from winback.accounts.channels import ChannelName
from winback.aws import keys
from winback.aws.circuits import Circuits
from winback.aws.dispatch import permit_of
from winback.aws.due import DueIndex
from winback.aws.launches import LaunchStore, UnknownLaunch
from winback.aws.quota import DayQuota, MinuteQuota
from winback.aws.switches import Brakes, SendingState, Switches
from winback.aws.tables import Accounts, UnknownAccount
from winback.delivery.feeding import Feeding, Permit, SendQuota
from winback.delivery.release import Release
from winback.delivery.reputation import SLOW_SHARE, Pace
from winback.delivery.warm_up import daily_limit
from winback.identifiers import AccountId, LaunchId

Put = Callable[[Sequence[tuple[Release, int]]], None]


@dataclass(frozen=True)
class Fed:
    """Rows by what was done with them, by channel, and the accounts whose sending this run stopped.

    `errors`: of the channels that could not be fed, or not to the end. `unreadable`: launches that wait because their
    record, or their account's, is none that this version reads.
    """

    rows: Mapping[ChannelName, Counter[str]]
    stopped: tuple[AccountId, ...]
    errors: Mapping[ChannelName, Exception] = field(default_factory=dict)
    unreadable: tuple[LaunchId, ...] = ()

    @property
    def total(self) -> Counter[str]:
        return sum(self.rows.values(), Counter())


class Feeder:
    """`quotas` gives a channel's limits, asked once a run; `put` is the queue of the sender."""

    def __init__(self, campaigns_table: Any, put: Put, quotas: Callable[[ChannelName], SendQuota]) -> None:
        self._table, self._put, self._quotas = campaigns_table, put, quotas
        self._accounts = Accounts(campaigns_table)
        self._launches = LaunchStore(campaigns_table)
        self._due = DueIndex(campaigns_table)
        self._circuits = Circuits(campaigns_table)

    def feed(self, now: datetime, wall: datetime, seconds_left: Callable[[], float]) -> Fed:
        """What is due at `now`, the campaigns' time, within the quota of the minute that `wall` lies in.

        Run twice for one minute, it still releases one minute's quota. Another channel and another shard begin each
        minute: when quota or time end early, none is always the last. A channel that cannot be fed, because its
        provider does not say what it allows, holds up no other.
        """
        minute = wall.replace(second=0, microsecond=0)
        turn = int(minute.timestamp()) // 60
        run = _Run(self._table, self._accounts, self._launches, minute)
        channels = list(ChannelName)
        first = turn % len(channels)
        shards = [(turn + place) % keys.DUE_SHARDS for place in range(keys.DUE_SHARDS)]
        rows: dict[ChannelName, Counter[str]] = {}
        errors: dict[ChannelName, Exception] = {}
        for channel in channels[first:] + channels[:first]:
            try:
                rows[channel] = self._feed(channel, run, now, shards, turn=turn, seconds_left=seconds_left)
            except Exception as error:  # noqa: BLE001 (the caller raises it, once the others had their turn)
                errors[channel] = error
        return Fed(rows, tuple(run.stopped), errors, tuple(dict.fromkeys(run.unreadable)))

    def _feed(
        self,
        channel: ChannelName,
        run: "_Run",
        now: datetime,
        shards: Sequence[int],
        *,
        turn: int,
        seconds_left: Callable[[], float],
    ) -> Counter[str]:
        quota = MinuteQuota(self._table, lambda: self._quotas(channel), run.minute, channel.value)
        feeding = Feeding(
            channel=channel.value,
            due=self._due,
            quota=quota,
            allowance=_Allowance(run, channel, quota),
            release=self._put,
            permit=run.permit,
            seconds_left=seconds_left,
            turn=turn,
        )
        stored = self._circuits.read(channel.value)
        if stored.circuit.passes:
            return feeding.feed(now, shards)
        probed = stored.circuit.probed(run.minute)
        if (
            stored.circuit.wants_probe(run.minute)
            and feeding.has_ready(now, shards)
            and self._circuits.save(channel.value, probed, replacing=stored.version)
        ):
            return feeding.probe(now, shards)
        return Counter({"circuit_open": 1})


class _Run:
    """What one run of the feeder knows of accounts and launches: each is read once."""

    def __init__(self, campaigns_table: Any, accounts: Accounts, launches: LaunchStore, minute: datetime) -> None:
        self.table, self.minute, self.accounts = campaigns_table, minute, accounts
        self.stopped: list[AccountId] = []
        self.unreadable: list[LaunchId] = []
        self._launches = launches
        self._switches = Switches(campaigns_table)
        self._brakes = Brakes(campaigns_table)
        self._known: dict[AccountId, tuple[SendingState, Pace]] = {}

    def permit(self, account_id: AccountId, launch_id: LaunchId) -> Permit:
        try:
            permit = permit_of(self._launches.get(account_id, launch_id).state)
            if permit is Permit.SEND:
                self.accounts.get(account_id)
        except (UnknownLaunch, UnknownAccount):  # erased: its entries go too
            return Permit.DROP
        except ValidationError:  # kept for an operator, and nobody else's messages wait for it
            self.unreadable.append(launch_id)
            return Permit.WAIT
        if permit is Permit.SEND and (self._everything_stopped or self.pace(account_id) is Pace.STOPPED):
            return Permit.WAIT
        return permit

    def pace(self, account_id: AccountId) -> Pace:
        """Stopped by a person or by the account's own figures, slow, or normal."""
        if account_id not in self._known:
            _, states = self._switches.read([account_id])
            state = states[account_id]
            if state.switch.stopped:
                pace = Pace.STOPPED
            else:
                health, stopped_now = self._brakes.apply(account_id, state, self.minute)
                pace = health.pace
                if stopped_now:
                    self.stopped.append(account_id)
            self._known[account_id] = state, pace
        return self._known[account_id][1]

    @cached_property
    def _everything_stopped(self) -> bool:
        return self._switches.read([])[0].stopped


class _Allowance:
    """An account's e-mails: fewer while its pace is slow, and a day's ramp while its domain warms up."""

    def __init__(self, run: _Run, channel: ChannelName, quota: MinuteQuota) -> None:
        self._run, self._channel, self._quota = run, channel, quota
        self._days: dict[AccountId, DayQuota | None] = {}

    def of(self, account_id: AccountId) -> int | None:
        if self._channel is not ChannelName.EMAIL:
            return None
        limits = []
        if self._run.pace(account_id) is Pace.SLOW:
            limits.append(max(1, int(self._quota.per_minute * SLOW_SHARE)))
        day = self._day(account_id)
        if day is not None:
            limits.append(day.left())
        return min(limits, default=None)

    def take(self, account_id: AccountId, wanted: int) -> int:
        day = self._day(account_id)
        return wanted if day is None else day.take(wanted)

    def _day(self, account_id: AccountId) -> DayQuota | None:
        if account_id not in self._days:
            self._days[account_id] = self._warming_up(account_id)
        return self._days[account_id]

    def _warming_up(self, account_id: AccountId) -> DayQuota | None:
        try:
            account = self._run.accounts.get(account_id)
        except UnknownAccount:
            return None
        today = self._run.minute.date()
        limit = daily_limit(account.warm_up.started_on, today) if account.warm_up is not None else None
        return None if limit is None else DayQuota(self._run.table, limit, account_id, today)
