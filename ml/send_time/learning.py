"""Learns how far to believe a customer's own hours, from what its later events were.

Model: hours of a customer's events ~ Categorical(p), p ~ Dirichlet(strength x base); the segment's base likewise around
the account's, the account's around the shipped prior (Gelman et al., Bayesian Data Analysis, 3rd ed., 5.1 and 3.4: the
posterior mean is counts + strength x base, over their sum). Decay, smearing and the worth of a kind turn events into
counts. Everything but the account's strength maximises the likelihood of held-out events; the account's maximises the
Dirichlet-multinomial marginal likelihood of its histogram (Minka 2000, Estimating a Dirichlet distribution, eq. 53).

Lies beside `train.py` in a training job's code, so it stands alone on numpy and scipy.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, gammaln

if __package__:
    from ml.send_time.histories import ORDERED, Divided, Events, Mask
    from ml.send_time.inference import (
        HOURS,
        KINDS,
        Array,
        Learned,
        Whole,
        kernel,
        own_counts,
        posterior,
        smear,
        worth_of,
    )
else:  # run by the container, where the neighbours are modules of their own
    from histories import ORDERED, Divided, Events, Mask  # type: ignore[import-not-found,no-redef]
    from inference import (  # type: ignore[import-not-found,no-redef]
        HOURS,
        KINDS,
        Array,
        Learned,
        Whole,
        kernel,
        own_counts,
        posterior,
        smear,
        worth_of,
    )

ENOUGH = 200  # held-out events to learn from; with fewer the documented values hold
MOST_PAIRS = 3_000_000  # of a known and a held-out event, to learn from: more change no digit that matters
MOST_STEPS = 300
LARGEST = 1e6  # a strength at this bound: the customers' own hours say nothing

# Until there is data to learn from: cautious on purpose. A click tells twice an open, an order a quarter.
DEFAULT = Learned(100.0, 26.0, 1.0, 0.5, (1.0, 2.0, 0.25))
DEFAULT_SEGMENT_STRENGTH, DEFAULT_ACCOUNT_STRENGTH = 1000.0, 168.0

SMOOTHINGS = ("no own hours", "exact hours", "neighbouring hours", "neighbouring hours, any day")


@dataclass(frozen=True)
class Fit:
    """What was learned, and the held-out log loss of each smoothing that was tried."""

    learned: Learned
    segment_strength: float
    account_strength: float
    smoothing: str
    tried: dict[str, float]
    held_out: int
    is_default: bool


@dataclass(frozen=True)
class Bases:
    accounts: Array  # (accounts, 168)
    segments: Array  # (segments, 168)

    def of_people(self, events: Events) -> Array:
        """Each customer's base: its segment's, else its account's; (customers, 168)."""
        people = events.people
        base = self.accounts[people.account]
        inside = people.segment >= 0
        base[inside] = self.segments[people.segment[inside]]
        return base

    def of_events(self, events: Events) -> Array:
        """What its customer's base gives to each event's hour: (events,)."""
        account, segment = events.people.account[events.customer], events.people.segment[events.customer]
        expected = self.accounts[account, events.hour]
        inside = segment >= 0
        expected[inside] = self.segments[segment[inside], events.hour[inside]]
        return expected


def learn(divided: Divided, prior: Array, seed: int, progress: Callable[[str], None] | None = None) -> Fit:
    """`prior` (168,) is the shipped one. Held-out events decide; own hours at all, and a richer smoothing, must win by
    two standard errors."""
    known, held_out = divided.known, divided.held_out
    account_strength = TargetCounts.of(known).account_strength(prior)
    if len(held_out) < ENOUGH or not len(known):
        return Fit(DEFAULT, DEFAULT_SEGMENT_STRENGTH, account_strength, SMOOTHINGS[-1], {}, len(held_out), True)
    problem = _Problem.of(divided, prior, account_strength, seed)
    tried: dict[str, float] = {}
    chosen: tuple[str, Array] | None = None
    best = np.empty(0)
    for smoothing in SMOOTHINGS:
        if progress is not None:
            progress(f"learning: {smoothing}")
        parameters = problem.solve(smoothing)
        losses = problem.losses(parameters, smoothing)
        tried[smoothing] = float(np.average(losses, weights=problem.held_out.weight))
        if chosen is None or problem.gain(best, losses) > 0:
            chosen, best = (smoothing, parameters), losses
    if chosen is None:
        raise AssertionError("no smoothing was tried")
    learned, segment_strength = problem.read(chosen[1], chosen[0])
    return Fit(learned, segment_strength, account_strength, chosen[0], tried, len(held_out), False)


@dataclass(frozen=True)
class TargetCounts:
    """How often customers acted at each hour: by account (accounts, 168) and by segment (segments, 168)."""

    accounts: Array
    segments: Array
    owner: Whole
    """Which account each segment is of."""

    @classmethod
    def of(cls, events: Events) -> "TargetCounts":
        target = events.where(events.targets())
        people = target.people
        numbers = {name: number for number, name in enumerate(people.accounts)}
        return cls(
            target.histogram(people.account[target.customer], len(people.accounts)),
            target.histogram(people.segment[target.customer], len(people.segments)),
            np.array([numbers[account] for account, _ in people.segments], dtype=np.int64),
        )

    def bases(self, prior: Array, account_strength: float, segment_strength: float) -> Bases:
        """Their distributions, accounts shrunk to the prior and segments to their account."""
        accounts = _shrunk(self.accounts, prior, account_strength)
        return Bases(accounts, _shrunk(self.segments, accounts[self.owner], segment_strength))

    def account_strength(self, prior: Array) -> float:
        """Maximises the Dirichlet-multinomial marginal likelihood of the accounts' histograms around the prior."""
        total = self.accounts.sum(axis=1)
        if total.sum() < ENOUGH:
            return DEFAULT_ACCOUNT_STRENGTH

        def cost(log_strength: float) -> float:
            strength = np.exp(log_strength)
            concentration = strength * prior
            likelihood = np.sum(gammaln(strength) - gammaln(strength + total))
            return -float(likelihood + np.sum(gammaln(concentration + self.accounts) - gammaln(concentration)))

        return float(np.exp(minimize_scalar(cost, bounds=(0.0, np.log(LARGEST)), method="bounded").x))


def forecast(known: Events, learned: Learned, base: Bases) -> Array:
    """Each customer's distribution after its `known` events: (customers, 168)."""
    counts = own_counts(known.evidence(), learned)
    smeared = np.empty_like(counts)
    for number in range(len(known.people.accounts)):
        rows = known.people.account == number
        smeared[rows] = counts[rows] @ kernel(learned, base.accounts[number])
    return posterior(smeared, counts.sum(axis=1), base.of_people(known), learned.strength)


@dataclass(frozen=True)
class _Pairs:
    """Each held-out event beside each known event of its customer: what smearing and decay are evaluated on.

    `event` and `held` number the known and held-out events at hand, `apart` is the hours from one to the other;
    `of_day` and `of_week` are the places of the pair in arrays of shape (accounts, 24, 24) and (accounts, 168).
    """

    event: Whole
    held: Whole
    apart: Whole
    of_day: Whole
    of_week: Whole

    @classmethod
    def of(cls, known: Events, held_out: Events) -> "_Pairs":
        order = np.argsort(known.customer, kind="stable")
        sizes = np.bincount(known.customer, minlength=len(known.people))
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        of_held = sizes[held_out.customer]
        held = np.repeat(np.arange(len(held_out)), of_held)
        within = np.arange(len(held)) - np.repeat(np.cumsum(of_held) - of_held, of_held)
        event = order[first[held_out.customer][held] + within]
        account = known.people.account[held_out.customer[held]]
        apart = (held_out.hour[held] - known.hour[event]) % HOURS
        of_day = (account * 24 + known.hour[event] % 24) * 24 + apart % 24
        return cls(event, held, apart, of_day, account * HOURS + held_out.hour[held])


@dataclass(frozen=True)
class _Problem:
    """Parameters on unbounded scales: strength, half-life, segment strength, worth of clicks and orders, spread, days.

    Those that the data say nothing of stay where they start. `known` and `held_out` are those of some customers,
    `counts` of all.
    """

    known: Events
    counts: TargetCounts
    held_out: Events
    pairs: _Pairs
    prior: Array
    account_strength: float
    start: Array
    low: Array
    high: Array
    free: Mask

    @classmethod
    def of(cls, divided: Divided, prior: Array, account_strength: float, seed: int) -> "_Problem":
        counts = TargetCounts.of(divided.known)
        chosen = _some_customers(divided, seed)
        known = divided.known.where(chosen[divided.known.customer])
        held_out = divided.held_out.where(chosen[divided.held_out.customer])
        there = np.bincount(known.kind, minlength=len(KINDS)) > 0
        engaged = bool(np.any(held_out.kind != ORDERED))
        kinds = DEFAULT.kind_weights
        start = np.log(
            [20.0, DEFAULT.half_life_weeks, DEFAULT_SEGMENT_STRENGTH, kinds[1], kinds[2] if engaged else 1, 1.0, 1.0]
        )
        low = np.array([*np.log([0.5, 1.0, 1.0, 0.01, 0.001, 0.05]), -8.0])
        high = np.array([*np.log([LARGEST, 1000.0, LARGEST, 100.0, 100.0, 6.0]), 8.0])
        free = np.array(
            [
                True,
                known.timed,
                len(known.people.segments) > 0,
                bool(engaged and there[0] and there[1]),
                bool(engaged and there[ORDERED]),
                True,
                True,
            ]
        )
        pairs = _Pairs.of(known, held_out)
        return cls(known, counts, held_out, pairs, prior, account_strength, start, low, high, free)

    def solve(self, smoothing: str) -> Array:
        """All parameters, the free ones such that the held-out events are likeliest (Nelder and Mead 1965)."""
        level = SMOOTHINGS.index(smoothing)
        own = level >= 1
        free = self.free & np.array([own, own, True, own, own, level >= 2, level >= 3])

        def whole(values: Array) -> Array:
            parameters = self.start.copy()
            parameters[free] = np.clip(values, self.low[free], self.high[free])
            return parameters

        start = self.start[free]
        if not len(start):
            return whole(start)
        found = minimize(
            lambda values: np.average(self.losses(whole(values), smoothing), weights=self.held_out.weight),
            start,
            method="Nelder-Mead",
            options={
                "maxfev": MOST_STEPS,
                "xatol": 0.01,
                "fatol": 1e-6,
                "initial_simplex": np.vstack([start, start + np.eye(len(start))]),
            },
        )
        return whole(found.x)

    def losses(self, parameters: Array, smoothing: str) -> Array:
        """-ln of the probability given to each held-out event: that of `forecast`, without the hours in between."""
        learned, segment_strength = self.read(parameters, smoothing)
        base = self.counts.bases(self.prior, self.account_strength, segment_strength)
        known, held_out, pairs = self.known, self.held_out, self.pairs
        worth = worth_of(known.evidence(), learned)
        near, same_hour = smear(learned, base.accounts)
        arrives = (1 - learned.any_day) * near[pairs.apart]
        if learned.any_day:
            arrives += learned.any_day * base.accounts.ravel()[pairs.of_week] * same_hour.ravel()[pairs.of_day]
        own = np.bincount(pairs.held, weights=worth[pairs.event] * arrives, minlength=len(held_out))
        total = np.bincount(known.customer, weights=worth, minlength=len(known.people))[held_out.customer]
        expected = base.of_events(held_out)
        return np.asarray(-np.log((own + learned.strength * expected) / (total + learned.strength)))

    def read(self, parameters: Array, smoothing: str) -> tuple[Learned, float]:
        strength, half_life, segment_strength, click, order, spread = np.exp(parameters[:6])
        level = SMOOTHINGS.index(smoothing)
        learned = Learned(
            strength=float(strength) if level >= 1 else LARGEST,
            half_life_weeks=float(half_life),
            spread_hours=float(spread) if level >= 2 else 0.0,
            any_day=float(expit(parameters[6])) if level >= 3 else 0.0,
            kind_weights=(1.0, float(click), float(order)),
        )
        return learned, float(segment_strength)

    def gain(self, before: Array, after: Array) -> float:
        """How much less `after` loses per event, less two of its standard errors over customers."""
        size = len(self.held_out.people)
        total = np.bincount(self.held_out.customer, weights=self.held_out.weight, minlength=size)
        gaps = np.bincount(self.held_out.customer, weights=(before - after) * self.held_out.weight, minlength=size)
        gaps, total = gaps[total > 0], total[total > 0]
        mean = gaps.sum() / total.sum()
        return float(mean - 2 * np.sqrt(np.sum((gaps - mean * total) ** 2)) / total.sum())


def _some_customers(divided: Divided, seed: int) -> Mask:
    """Of those with held-out events as many as make MOST_PAIRS, drawn at random; the others make the bases alone."""
    size = len(divided.held_out.people)
    known = np.bincount(divided.known.customer, minlength=size)
    held_out = np.bincount(divided.held_out.customer, minlength=size)
    order = np.random.default_rng(seed).permutation(np.flatnonzero(held_out))
    few = np.cumsum((known * held_out)[order]) <= MOST_PAIRS
    chosen = np.zeros(size, dtype=bool)
    chosen[order[few]] = True
    chosen[order[:1]] = True
    return chosen


def _shrunk(counts: Array, towards: Array, strength: float) -> Array:
    return np.asarray((counts + strength * towards) / (counts.sum(axis=1, keepdims=True) + strength))
