"""A launch of 1,000,000 customers in one process, all of them planned: rates by stage, memory, table units per send.

Tables, lake, queue and provider lie in memory (local.inprocess), so rates are those of the engine's own code and of the
fakes; network and AWS would come on top. Everybody is enrolled, planned and released; the sender takes as many of the
messages as SENT, with a provider that takes everything at once, and its events are recorded.
"""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from bench.measure import peak_kb
from local.inprocess.clock import SimulatedClock
from local.inprocess.engine import MESSAGES_AT_ONCE, Engine
from local.inprocess.reports import Reactions
from local.inprocess.scenario import ACCOUNT, START, ZONES, campaign, candidates, customer_keys, profiles
from local.inprocess.usage import Usage
from winback.delivery.ledger import State

CUSTOMERS, SENT = 1_000_000, 100_000
LAUNCH = "lau-000000000001"
STEP = {"template": "we-miss-you", "after_days": 0, "send_at": "11:30"}


def run(small: bool) -> None:
    """In a process of its own, so that its peak memory is its own too."""
    customers, sent = (CUSTOMERS // 10, SENT // 10) if small else (CUSTOMERS, SENT)
    process = multiprocessing.get_context("spawn").Process(target=measure, args=(customers, sent))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"the launch ended with {process.exitcode}")


@dataclass
class Stages:
    """Prints each stage as it ends, and keeps what it asked of the tables."""

    engine: Engine
    usages: dict[str, tuple[Usage, int]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, unit: str, count: Callable[[], int]) -> Iterator[None]:
        self.engine.database.usage = usage = Usage()
        started = perf_counter()
        yield
        seconds, done = perf_counter() - started, count()
        self.usages[name] = usage, done
        print(
            f"  {name:10} {done:>9,} {unit:10} {seconds:7.1f} s {done / seconds:>10,.0f}/s"
            f"   peak {peak_kb() / 1024:6,.0f} MB",
            flush=True,
        )


def measure(customers: int, most_sent: int) -> None:
    keys = customer_keys(customers)
    engine = Engine(ACCOUNT, SimulatedClock(START), per_second=1_000_000.0, reactions=Reactions(opened=0.3))
    stages = Stages(engine)
    with stages.stage("customers", "profiles", lambda: customers):
        engine.add_customers(profiles(keys, ZONES[:1]))
    with stages.stage("candidates", "customers", lambda: customers):
        launch = engine.create(campaign(steps=[STEP], holdout={"share": 0}), candidates(keys), LAUNCH)
    with stages.stage("enrol", "customers", lambda: customers):
        engine.enrol(launch)
    running = engine.workers.launches.save(
        launch.summarised("of a benchmark", engine.chunks(launch)).approved("somebody", "of a benchmark", START)
    )
    running = engine.workers.launches.save(running.started(START, ACCOUNT.zone))
    with stages.stage("plan", "customers", lambda: customers):
        engine.plan(running, 1, "live")
    engine.clock.move_to(running.planned_at(1))
    released = Counter[str]()
    with stages.stage("feed", "rows", lambda: released["released"]):
        while (more := engine.feed())["released"]:
            released += more
    outcomes = Counter[str]()
    with stages.stage("send", "sends", lambda: outcomes[State.ACCEPTED]):
        engine.clock.pass_by(60)
        while outcomes.total() < most_sent and (messages := engine.queue.receive(MESSAGES_AT_ONCE)):
            outcomes += engine.call_sender(messages)
    told = Counter[str]()
    with stages.stage("feedback", "events", lambda: told["events"]):
        told["events"] = engine.report()
    held = sum(table.bytes_held for table in engine.database.tables.values())
    print(f"  of the memory {held / 1e6:,.0f} MB are items of the tables, {engine.s3.bytes_held / 1e6:,.0f} MB objects")
    if engine.errors or outcomes.total() != outcomes[State.ACCEPTED]:
        raise RuntimeError(f"not everything was sent: {dict(outcomes)}, {dict(engine.errors)}")
    for name, per in (("plan", "customer"), ("feed", "row"), ("send", "send"), ("feedback", "event")):
        print_units(name, per, *stages.usages[name])


def print_units(name: str, per: str, usage: Usage, count: int) -> None:
    """Request units, and so list prices, by kind of item."""
    writes, reads = usage.write_units.total(), sum(usage.read_units.values())
    print(f"  {name}: {writes / count:.3f} write units and {reads / count:.3f} read units a {per}")
    for place in sorted(usage.write_units.keys() | usage.read_units.keys()):
        written, read = usage.write_units[place] / count, usage.read_units.get(place, 0.0) / count
        if max(written, read) >= 0.0005:
            print(f"    {'.'.join(place):26} {written:8.3f} {read:8.3f}")
