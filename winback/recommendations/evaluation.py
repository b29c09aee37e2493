"""Judges the ranking by time: was one of the five recommended items in the customer's next order?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
from numpy.typing import NDArray

from winback.recommendations.learning import Item, Learner, Ranker, Settings, best

_DRAWS = 2_000
_FEWEST_CUSTOMERS = 20
"""Below, the bootstrap's interval is too short to conclude from."""
BASELINES = (Ranker.POPULAR, Ranker.LAST, Ranker.OWN)


@dataclass(frozen=True)
class Cut:
    """One moment: who ordered in the window after it, and of each whether a ranking hit (1) or missed (0)."""

    as_of: datetime
    customers: tuple[str, ...]
    hits: Mapping[Ranker, NDArray[np.int64]]
    found: Mapping[Ranker, NDArray[np.int64]]
    """How many of the recommended items the next order had."""
    known: int
    """Customers with lines before the moment, whether or not they ordered after it."""


@dataclass(frozen=True)
class Score:
    ranker: Ranker
    hit_rate: float
    precision: float
    """Of five recommended items, the share that the next order had."""


@dataclass(frozen=True)
class Against:
    """The model's hit rate minus the baseline's, with the 95 % interval of a paired bootstrap over customers."""

    baseline: Ranker
    difference: float
    low: float
    high: float
    customers: int

    @property
    def better(self) -> bool:
        return self.low > 0 and self.customers >= _FEWEST_CUSTOMERS

    @property
    def worse(self) -> bool:
        return self.high < 0 and self.customers >= _FEWEST_CUSTOMERS


def judge(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    item: Item,
    settings: Settings,
    *,
    segments: str | None = None,
) -> Cut:
    """Ranks as of the moment, for the customers that the account is learned from, and looks what they bought next."""
    learner = Learner(connection, item, settings)
    learner.learn(as_of, segments=segments)
    learner.find_baselines()
    learner.find_next(as_of)
    hits: dict[Ranker, NDArray[np.int64]] = {}
    found: dict[Ranker, NDArray[np.int64]] = {}
    customers: tuple[str, ...] = ()
    for ranker in Ranker:
        learner.rank(as_of, ranker)
        rows = connection.execute(
            "SELECT customer_id, count(ranked.item) FROM ("
            "SELECT customer_id, item FROM next_items SEMI JOIN item_histories USING (customer_id)) AS next_known "
            "LEFT JOIN ranked USING (customer_id, item) GROUP BY customer_id ORDER BY customer_id"
        ).fetchall()
        customers = tuple(str(customer) for customer, _ in rows)
        found[ranker] = np.array([number for _, number in rows], dtype=np.int64)
        hits[ranker] = np.minimum(found[ranker], 1)
    ((known,),) = connection.execute("SELECT count(DISTINCT customer_id) FROM item_histories").fetchall()
    return Cut(as_of, customers, hits, found, known)


def scores(cuts: Sequence[Cut], settings: Settings) -> tuple[Score, ...]:
    """Over all cuts, each order counting once."""
    return tuple(
        Score(
            ranker,
            float(np.concatenate([cut.hits[ranker] for cut in cuts]).mean()),
            float(np.concatenate([cut.found[ranker] for cut in cuts]).mean() / settings.most),
        )
        for ranker in Ranker
    )


def compare(cuts: Sequence[Cut], baseline: Ranker, *, seed: int) -> Against:
    """The bootstrap draws customers, each with all of its orders: those of one customer are alike."""
    names = sorted({customer for cut in cuts for customer in cut.customers})
    places = {name: place for place, name in enumerate(names)}
    gained, orders = np.zeros(len(names)), np.zeros(len(names))
    for cut in cuts:
        at = np.array([places[customer] for customer in cut.customers])
        gained[at] += cut.hits[Ranker.MODEL] - cut.hits[baseline]
        orders[at] += 1
    chance = np.random.default_rng(seed)
    drawn = np.empty(_DRAWS)
    for draw in range(_DRAWS):
        chosen = chance.integers(len(names), size=len(names))
        drawn[draw] = gained[chosen].sum() / orders[chosen].sum()
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Against(baseline, float(gained.sum() / orders.sum()), float(low), float(high), len(names))


def served(given: Sequence[Score]) -> Ranker:
    """The model, unless a judge has the higher hit rate, which is then served: the rule of every refresh too."""
    rates = {score.ranker: score.hit_rate for score in given}
    return best(rates)
