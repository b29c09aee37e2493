"""What a customer's churn score is when the endpoint gave none: the last one, else a rule's, else none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from winback.segmentation.snapshot import read_sql

MOST_DAYS = 28
"""How old a last score may be: training cuts are four weeks apart, so nothing is known of how scores hold longer."""

REASONS = "STRUCT(feature VARCHAR, effect DOUBLE)[]"
_SCORES = {
    "customer_key": "VARCHAR",
    "churn_probability": "DOUBLE",
    "source": "VARCHAR",
    "model_id": "VARCHAR",
    "reasons": REASONS,
}
_LAST = {
    "customer_key": "VARCHAR",
    "last_purchase_at": "TIMESTAMP",
    "churn_probability": "DOUBLE",
    "model_id": "VARCHAR",
    "churn_reasons": REASONS,
    "scored_at": "TIMESTAMP",
}
_A_MODELS = "score_source IN ('endpoint', 'last_scores')"


@dataclass(frozen=True)
class Ladder:
    """What there is besides the endpoint's answers."""

    as_of: datetime
    """Of the snapshot; aware."""
    returns: Mapping[str, float] = field(default_factory=dict)
    """Segment -> share of it that purchased within 91 days by itself; segments of too few customers are left out."""


def organic_shares(priorities: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """`Ladder.returns` from the priorities of a summary's document."""
    shares = {}
    for row in priorities:
        organic = row.get("organic") or {}
        if organic.get("share") is not None:
            shares[str(row["segment"])] = float(organic["share"])
    return shares


def settle_scores(
    connection: duckdb.DuckDBPyConnection,
    *,
    scores: Sequence[Path],
    ladder: Ladder,
    previous: tuple[Path, datetime] | None,
) -> None:
    """Creates the table `scored` (score_ladder.sql) from the relation `computed` and the JSON Lines score files.

    `previous` is the latest snapshot's file and its `as_of`, from which last scores come; None: there are none.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE scores ({_typed(_SCORES)})")
    if scores:
        connection.read_json(
            [str(path) for path in scores],  # type: ignore[arg-type]  # a list works; the stub is narrower
            format="newline_delimited",
            columns=dict(_SCORES),
        ).project(", ".join(_SCORES)).insert_into("scores")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE last_scores ({_typed(_LAST)})")
    if previous is not None:
        path, taken = previous
        rows = connection.read_parquet(str(path)).filter(_A_MODELS)
        older = {
            "churn_reasons": f"NULL::{REASONS}",
            "scored_at": f"TIMESTAMP '{_plain(taken)}'",
        }  # before they existed
        parts = (name if name in rows.columns else f"{older[name]} AS {name}" for name in _LAST)
        rows.project(", ".join(parts)).insert_into("last_scores")
    connection.execute("CREATE OR REPLACE TEMP TABLE returns (segment VARCHAR, share DOUBLE)")
    if ladder.returns:
        connection.executemany("INSERT INTO returns VALUES (?, ?)", list(ladder.returns.items()))
    connection.execute(read_sql("score_ladder"), {"as_of": _plain(ladder.as_of), "most_days": MOST_DAYS})


def _typed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
