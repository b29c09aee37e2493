"""Writes the offer model's training rows: decisions of the lake joined with the margin that followed. Uses DuckDB."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path

import duckdb

from winback.predictions.offers.contract import OFFER_FEATURES

WINDOW_DAYS = 30
"""Orders within so many days after a decision are its reward."""
TEST_DAYS = 30
_ARM = (
    "STRUCT(arm VARCHAR, uplift DOUBLE, error DOUBLE, source VARCHAR, model_id VARCHAR, value_minor BIGINT, "
    "spend_minor BIGINT, cost_minor BIGINT, propensity DOUBLE)"
)
_DECISION = {
    "record_version": "INTEGER",
    "account_id": "VARCHAR",
    "decision_id": "VARCHAR",
    "customer_key": "VARCHAR",
    "decided_at": "TIMESTAMP",
    "features": f"STRUCT({', '.join(f'{name} DOUBLE' for name in OFFER_FEATURES)})",
    "currency": "VARCHAR",
    "margin_minor": "BIGINT",
    "arms": f"{_ARM}[]",
    "arm": "VARCHAR",
    "propensity": "DOUBLE",
    "source": "VARCHAR",
    "model_id": "VARCHAR",
    "cost_minor": "BIGINT",
    "spend_minor": "BIGINT",
}


def create_decisions(connection: duckdb.DuckDBPyConnection, paths: Sequence[str | Path]) -> None:
    """Makes the table `decisions` of objects as `records.decisions_key` names them; empty without any."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _DECISION.items())
    connection.execute(f"CREATE OR REPLACE TABLE decisions ({columns})")
    if paths:
        types = ", ".join(f"{name}: '{kind}'" for name, kind in _DECISION.items())
        read = f"read_json($paths, format = 'newline_delimited', columns = {{{types}}})"
        connection.execute(f"INSERT INTO decisions SELECT * FROM {read}", {"paths": [str(path) for path in paths]})  # noqa: S608


@dataclass(frozen=True)
class Written:
    train_rows: int
    test_rows: int


def write_train_and_test(
    connection: duckdb.DuckDBPyConnection,
    *,
    until: datetime,
    train: Path,
    test: Path,
    test_days: int = TEST_DAYS,
    window_days: int = WINDOW_DAYS,
    margin_share: float = 1.0,
) -> Written:
    """Writes the decisions of the last `test_days` whose window is over at `until` to `test`, and to `train` those
    whose window was over before the first of them: no order is the reward of both."""
    cut = until - timedelta(days=window_days + test_days)
    known = partial(write_training_rows, connection, window_days=window_days, margin_share=margin_share)
    return Written(known(train, until=cut), known(test, until=until, since=cut))


def write_training_rows(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    until: datetime,
    since: datetime | None = None,
    window_days: int = WINDOW_DAYS,
    margin_share: float = 1.0,
) -> int:
    """Writes a CSV with a header for ml/offer/train.py from `decisions` and `orders`; returns its number of rows.

    `until` (UTC): nothing later is known. `since`: decisions before it are left out, for the rows of a later test.
    `margin_share`: of an order whose cost is not known, how much of its amount counts as margin.
    """
    statement = files("winback.predictions.offers").joinpath("training_rows.sql").read_text(encoding="utf-8")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE training_rows AS {statement}",
        {"until": _utc(until), "window_days": window_days, "margin_share": margin_share},
    )
    if since is not None:
        connection.execute("DELETE FROM training_rows WHERE decided_at < ?", [_utc(since)])
    connection.execute("COPY training_rows TO '" + str(path).replace("'", "''") + "' (HEADER)")
    found = connection.execute("SELECT count(*) FROM training_rows").fetchone()
    assert found is not None
    return int(found[0])


def _utc(moment: datetime) -> datetime:
    """As the lake's timestamps are: UTC without an offset."""
    return moment.astimezone(UTC).replace(tzinfo=None)
