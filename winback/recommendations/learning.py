"""Learns from an account's order lines what is bought again, when, and together; ranks what a customer may buy next.

The statements beside this module say how. Nothing at or after `as_of` is read, but for the order that came next, by
which an earlier moment's forecast is judged.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Any, Literal

import duckdb

Item = Literal["category", "sku"]

BANDS = (0.25, 0.5, 1.0, 1.0, 0.8)
"""Due factors as long as an account has not shown its own: what was bought less than a quarter, or half, of the usual
time ago is hardly due; after twice the usual time it may have been given up."""
_BAND_STRENGTH = 50.0  # expected purchases by which a factor is shrunk to the one above


class Ranker(StrEnum):
    MODEL = "model"
    POPULAR = "popular"
    LAST = "last"
    OWN = "own"


JUDGES = (Ranker.POPULAR, Ranker.LAST)
"""What the model must beat to be served. A customer's own favourites are shown beside them: they are hard to beat."""


def best(hit_rates: Mapping[Ranker, float]) -> Ranker:
    """The model, unless a judge has the higher hit rate."""
    return max((Ranker.MODEL, *JUDGES), key=lambda ranker: hit_rates[ranker])


@dataclass(frozen=True)
class Settings:
    """Chosen on Complete Journey as of 2017-07-01; later moments judged them (docs/models/recommendations.md)."""

    most: int = 5
    window_days: int = 28
    """Of the next order by which forecasts are judged."""
    learned_from: int = 20_000
    """Customers, by a hash of theirs, that item statistics are learned from: enough for rates, and bounded."""
    learned_lines: int = 2_000_000
    """Likewise: those of one customer more are not read."""
    memory_days: int = 180
    strength: float = 8.0
    gap_strength: float = 2.0
    few: float = 10.0
    own: int = 3
    popular: int = 5
    baskets: int = 100_000
    largest_basket: int = 40
    support: int = 5
    shrinkage: float = 10.0
    partners: int = 5
    not_due_below: float = 0.5


SETTINGS = Settings()
FEWEST_JUDGED = 100
"""Orders by which a refresh judges the model of its own account; with fewer it is served unjudged."""


@dataclass(frozen=True)
class Learner:
    """On a connection with the relation `orders` (item_days.sql). Its tables are temporary, and its own."""

    connection: duckdb.DuckDBPyConnection
    item: Item
    settings: Settings = field(default=SETTINGS)

    def learn(self, as_of: datetime, *, segments: str | None = None) -> None:
        """Leaves statistics of before `as_of` and due factors on the connection, and the candidates of its sample.

        The factors come from what the same customers did in the window before, forecast from what was before that.
        `segments`: a relation of customer_id and segment; without one all are in one.
        """
        self.choose_sample(as_of)
        earlier = as_of - timedelta(days=self.settings.window_days)
        self.set_factors(dict(enumerate(BANDS)))
        self.statistics(earlier, segments=None)
        self.find_candidates(earlier)
        self.find_next(earlier)
        self.set_factors(self.observed_factors())
        self.statistics(as_of, segments=segments)
        self.find_candidates(as_of)

    def observed_factors(self) -> dict[int, float]:
        """By band, from the candidates at hand and what was bought next; shrunk to BANDS."""
        factors = dict(enumerate(BANDS))
        for band, seen, expected in self.connection.execute(read_sql("due_observed")).fetchall():
            factors[band] = (seen + _BAND_STRENGTH * BANDS[band]) / (expected + _BAND_STRENGTH)
        return factors

    def choose_sample(self, as_of: datetime) -> None:
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE chosen_customers AS WITH customers AS ("
            "SELECT customer_id, sum(len(lines)) AS lines FROM orders "
            "WHERE ordered_at < $as_of AND len(lines) > 0 GROUP BY customer_id), "
            "chosen AS (SELECT * FROM customers ORDER BY hash(customer_id), customer_id LIMIT $customers) "
            "SELECT customer_id FROM chosen "
            "QUALIFY sum(lines) OVER (ORDER BY hash(customer_id), customer_id) - lines < $lines",
            {
                "as_of": plain(as_of),
                "customers": self.settings.learned_from,
                "lines": self.settings.learned_lines,
            },
        )

    def choose_bucket(self, bucket: int, buckets: int) -> None:
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE chosen_customers AS "
            "SELECT DISTINCT customer_id FROM orders WHERE len(lines) > 0 AND hash(customer_id) % $buckets = $bucket",
            {"bucket": bucket, "buckets": buckets},
        )

    def statistics(self, as_of: datetime, *, segments: str | None) -> None:
        """Of the chosen customers."""
        self.set_segments(segments)
        self.read_histories(as_of)
        self._run("item_statistics", {"few": self.settings.few})
        names = ("baskets", "largest_basket", "support", "shrinkage", "partners")
        self._run("item_partners", {name: asdict(self.settings)[name] for name in names})

    def set_segments(self, segments: str | None) -> None:
        """Of the chosen customers."""
        chosen = self.connection.table("chosen_customers")
        known = chosen.project("customer_id, 'everybody' AS segment")
        if segments is not None:
            known = self.connection.table(segments).project("customer_id, segment").join(chosen, "customer_id", "semi")
        known.create_view("known_segments", replace=True)
        self.connection.execute("CREATE OR REPLACE TEMP TABLE segments_now AS FROM known_segments")

    def read_histories(self, as_of: datetime) -> None:
        """Of the chosen customers."""
        self._run("item_days", {"as_of": plain(as_of)})
        self._run("item_histories", {"as_of": plain(as_of), "memory_days": self.settings.memory_days})

    def set_factors(self, factors: dict[int, float]) -> None:
        self.connection.execute("CREATE OR REPLACE TEMP TABLE due_factors (due_band INTEGER, factor DOUBLE)")
        self.connection.executemany("INSERT INTO due_factors VALUES (?, ?)", list(factors.items()))

    def find_candidates(self, as_of: datetime) -> None:
        names = ("strength", "gap_strength", "own", "popular")
        self._run("candidates", {"as_of": plain(as_of), **{name: asdict(self.settings)[name] for name in names}})

    def find_next(self, as_of: datetime) -> None:
        until = as_of + timedelta(days=self.settings.window_days)
        self._run("next_items", {"as_of": plain(as_of), "until": plain(until)})

    def find_baselines(self) -> None:
        self._run("baselines", {"most": self.settings.most})

    def rank(self, as_of: datetime, ranker: Ranker) -> None:
        """Creates the table `ranked` of ranked.sql, of the candidates at hand; a baseline has been found before."""
        if ranker is Ranker.MODEL:
            ranking = "SELECT *, -score AS place FROM candidates"
        else:
            ranking = (
                f"SELECT candidates.* EXCLUDE (customer_id, item, kind), customer_id, item, "  # noqa: S608 ours
                "coalesce(kind, 'popular') AS kind, rank AS place FROM baseline_ranks "
                f"LEFT JOIN candidates USING (customer_id, item) WHERE ranker = '{ranker}'"
            )
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW ranking AS {ranking}")
        kept = self.settings.not_due_below if ranker is Ranker.MODEL else 0.0
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE ranked AS {read_sql('ranked')}",
            {"as_of": plain(as_of), "most": self.settings.most, "not_due_below": kept},
        )

    def hits(self) -> tuple[int, float]:
        """Known customers who ordered next, and of those the share with a ranked item in that order."""
        ((orders, rate),) = self.connection.execute(read_sql("hits")).fetchall()
        return orders, rate or 0.0

    def forget(self) -> None:
        """Frees the tables of the customers at hand."""
        for table in ("item_days", "item_histories", "candidates", "ranked", "next_items", "baseline_ranks"):
            self.connection.execute(f"DROP TABLE IF EXISTS {table}")

    def _run(self, name: str, parameters: dict[str, Any]) -> None:
        for statement in read_sql(name).replace("{item}", self.item).split(";\n"):
            used = {key: value for key, value in parameters.items() if f"${key}" in statement}
            self.connection.execute(statement, used)


def item_of(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> tuple[Item | None, int]:
    """What recommendations can be about: categories where at least half of the lines have one, else products; None
    where orders have no lines with either. And the number of lines."""
    ((lines, categories, skus),) = connection.execute(
        "SELECT coalesce(sum(len(lines)), 0)::BIGINT, "
        "coalesce(sum(len(list_filter(lines, lambda line: line.category <> ''))), 0)::BIGINT, "
        "coalesce(sum(len(list_filter(lines, lambda line: line.sku <> ''))), 0)::BIGINT "
        "FROM orders WHERE ordered_at < $as_of AND amount_minor >= 0",
        {"as_of": plain(as_of)},
    ).fetchall()
    if categories and categories * 2 >= lines:
        return "category", lines
    return ("sku" if skus else None), lines


def plain(moment: datetime) -> datetime:
    """As DuckDB's TIMESTAMP in UTC. Raises ValueError without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    return moment.astimezone(UTC).replace(tzinfo=None)


def read_sql(name: str) -> str:
    """Without whole lines of comment, for those may name parameters and end in a semicolon."""
    text = files("winback.recommendations").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
