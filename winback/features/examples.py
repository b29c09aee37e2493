"""Labelled examples of churn from an account's own orders: facts at cuts in time, and who purchased afterwards.

Nothing of a row but its label knows an order on or after its cut, and a cut is only used once its label window, the
`horizon_days` from the cut on, has passed entirely. The newest such cut is the test; the cuts to train on have windows
that had passed before the test's began, so that whoever learned from them knew nothing of what is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from winback.features.contract import SCORED
from winback.features.facts import compute_facts
from winback.features.inputs import exists

if TYPE_CHECKING:
    import duckdb

HORIZON_DAYS = 91
SPACING_DAYS = 28
"""Between cuts to train on: four weeks, so that each sees the same days of the week."""
HISTORY_DAYS = 91
"""Of orders before the earliest cut."""
MOST_CUTS = 12
MOST_ROWS = 200_000
"""Of all cuts together; of larger accounts a share of the customers is taken, by a digest of their ids."""
LABEL = "churned"
STANDINGS = ("not_lapsed", "lapsed", "one_order")
_RELATIONS = ("orders", "touches", "profiles")
_SHARES = 1 << 20


class TooLittleHistory(ValueError):
    """The orders do not reach far enough back for a cut to train on and one to test with."""


@dataclass(frozen=True)
class Cuts:
    """Moments that facts are taken at: `train`, latest first, and `test`."""

    train: tuple[datetime, ...]
    test: datetime


@dataclass(frozen=True)
class Written:
    """What `write_examples` wrote."""

    cuts: Cuts
    train_rows: int
    test_rows: int
    customer_share: float
    """Of the account's customers that the rows are of."""


def choose_cuts(first: datetime, until: datetime, *, horizon_days: int = HORIZON_DAYS, most: int = MOST_CUTS) -> Cuts:
    """For orders from `first` until `until`, the first moment that they do not cover. Raises TooLittleHistory."""
    test = until - timedelta(days=horizon_days)
    return Cuts(tuple(training_cuts(first, test, horizon_days=horizon_days, most=most)), test)


def training_cuts(
    first: datetime, until: datetime, *, horizon_days: int = HORIZON_DAYS, most: int = MOST_CUTS
) -> list[datetime]:
    """Latest first: label windows passed by `until`, and 91 days of orders since `first`. Raises TooLittleHistory."""
    latest = until - timedelta(days=horizon_days)
    cuts = [latest - timedelta(days=SPACING_DAYS * number) for number in range(most)]
    kept = [cut for cut in cuts if cut >= first + timedelta(days=HISTORY_DAYS)]
    if not kept:
        needed = HISTORY_DAYS + horizon_days
        raise TooLittleHistory(
            f"{max(0, (until - first).days)} days of orders lie before {until:%Y-%m-%d}, the first on "
            f"{first:%Y-%m-%d}: learning who buys nothing within {horizon_days} days takes {needed}, and "
            f"{horizon_days} days of orders after them test it"
        )
    return kept


def examples_at(connection: "duckdb.DuckDBPyConnection", cut: datetime, *, horizon_days: int = HORIZON_DAYS) -> int:
    """Creates the tables `facts` and `examples` (examples.sql) of `orders`; returns the rows.

    `orders` and what may stand beside it: as compute_facts reads them. The account's rhythm and premium cuts are
    estimated from the orders before the cut.
    """
    compute_facts(connection, as_of=cut)
    start = cut.astimezone(UTC).replace(tzinfo=None)
    statement = files("winback.features").joinpath("examples.sql").read_text(encoding="utf-8")
    connection.execute(
        statement.replace("{features}", ", ".join(f"facts.{name}" for name in SCORED)),
        {"cut": start, "until": start + timedelta(days=horizon_days)},
    )
    return int(connection.execute("SELECT count(*) FROM examples").fetchall()[0][0])


def write_examples(
    connection: "duckdb.DuckDBPyConnection",
    *,
    until: datetime,
    train: Path,
    test: Path,
    scratch: Path,
    horizon_days: int = HORIZON_DAYS,
    most_rows: int = MOST_ROWS,
) -> Written:
    """Writes the CSV files of a training job: `train`, all cuts to train on, and `test`, the last cut.

    `connection` has `orders` as compute_facts reads it, and `touches` and `profiles` where the account has them; it is
    only read. `until`: the moment that the orders are known until (exclusive), such as the snapshot's `as_of`.
    `scratch` is an empty folder for copies. A header, then one row a customer and cut: cut, standing, the features
    that models read (SCORED; an empty cell where unknown) and churned. The same orders give the same rows. About
    `most_rows` rows at most. Raises TooLittleHistory.
    """
    moment = until.astimezone(UTC).replace(tzinfo=None)
    ((first, customers),) = connection.execute(
        "SELECT min(ordered_at), count(DISTINCT customer_id) "
        "FROM orders WHERE amount_minor >= 0 AND ordered_at < $until",
        {"until": moment},
    ).fetchall()
    if first is None:
        raise TooLittleHistory(f"there is no purchase before {until:%Y-%m-%d}")
    cuts = choose_cuts(first.replace(tzinfo=UTC), until, horizon_days=horizon_days)
    share = min(1.0, most_rows / (customers * (len(cuts.train) + 1)))
    copied = _copy_sample(connection, moment, share, scratch)
    with _like(connection, scratch) as own:
        for name, path in copied.items():
            own.read_parquet(str(path)).create(name)
        return Written(
            cuts=cuts,
            train_rows=_write(own, cuts.train, train, horizon_days),
            test_rows=_write(own, [cuts.test], test, horizon_days),
            customer_share=share,
        )


def _copy_sample(
    connection: "duckdb.DuckDBPyConnection", until: datetime, share: float, scratch: Path
) -> dict[str, Path]:
    """Parquet files of the rows of some customers, the same ones in each relation."""
    chosen = "TRUE"
    if share < 1:
        chosen = f"('0x' || md5(customer_id)[1:5])::INTEGER < {round(share * _SHARES)}"
    copied = {}
    for name in _RELATIONS:
        if exists(connection, name):
            rows = connection.table(name) if name in _tables(connection) else connection.view(name)
            before = f"ordered_at < TIMESTAMP '{until}'" if name == "orders" else "TRUE"
            copied[name] = scratch / f"{name}.parquet"
            rows.filter(f"{chosen} AND {before}").write_parquet(str(copied[name]), compression="zstd")
    return copied


def _tables(connection: "duckdb.DuckDBPyConnection") -> set[str]:
    return {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}


def _like(connection: "duckdb.DuckDBPyConnection", scratch: Path) -> "duckdb.DuckDBPyConnection":
    """A connection to an empty database that may use as much of the machine."""
    import duckdb  # noqa: PLC0415 (statements are imported where there is no DuckDB)

    names = ("memory_limit", "threads")
    given = connection.execute(f"SELECT {', '.join(f'current_setting($${name}$$)' for name in names)}").fetchall()
    limits: dict[str, Any] = dict(zip(names, given[0], strict=True))
    own = duckdb.connect(config={**limits, "temp_directory": str(scratch), "autoinstall_known_extensions": False})
    own.execute("SET enable_progress_bar = false")
    return own


def _write(connection: "duckdb.DuckDBPyConnection", cuts: Sequence[datetime], path: Path, horizon_days: int) -> int:
    rows = 0
    for number, cut in enumerate(cuts):
        rows += examples_at(connection, cut, horizon_days=horizon_days)
        verb = "INSERT INTO written FROM examples" if number else "CREATE OR REPLACE TABLE written AS FROM examples"
        connection.execute(verb)
    path.parent.mkdir(parents=True, exist_ok=True)
    connection.table("written").write_csv(str(path), header=True)
    return rows
