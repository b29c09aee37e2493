"""The engine under faults: a launch of two steps for each fault, all of them at once on 100,000 customers.

Fails when a send was lost or made twice, when the ledger says what is not so, or when a send is unknown without a fault
between its claim and its record (local.inprocess.tally). Two processes; nothing of AWS and no network.
"""

import multiprocessing
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from local.inprocess.engine import Engine
from local.inprocess.faults import (
    Chances,
    Fault,
    KillAt,
    Troubles,
    cancel,
    pause,
    resume,
    resume_account,
    stop_account,
)
from local.inprocess.queue import Disorder
from local.inprocess.reports import Reactions
from local.inprocess.scenario import (
    MESSAGE,
    OFFER,
    campaign,
    candidates,
    customer_keys,
    give_offer,
    import_codes,
    shop,
)
from local.inprocess.tally import Tally, tally
from winback.campaigns.definition import CampaignDefinition
from winback.delivery.ledger import Outcome

CUSTOMERS, CUSTOMERS_EACH, CUSTOMERS_KILLED = 100_000, 1_500, 3
PROCESSES = 2  # each with its part of the large launch's customers, and then the others' launches
PARTS = 8  # of the kill points, each a task of its own
KILL_POINTS = "killed at every point in turn"


@dataclass(frozen=True)
class Found:
    """What a task found; of kill points, of many runs together."""

    fault: str
    customers: int
    runs: int
    tallies: tuple[Tally, ...]
    met: Counter[str]
    dead_letters: int
    seconds: float

    @property
    def sound(self) -> bool:
        return self.dead_letters == 0 and all(one.sound for one in self.tallies)


def run(small: bool) -> None:
    """Raises SystemExit when something was lost, doubled or untrue."""
    console, started = Console(width=170), perf_counter()
    whole, each, killed = (
        (CUSTOMERS // 10, CUSTOMERS_EACH // 5, 1) if small else (CUSTOMERS, CUSTOMERS_EACH, CUSTOMERS_KILLED)
    )
    tasks: list[tuple[str, int, int]] = [(everything(part).name, whole // PROCESSES, part) for part in range(PROCESSES)]
    tasks += [(KILL_POINTS, killed, part) for part in range(PARTS)]
    tasks += [(fault.name, each, 0) for fault in faults()]
    found: list[Found] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool, Progress(*columns, console=console) as progress:
        bar = progress.add_task("faults", total=len(tasks))
        for one in pool.imap_unordered(do, tasks):
            found.append(one)
            progress.update(bar, advance=1, description=one.fault)
    rows = [joined(tuple(one for one in found if one.fault == name)) for name in dict.fromkeys(t[0] for t in tasks)]
    console.print(as_table(rows))
    console.print(f"{perf_counter() - started:.0f} s")
    wrong = [row.fault for row in rows if not row.sound]
    if wrong:
        sys.exit(f"lost, doubled, untrue or unknown without a reason: {', '.join(wrong)}")
    console.print("Nothing was lost, nothing was sent twice, and every unknown send is a window that a fault opened.")


def faults() -> Iterator[Fault]:
    """One at a time."""
    chance = random.Random(3)
    yield Fault("none")
    yield Fault("worker killed, any call, 1 in 1,000", Chances(chance, killed=0.001))
    yield Fault("worker of 8 threads killed, 1 in 1,000", Chances(chance, killed=0.001), threads=8)
    yield Fault("deliveries twice and in any order", disorder=Disorder(duplicated=0.3, shuffled=True))
    yield Fault("provider throttles 1 in 5", troubles=Troubles(too_fast=0.2))
    yield Fault("provider refuses 1 in 50", troubles=Troubles(refused=0.02))
    yield Fault("time-out after acceptance, 1 in 50", troubles=Troubles(lost_after=0.02))
    yield Fault("time-out before acceptance, 1 in 50", troubles=Troubles(lost_before=0.02))
    yield Fault("tables throttle 1 in 200", Chances(chance, throttled=0.005))
    yield Fault("batches left undone in part", Chances(chance, left=0.2))
    yield Fault("paused, and resumed after an hour", at_minute=people({1: pause, 61: resume}))
    yield Fault("paused into everybody's night", at_minute=people({2: pause, 840: resume}))
    yield Fault("cancelled while it sends", at_minute=people({2: cancel}))
    yield Fault("account switched off for an hour", at_minute=people({1: stop_account, 61: resume_account}))
    yield Fault("feeder runs twice a minute", at_minute=feed_again)
    yield Fault("feedback before acceptance", early_feedback=0.5)
    yield Fault("feedback twice and in any order", repeated_feedback=0.5)
    yield Fault("provider out for 12 minutes", troubles=Troubles(out_from=timedelta(minutes=2)))


def everything(part: int = 0) -> Fault:
    return Fault(
        "all of these at once",
        Chances(random.Random(part), killed=0.0002, throttled=0.0005, left=0.02),
        Troubles(
            too_fast=0.02,
            refused=0.001,
            lost_before=0.001,
            lost_after=0.001,
            out_from=timedelta(minutes=20),
        ),
        Disorder(duplicated=0.05, shuffled=True),
        at_minute=_meddle,
        early_feedback=0.1,
        repeated_feedback=0.1,
    )


def people(actions: Mapping[int, Callable[[Engine], None]]) -> Callable[[Engine, int], None]:
    """Does something in some minutes of the run."""

    def act(engine: Engine, minute: int) -> None:
        if minute in actions:
            actions[minute](engine)

    return act


def feed_again(engine: Engine, minute: int) -> None:  # noqa: ARG001
    engine.feed()


def _meddle(engine: Engine, minute: int) -> None:
    """The feeder runs twice in every other minute; somebody pauses, and stops the account, for a while."""
    people({12: pause, 40: resume, 60: stop_account, 75: resume_account})(engine, minute)
    if minute % 2:
        engine.feed()


def do(task: tuple[str, int, int]) -> Found:
    """One task, in a process of its own."""
    name, customers, part = task
    started = perf_counter()
    if name == KILL_POINTS:
        tallies, met = killed_everywhere(customers, part)
        return Found(name, customers, len(tallies), tuple(tallies), met, 0, perf_counter() - started)
    fault = next(one for one in (everything(part), *faults()) if one.name == name)
    engine = launched(customers, fault, first=part * customers)
    return Found(name, customers, 1, (tally(engine),), engine.errors, len(engine.queue.dead), perf_counter() - started)


def launched(customers: int, fault: Fault, first: int = 0) -> Engine:
    """A launch of two steps that has met the fault, at a rate at which one step takes some ten minutes."""
    keys = customer_keys(customers, first=first)
    engine = shop(keys, seed=first + 1, per_second=max(5.0, customers / 600))
    engine.prepare(campaign(), candidates(keys))
    fault.meet(engine)
    engine.run()
    return engine


def killed_everywhere(customers: int, part: int) -> tuple[list[Tally], Counter[str]]:
    """One run for each point at which a call begins or ends, from the enrolment on; every PARTS-th of them."""
    counting = KillAt()
    launched_under(counting, customers)
    tallies, met = [], Counter[str]()
    for place in range(part, counting.met, PARTS):
        hook = KillAt(place)
        engine = launched_under(hook, customers)
        met[hook.point] += 1
        tallies.append(tally(engine))
    return tallies, met


def launched_under(hook: KillAt, customers: int) -> Engine:
    """With everything that a launch may have: an offer with codes, a budget, an experiment, a branch."""
    keys = customer_keys(customers)
    engine = shop(keys, reactions=Reactions(bounced=0, complained=0, opened=0.5, unsubscribed=0))
    import_codes(engine, 10 * customers)
    launch = engine.create(sequence(), candidates(keys), "lau-000000000001", offers=(OFFER,))
    give_offer(engine, launch, keys)
    engine.meet(hook)
    engine.enrol(launch)
    engine.approve(launch)
    engine.run()
    return engine


def sequence() -> CampaignDefinition:
    first = {"name": "first", "template": MESSAGE, "after_days": 0, "send_at": "11:30", "offer": True}
    ways = {way: [{"template": MESSAGE, "after_days": 4, "send_at": "11:30"}] for way in ("then", "otherwise")}
    subjects = [{"name": "plain"}, {"name": "asking", "subject": "Will you come back?"}]
    return campaign(
        holdout={"share": 0},
        steps=[first, {"branch": {"on": "engaged", "step": "first"}, "after_days": 2, **ways}],
        experiments=[{"name": "subject", "step": "first", "variants": subjects}],
        offers={"offers": [OFFER.offer_id], "budget_minor": 1_000_000},
        budget={"sends": 1_000},
    )


def joined(parts: Sequence[Found]) -> Found:
    first = parts[0]
    return Found(
        first.fault,
        first.customers if first.fault == KILL_POINTS else sum(part.customers for part in parts),
        sum(part.runs for part in parts),
        tuple(one for part in parts for one in part.tallies),
        sum((part.met for part in parts), Counter()),
        sum(part.dead_letters for part in parts),
        sum(part.seconds for part in parts),
    )


def as_table(rows: Sequence[Found]) -> Table:
    table = Table(title="A launch of two steps under faults")
    table.add_column("fault", no_wrap=True)
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(row.fault, *(f"{value:,}" for value in figures(row)), style=None if row.sound else "bold red")
    return table


COLUMNS = (
    "runs",
    "customers",
    "planned",
    "delivered",
    "skipped",
    "failed",
    "cancelled",
    "unknown",
    "windows",
    "lost",
    "doubled",
    "untrue",
)


def figures(row: Found) -> list[int]:
    """Delivered are all that the provider took and the ledger knows of, bounced ones among them."""

    def total(of: Callable[[Tally], int]) -> int:
        return sum(map(of, row.tallies))

    return [
        row.runs,
        row.customers,
        total(lambda one: one.planned),
        total(lambda one: one.handed_over),
        total(lambda one: one.outcomes[Outcome.SKIPPED]),
        total(lambda one: one.outcomes[Outcome.FAILED]),
        total(lambda one: one.cancelled),
        total(lambda one: len(one.unknown)),
        total(lambda one: len(one.windows)),
        total(lambda one: one.lost),
        total(lambda one: one.doubled),
        total(lambda one: one.untrue),
    ]
