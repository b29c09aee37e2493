"""Faults to meet a launch with: what each call may suffer, what the provider does, what people do meanwhile."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from botocore.exceptions import ClientError

from local.inprocess.engine import Engine
from local.inprocess.hooks import Killed, NoFaults
from local.inprocess.provider import Trouble
from local.inprocess.queue import Disorder
from local.inprocess.workers import Workers
from winback.aws.switches import Switches
from winback.campaigns.launch import Launch, LaunchState
from winback.delivery.reputation import Counts
from winback.delivery.switches import StoppedBy
from winback.identifiers import LaunchId


class KillAt(NoFaults):
    """Kills the process at one point of its run: the `place`-th time that a call begins or ends. -1 only counts.

    Calls of the kinds in `spared` are no such points.
    """

    def __init__(self, place: int = -1, spared: frozenset[str] = frozenset()) -> None:
        self._place, self._spared = place, spared
        self.met = 0
        self.point = ""

    def before(self, point: str) -> None:
        if point not in self._spared:
            self._meet(f"before {point}")

    def after(self, point: str) -> None:
        if point not in self._spared:
            self._meet(f"after {point}")

    def _meet(self, point: str) -> None:
        if self.met == self._place:
            self.met, self.point = self.met + 1, point
            raise Killed
        self.met += 1


@dataclass
class Chances(NoFaults):
    """Shares of calls: killed before or after their effect, throttled by a table, left over in part by a batch.

    A process is killed with all its threads: whatever they begin or end from then on raises Killed too.
    """

    chance: random.Random
    killed: float = 0.0
    throttled: float = 0.0
    left: float = 0.0
    dying: bool = False
    yielding: bool = False  # lets another thread go on at each call

    def before(self, point: str) -> None:
        if self.yielding:
            time.sleep(1e-5)
        drawn = self.chance.random()
        if self.dying or drawn < self.killed:
            self.dying = True
            raise Killed
        if drawn < self.killed + self.throttled and not point.startswith(("lake.", "sends.", "provider.")):
            answer = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "slow down"}}
            raise ClientError(answer, point.partition(".")[2])  # type: ignore[arg-type]

    def after(self, point: str) -> None:  # noqa: ARG002
        if self.dying or self.chance.random() < self.killed:
            self.dying = True
            raise Killed

    def born(self) -> None:
        self.dying = False

    def left_over(self, point: str, count: int) -> int:
        """Of a batch get the client asks again after a pause in real time, so that is left to the adapter tests."""
        if point.endswith("batch_get_item") or self.chance.random() >= self.left:
            return 0
        return self.chance.randrange(1, count + 1)


@dataclass(frozen=True)
class Troubles:
    """Shares of the provider's calls that go wrong, and a stretch during which it is out."""

    too_fast: float = 0.0
    refused: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    out_from: timedelta | None = None  # since the launch's first minute
    out_for: timedelta = timedelta(minutes=12)


@dataclass(frozen=True)
class Fault:
    """`at_minute`: what people do, with the number of the minute since the start of the run."""

    name: str
    chances: Chances | None = None
    troubles: Troubles = field(default_factory=Troubles)
    disorder: Disorder = field(default_factory=Disorder)
    at_minute: Callable[[Engine, int], None] = lambda _engine, _minute: None
    early_feedback: float = 0.0  # shares of messages whose events come before the provider's answer
    repeated_feedback: float = 0.0  # and of those that come twice, in any order
    threads: int = 1  # rows that a sender has on their way at a time

    def meet(self, engine: Engine) -> None:
        """From now on the engine suffers it."""
        chance, started = random.Random(7), engine.clock.moment
        engine.queue.disorder = self.disorder
        engine.early_feedback, engine.repeated_feedback = self.early_feedback, self.repeated_feedback
        engine.provider.trouble = lambda _send_id: trouble_of(self.troubles, engine.clock.moment - started, chance)
        minutes = iter(range(10**9))
        engine.before_minute = lambda running: self.at_minute(running, next(minutes))
        engine.start_anew(self.threads)
        if self.chances is not None:
            self.chances.yielding = self.threads > 1
            engine.meet(self.chances)


def trouble_of(troubles: Troubles, since_start: timedelta, chance: random.Random) -> Trouble | None:
    if troubles.out_from is not None and troubles.out_from <= since_start < troubles.out_from + troubles.out_for:
        return Trouble.OUT
    drawn = chance.random()
    for trouble, share in (
        (Trouble.TOO_FAST, troubles.too_fast),
        (Trouble.REFUSED, troubles.refused),
        (Trouble.LOST_BEFORE, troubles.lost_before),
        (Trouble.LOST_AFTER, troubles.lost_after),
    ):
        if drawn < share:
            return trouble
        drawn -= share
    return None


# What people do


def each_launch(engine: Engine, change: Callable[[Launch], Launch | None]) -> None:
    """Saves what `change` makes of each launch as it stands; None leaves it."""

    def once(launch_id: LaunchId) -> None:
        def read_and_save(workers: Workers) -> None:
            changed = change(workers.launches.get(engine.account.account_id, launch_id))
            if changed is not None:
                workers.launches.save(changed)

        engine.task(read_and_save)

    for launch_id in engine.following:
        once(launch_id)


def pause(engine: Engine) -> None:
    now = engine.clock.now()
    each_launch(engine, lambda launch: launch.paused(now) if launch.state is LaunchState.RUNNING else None)


def resume(engine: Engine) -> None:
    now, zone = engine.clock.now(), engine.account.zone
    each_launch(engine, lambda launch: launch.resumed(now, zone) if launch.state is LaunchState.PAUSED else None)


def cancel(engine: Engine) -> None:
    now = engine.clock.now()
    each_launch(engine, lambda launch: None if launch.state.over else launch.cancelled(now))


def stop_account(engine: Engine) -> None:
    now, account_id = engine.clock.now(), engine.account.account_id
    engine.task(
        lambda _: Switches(engine.campaigns).stop(account_id, by=StoppedBy.PERSON, because="a complaint", now=now)
    )


def resume_account(engine: Engine) -> None:
    now, account_id = engine.clock.now(), engine.account.account_id
    engine.task(lambda _: Switches(engine.campaigns).resume(account_id, counted=Counts(), now=now))
