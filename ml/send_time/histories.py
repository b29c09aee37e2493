"""Events of many customers as arrays, and how they are divided into what is known and what is to be forecast.

Lies beside `train.py` in a training job's code, so it stands alone on numpy.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

if __package__:
    from ml.send_time.inference import HOURS, KINDS, Array, Evidence, Whole
else:  # run by the container, where the neighbour is a module of its own
    from inference import HOURS, KINDS, Array, Evidence, Whole  # type: ignore[import-not-found,no-redef]

Mask = NDArray[np.bool_]

ORDERED = KINDS.index("ordered")
FEW_ENGAGED = 200  # opens and clicks of an account; where it has fewer, and fewer than orders, its orders are forecast


@dataclass(frozen=True)
class People:
    """Customers, numbered; `account` and `segment` (n,) number `accounts` and `segments`, -1: no segment."""

    keys: tuple[tuple[str, str], ...]
    accounts: tuple[str, ...]
    segments: tuple[tuple[str, str], ...]
    account: Whole
    segment: Whole

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def of(cls, customers: Iterable[tuple[str, str, str | None]]) -> "People":
        """From (account, customer, segment), each customer once."""
        listed = list(customers)
        accounts = {name: n for n, name in enumerate(sorted({account for account, _, _ in listed}))}
        pairs = sorted({(account, segment) for account, _, segment in listed if segment is not None})
        segments = {pair: n for n, pair in enumerate(pairs)}
        return cls(
            tuple((account, customer) for account, customer, _ in listed),
            tuple(accounts),
            tuple(segments),
            np.array([accounts[account] for account, _, _ in listed], dtype=np.int64),
            np.array(
                [-1 if segment is None else segments[account, segment] for account, _, segment in listed],
                dtype=np.int64,
            ),
        )


@dataclass(frozen=True)
class Events:
    """One entry an event: whose (number in `people`), index into KINDS, hour 0 to 167, weeks ago, weight.

    `timed`: whether `weeks_ago` is known; where it is not, it is 0.
    """

    people: People
    customer: Whole
    kind: Whole
    hour: Whole
    weeks_ago: Array
    weight: Array
    timed: bool = True

    def __len__(self) -> int:
        return len(self.hour)

    def where(self, chosen: Mask) -> "Events":
        return replace(
            self,
            customer=self.customer[chosen],
            kind=self.kind[chosen],
            hour=self.hour[chosen],
            weeks_ago=self.weeks_ago[chosen],
            weight=self.weight[chosen],
        )

    def evidence(self) -> Evidence:
        return Evidence(len(self.people), self.customer, self.kind, self.hour, self.weeks_ago, self.weight)

    def targets(self) -> Mask:
        """The events that are forecast: an account's opens and clicks, or its orders while it has hardly any others.

        Buying is another behaviour than reading, so orders are only evidence where reading can be seen.
        """
        account = self.people.account[self.customer]
        accounts = len(self.people.accounts)
        reading = np.bincount(account[self.kind != ORDERED], minlength=accounts)
        buying = np.bincount(account[self.kind == ORDERED], minlength=accounts)
        engaged = (reading >= FEW_ENGAGED) | (reading >= buying)
        return np.asarray((self.kind != ORDERED) == engaged[account])

    def histogram(self, group: Whole, groups: int) -> Array:
        """Weighted events per group and hour, shape (groups, 168); those of group -1 are left out."""
        inside = group >= 0
        place = group[inside] * HOURS + self.hour[inside]
        counts = np.bincount(place, weights=self.weight[inside], minlength=groups * HOURS)
        return np.asarray(counts, dtype=np.float64).reshape(groups, HOURS)


@dataclass(frozen=True)
class Divided:
    """`known`, its ages counted from the moment of the forecast, and `held_out`, what came then."""

    known: Events
    held_out: Events


def last_part(events: Events, share: float, seed: int) -> Divided:
    """Holds out the last `share` of each customer's targets, at least one of two or more, and all that follows them.

    Ages are counted back from the customer's first held-out event. Where times are not known, a random part is held
    out. A customer of a single target is known and never forecast.
    """
    rank = -events.weeks_ago if events.timed else np.random.default_rng(seed).random(len(events))
    targets = events.targets()
    order = np.lexsort((rank, events.customer))
    of_target = order[targets[order]]
    customer = events.customer[of_target]
    number = np.bincount(customer, minlength=len(events.people))
    first = np.concatenate([[0], np.cumsum(number)[:-1]])
    held = np.where(number >= 2, np.maximum(1, np.floor(number * share)), 0)
    late = np.arange(len(of_target)) - first[customer] >= (number - held)[customer]
    held_out = np.zeros(len(events), dtype=bool)
    held_out[of_target[late]] = True
    if not events.timed:
        return Divided(events.where(~held_out), events.where(held_out))
    since = np.full(len(events.people), -np.inf)
    np.maximum.at(since, events.customer[held_out], events.weeks_ago[held_out])
    age = events.weeks_ago - np.where(np.isfinite(since), since, 0.0)[events.customer]
    aged = replace(events, weeks_ago=age)
    return Divided(aged.where(~held_out & (age >= 0)), aged.where(held_out))


def at_moment(events: Events, share: float) -> Divided:
    """Holds out all targets of the latest time, such that they are `share` of all; the others as known by then."""
    targets = events.targets()
    moment = float(np.quantile(events.weeks_ago[targets], share)) if targets.any() else 0.0
    aged = replace(events, weeks_ago=events.weeks_ago - moment)
    late = aged.weeks_ago < 0
    return Divided(aged.where(~late), aged.where(late & targets))
