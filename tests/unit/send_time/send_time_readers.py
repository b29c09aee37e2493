"""Simulated readers: events of customers whose habits are known."""

from collections.abc import Sequence

import numpy as np

from ml.send_time.histories import Events, People
from ml.send_time.inference import KINDS

ACCOUNT = np.full(168, 0.2)
ACCOUNT[np.arange(168) % 24 >= 8] = 1.0
ACCOUNT /= ACCOUNT.sum()


def readers(
    customers: int, each: int, *, own: float, seed: int, kind: str = "opened", weeks: float = 40, account: str = "brand"
) -> Events:
    """`each` events of every customer: with probability `own` at its hour (customer * 37) % 168, else as ACCOUNT."""
    random = np.random.default_rng(seed)
    customer = np.repeat(np.arange(customers), each)
    theirs = random.random(len(customer)) < own
    hour = np.where(theirs, customer * 37 % 168, random.choice(168, len(customer), p=ACCOUNT))
    people = People.of((account, str(number), None) for number in range(customers))
    return events(people, customer, hour, kind=kind, weeks_ago=random.uniform(0, weeks, len(customer)))


def events(
    people: People,
    customer: Sequence[int] | np.ndarray,
    hour: Sequence[int] | np.ndarray,
    *,
    weeks_ago: Sequence[float] | np.ndarray | float = 0.0,
    kind: str = "opened",
    weight: float | np.ndarray = 1.0,
) -> Events:
    size = len(hour)
    return Events(
        people,
        np.asarray(customer, dtype=np.int64),
        np.full(size, KINDS.index(kind)),
        np.asarray(hour, dtype=np.int64),
        np.broadcast_to(np.asarray(weeks_ago, dtype=np.float64), (size,)).copy(),
        np.broadcast_to(np.asarray(weight, dtype=np.float64), (size,)).copy(),
    )


def together(*parts: Events) -> Events:
    """Events of the same people."""
    first = parts[0]
    return Events(
        first.people,
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("customer", "kind", "hour", "weeks_ago", "weight")
        ),
        timed=first.timed,
    )
