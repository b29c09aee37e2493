"""Serves the send-time model inside SageMaker's scikit-learn container.

A row is one customer: its `account` and `segment`, and what it did, by kind (`opened`, `clicked`, `ordered`), as flat
triples `hour, weeks_ago, weight`: hour of the local week (0: Monday 00:00 to 01:00, 167: Sunday 23:00), how long ago in
weeks, and 1, or the inverse of the propensity with which the send's hour was drawn. Machine opens are left out by the
caller. Decay, the worth of each kind and the shrinkage are the model's: a row tells what happened and nothing more.

A customer's distribution is the posterior mean of a hierarchical Dirichlet-multinomial: its own decayed events, smeared
over neighbouring hours and over the same hour of other days, and `strength` pseudo-events of its base. The base is the
segment's distribution, shrunk to the account's, shrunk to the shipped prior; train.py makes those two.

Answer per row: `best_hours` (the six likeliest, best first), `own_share` (how much of it is the customer's own, 0 to 1)
and `base` (segment, account or prior); with the option `"answer": "all"` also `probabilities`: base64 of 168 big-endian
unsigned 16-bit numbers in proportion to the probabilities, the largest 65,535. Requests: see contract.py.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

if __package__:
    from ml import contract
else:  # run by the container, where the neighbour is a module of its own
    import contract  # type: ignore[import-not-found,no-redef]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

SCHEMA_VERSION = 1
HOURS = 168
KINDS = ("opened", "clicked", "ordered")
MOST_EVENTS = 200  # of one kind and customer: the newest
LONGEST_WEEKS, LARGEST_WEIGHT = 10_000, 1000
COUNTED_WEIGHT = 20.0  # at most, of an inverse propensity: a bound trades a little bias for much variance
BEST = 6
MODEL, HISTOGRAM = "model", "account_histogram"

_HOUR = np.arange(HOURS)
_NUMBERS, _WHOLE = {int, float}, {int}


@dataclass(frozen=True)
class Triples(contract.Numbers):
    """A flat list of `hour, weeks_ago, weight`, at most `length` numbers."""

    @property
    def expected(self) -> str:
        return (
            f"a list of triples hour (whole, 0 to {HOURS - 1}), weeks_ago (0 to {LONGEST_WEEKS}), weight (above 0, at "
            f"most {LARGEST_WEIGHT}), at most {MOST_EVENTS} of them"
        )

    def fits(self, value: Any) -> bool:
        if not isinstance(value, list) or len(value) > self.length or len(value) % 3:
            return False
        if not value:
            return True
        if not set(map(type, value)) <= _NUMBERS or not isfinite(sum(value)):  # min and max pass over NaN
            return False
        hours, weeks, weights = value[::3], value[1::3], value[2::3]
        return (
            min(hours) >= 0
            and max(hours) < HOURS
            and (set(map(type, hours)) == _WHOLE or all(map(float.is_integer, map(float, hours))))
            and min(weeks) >= 0
            and max(weeks) <= LONGEST_WEEKS
            and min(weights) > 0
            and max(weights) <= LARGEST_WEIGHT
        )


_TRIPLES = Triples(3 * MOST_EVENTS, 0, LONGEST_WEEKS)
SCHEMA = contract.Schema(
    SCHEMA_VERSION,
    {
        "account": contract.Text(longest=30),
        "segment": contract.Text(longest=80, nullable=True),
        **dict.fromkeys(KINDS, _TRIPLES),
    },
    {"answer": (contract.Text(("best", "all")), "best")},
)


@dataclass(frozen=True)
class Evidence:
    """Events of `rows` customers, one entry an event: whose, kind (index into KINDS), hour, weeks ago, weight."""

    rows: int
    row: Whole
    kind: Whole
    hour: Whole
    weeks_ago: Array
    weight: Array


@dataclass(frozen=True)
class Learned:
    """What training found.

    `strength`: events that a customer's base counts for. `half_life_weeks`: after which an event counts half.
    `spread_hours`: standard deviation of the circular normal over which an event is smeared. `any_day`: share of an
    event that counts for its hour of every day rather than of its own. `kind_weights`: what one of KINDS counts.
    """

    strength: float
    half_life_weeks: float
    spread_hours: float
    any_day: float
    kind_weights: tuple[float, float, float]


@dataclass(frozen=True)
class SendTimes:
    model_id: str
    probabilities: Array  # (n, 168)
    own_share: Array  # (n,)
    base: tuple[str, ...]
    in_full: bool = False


@dataclass(frozen=True)
class SendTimeModel:
    """`accounts` and `segments` hold distributions of shape (168,), segments by (account, name)."""

    model_id: str
    serves: str
    learned: Learned
    prior: Array
    accounts: Mapping[str, Array]
    segments: Mapping[tuple[str, str], Array]

    def base_of(self, account: str, segment: str | None) -> tuple[str, Array]:
        if segment is not None and (account, segment) in self.segments and self.serves == MODEL:
            return "segment", self.segments[account, segment]
        if account in self.accounts:
            return "account", self.accounts[account]
        return "prior", self.prior

    def predict(self, accounts: Sequence[str], segments: Sequence[str | None], evidence: Evidence) -> SendTimes:
        """For customers in the evidence's order: probabilities of shape (n, 168), each row adding up to one."""
        names, bases = zip(*map(self.base_of, accounts, segments), strict=True)
        base = np.array(bases)
        if self.serves != MODEL:
            return SendTimes(self.model_id, base, np.zeros(len(base)), names)
        counts = own_counts(evidence, self.learned)
        smeared = np.empty_like(counts)
        for account in set(accounts):
            rows = np.array([each == account for each in accounts])
            smeared[rows] = counts[rows] @ kernel(self.learned, self.accounts.get(account, self.prior))
        total = counts.sum(axis=1)
        probabilities = posterior(smeared, total, base, self.learned.strength)
        return SendTimes(self.model_id, probabilities, total / (total + self.learned.strength), names)


def worth_of(evidence: Evidence, learned: Learned) -> Array:
    """What each event counts after decay: (events,)."""
    worth = np.asarray(learned.kind_weights)[evidence.kind] * np.minimum(evidence.weight, COUNTED_WEIGHT)
    return np.asarray(worth * np.exp2(-evidence.weeks_ago / learned.half_life_weeks))


def own_counts(evidence: Evidence, learned: Learned) -> Array:
    """Decayed, weighted events per customer and hour: shape (rows, 168)."""
    place = evidence.row * HOURS + evidence.hour
    counts = np.bincount(place, weights=worth_of(evidence, learned), minlength=evidence.rows * HOURS)
    return np.asarray(counts, dtype=np.float64).reshape(evidence.rows, HOURS)


def smear(learned: Learned, bases: Array) -> tuple[Array, Array]:
    """How an event spreads, the week being a circle of 168 hours and the day one of 24.

    (168,): over the hours after it, adding up to one. (bases, 24, 24): from its hour of the day over the hours of the
    day after it, such that times the base (168,) it adds up to one over the week; so what counts for the hour of every
    day goes to the days as the base does, and a shop's closed Sunday stays closed.
    """
    near, day = _circle(HOURS, learned.spread_hours), _circle(24, learned.spread_hours)
    hours = np.arange(24)
    reached = bases.reshape(-1, HOURS // 24, 24).sum(axis=1)[:, (hours[:, None] + hours) % 24] @ day
    return near / near.sum(), np.asarray(day[None, None, :] / reached[:, :, None])


def kernel(learned: Learned, base: Array) -> Array:
    """Where one event at an hour (row) counts (column): shape (168, 168), rows add up to one. See `smear`."""
    near, same_hour = smear(learned, base[None, :])
    apart = (_HOUR - _HOUR[:, None]) % HOURS
    of_day = same_hour[0][_HOUR[:, None] % 24, apart % 24] * base
    return np.asarray((1 - learned.any_day) * near[apart] + learned.any_day * of_day)


def posterior(smeared: Array, total: Array, base: Array, strength: float) -> Array:
    """Posterior mean of Dirichlet(strength x base) after `total` events spread as `smeared`: all of shape (n, 168)."""
    return np.asarray((smeared + strength * base) / (total + strength)[:, None])


def model_fn(model_dir: str | Path) -> SendTimeModel:
    """Loads `model.json`. Raises UnusableModel when it is missing, broken or of another schema."""
    return model_from(contract.read_model(model_dir))


def model_from(stored: Mapping[str, Any]) -> SendTimeModel:
    """From the content of `model.json`, as `train.stored_model` makes it. Raises UnusableModel."""
    try:
        if stored["kind"] != "send_time" or stored["schema_version"] != SCHEMA_VERSION:
            raise contract.UnusableModel("model.json was made for another request schema: train it again")
        found = stored["learned"]
        weights = found["kind_weights"]
        learned = Learned(
            float(found["strength"]),
            float(found["half_life_weeks"]),
            float(found["spread_hours"]),
            float(found["any_day"]),
            (float(weights[KINDS[0]]), float(weights[KINDS[1]]), float(weights[KINDS[2]])),
        )
        accounts = {name: _distribution(each["hours"]) for name, each in stored["accounts"].items()}
        segments = {
            (name, segment): _distribution(hours)
            for name, each in stored["accounts"].items()
            for segment, hours in each["segments"].items()
        }
        prior, serves, model_id = _distribution(stored["prior"]), stored["serves"], str(stored["model_id"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise contract.UnusableModel(f"model.json is broken: {type(error).__name__}: {error}") from error
    if serves not in (MODEL, HISTOGRAM) or min(learned.strength, learned.half_life_weeks) <= 0:
        raise contract.UnusableModel(f"model.json is broken: it serves neither {MODEL} nor {HISTOGRAM}")
    return SendTimeModel(model_id, serves, learned, prior, accounts, segments)


def input_fn(body: str | bytes, content_type: str) -> contract.Batch | contract.Rejection:
    return SCHEMA.read(body, content_type)


def predict_fn(data: contract.Batch | contract.Rejection, model: SendTimeModel) -> SendTimes | contract.Rejection:
    if isinstance(data, contract.Rejection):
        return data
    found = model.predict(data.others["account"], data.others["segment"], evidence_of(data))
    in_full = data.options["answer"] == "all"
    return SendTimes(found.model_id, found.probabilities, found.own_share, found.base, in_full)


def output_fn(prediction: SendTimes | contract.Rejection, accept: str) -> tuple[str, str] | contract.ErrorAnswer:
    """(body, content type), or an ErrorAnswer that carries its status."""
    if isinstance(prediction, contract.Rejection):
        return contract.ErrorAnswer.of(prediction)
    columns: dict[str, Array | Sequence[Any]] = {
        "best_hours": best_hours(prediction.probabilities, BEST).tolist(),
        "own_share": prediction.own_share,
        "base": prediction.base,
    }
    if prediction.in_full:
        columns["probabilities"] = encoded(prediction.probabilities)
    return contract.answer(SCHEMA_VERSION, prediction.model_id, columns, accept)


def evidence_of(batch: contract.Batch) -> Evidence:
    lists = [batch.others[kind] for kind in KINDS]
    sizes = np.array([[len(each) // 3 for each in rows] for rows in lists])
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(lists)), dtype=np.float64).reshape(-1, 3)
    row = np.repeat(np.tile(np.arange(len(batch)), len(KINDS)), sizes.ravel())
    kind = np.repeat(np.arange(len(KINDS)), sizes.sum(axis=1))
    return Evidence(len(batch), row, kind, flat[:, 0].astype(np.int64), flat[:, 1], flat[:, 2])


def best_hours(probabilities: Array, number: int) -> Whole:
    """The likeliest hours, best first, the earlier of equal ones first: (n, 168) -> (n, number)."""
    return np.argsort(-probabilities, axis=1, kind="stable")[:, :number]


def encoded(probabilities: Array) -> list[str]:
    scaled = np.rint(probabilities * (65_535 / probabilities.max(axis=1, keepdims=True))).astype(">u2")
    return [base64.b64encode(row.tobytes()).decode("ascii") for row in scaled]


def _circle(size: int, spread: float) -> Array:
    away = np.minimum(np.arange(size), size - np.arange(size))
    return np.asarray(np.exp(-0.5 * (away / max(spread, 1e-3)) ** 2))


def _distribution(values: Any) -> Array:
    hours = np.asarray(values, dtype=np.float64)
    if hours.shape != (HOURS,) or not np.all(hours > 0) or abs(hours.sum() - 1) > 1e-6:
        raise ValueError(f"a distribution is not {HOURS} positive numbers that add up to one")
    return np.asarray(hours / hours.sum())
