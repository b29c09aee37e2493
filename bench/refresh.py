"""Refresh compute against a bare GROUP BY customer over the same Parquet files.

The orders are made up by a documented process: first purchases are spread over two of three years; a customer purchases
at a rate drawn from an exponential distribution and stops at a moment drawn from another (a Pareto/NBD-like population:
Schmittlein, Morrison and Colombo, Management Science 33 (1987) 1-24); amounts are log-normal around a customer's own
level; 3 % are returns. The lake holds one history file of 90 %, by time, and nine later files; 1 % of the orders have a
newer version in a later file.

Two refreshes are measured. The *full* one is an account's first, or follows upon a change of what all histories rest on
(docs/decisions/2026-11-22-daily-refresh.md): it calibrates the rubric, computes every customer from its orders, and
leaves their histories. The *daily* one is a day later, when 1 % of the customers ordered: it applies that rubric and
carries the other histories. Both compute facts, segments, grid, overlays and behaviours of every customer and write
the snapshot.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from bench.measure import Measured, best, report
from winback.segmentation.computed import write_computed, write_parts
from winback.segmentation.increments import open_touched_orders
from winback.segmentation.order_files import OrderFiles, open_orders
from winback.segmentation.rubric import Rubric
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import summarise

ROOT = Path(__file__).parents[1] / "build" / "bench"
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
MEMORY_MB, THREADS = 1_300, 2
SIZES = (100_000, 1_000_000)
"""Customers; each has ten orders on average."""

_BARE = """CREATE TABLE bare AS SELECT customer_key, count(*) AS orders, sum(amount_minor) AS net_minor,
    min(ordered_at) AS first_at, max(ordered_at) AS last_at FROM read_parquet(?) GROUP BY customer_key"""

_ORDERS = """CREATE TABLE made AS
WITH customers AS (
    SELECT number, md5(number::VARCHAR) AS customer_key, setseed(0.42) IS NULL AS seeded,
        floor(random() * 730)::INTEGER AS first_day, 1 + floor(-ln(1 - random()) * 9.6)::INTEGER AS orders,
        60 - ln(1 - random()) * 500 AS alive_days, 6 + 2 * random() AS level
    FROM range($customers) AS numbers(number)
),
orders AS (
    SELECT *, unnest(range(orders)) AS position FROM customers
)
SELECT
    'O' || number || '-' || position AS order_id,
    'C' || number AS customer_id,
    customer_key,
    TIMESTAMP '2023-01-01' + to_seconds((86400 * least(
        first_day + CASE WHEN position = 0 THEN 0 ELSE random() * alive_days END, 1094.9))::BIGINT) AS ordered_at,
    ((CASE WHEN position > 0 AND random() < 0.03 THEN -1 ELSE 1 END) * exp(level + random()))::BIGINT AS amount_minor,
    'EUR' AS currency,
    0::BIGINT AS discount_minor,
    NULL::STRUCT(sku VARCHAR, category VARCHAR, quantity DECIMAL(18, 3), price_minor BIGINT)[] AS lines,
    md5(number || ':' || position)[:16] AS fingerprint,
    TIMESTAMP '2026-01-01' AS received_at,
    random() AS draw
FROM orders"""


_FRESH = """CREATE TABLE fresh AS
SELECT
    * REPLACE (
        'D' || order_id AS order_id, TIMESTAMP '2026-01-01 12:00:00' AS ordered_at,
        TIMESTAMP '2026-01-01 13:00:00' AS received_at)
FROM read_parquet(?)
WHERE hash(customer_key) % 100 = 0
QUALIFY row_number() OVER (PARTITION BY customer_key ORDER BY order_id) = 1"""


def run(small: bool) -> None:
    """Prints times, ratios and peak memory for each size, and how they grow with ten times the data."""
    measured: dict[str, list[Measured]] = {"full": [], "daily": []}
    for customers in SIZES[:1] if small else SIZES:
        folder = prepare(customers)
        files = sorted(folder.glob("*.parquet"))
        orders = sum(duckdb.read_parquet(str(path)).shape[0] for path in files)
        print(f"{customers:,} customers, {orders:,} orders in {len(files)} files, {THREADS} threads")
        bare = best("bench.refresh", "bare", str(folder))
        print(f"  bare GROUP BY           {bare}")
        for kind, figures in measured.items():
            found = best("bench.refresh", kind, str(folder))
            figures.append(found)
            wall, cpu = found.seconds / bare.seconds, found.cpu_seconds / bare.cpu_seconds
            print(f"  {kind:5} refresh           {found}   {wall:.2f} x wall, {cpu:.2f} x CPU (budget 4)")
        print(f"  daily, parts to score   {best('bench.refresh', 'parts', str(folder), runs=1)}")
    for kind, figures in measured.items():
        if len(figures) == len(SIZES):
            print(f"  {kind}: 10 x data took {figures[1].seconds / figures[0].seconds:.1f} x time (budget 11)")


def prepare(customers: int) -> Path:
    """The order files of that many customers, made once."""
    folder = ROOT / f"orders-{customers}"
    if (folder / ".done").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(_ORDERS, {"customers": customers})
        orders = connection.table("made")
        columns = "* EXCLUDE (draw)"
        orders.filter("draw < 0.9").project(columns).order("ordered_at").write_parquet(
            str(folder / "history.parquet"), compression="zstd"
        )
        for number in range(1, 10):
            low = 0.9 + (number - 1) / 90
            new = orders.filter(f"draw >= {low} AND draw < {low + 1 / 90}").project(columns)
            # Newer versions of a few orders of the history arrive with the first later file.
            again = orders.filter(f"draw < 0.01 AND {number} = 1").project(
                "* EXCLUDE (draw) "
                "REPLACE (received_at + INTERVAL 1 DAY AS received_at, amount_minor + 1 AS amount_minor)"
            )
            new.union(again).write_parquet(str(folder / f"later-{number}.parquet"), compression="zstd")
    (folder / ".done").touch()
    return folder


def _bare(folder: Path) -> None:
    with duckdb.connect(config={"threads": THREADS}) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(_BARE, [[str(path) for path in sorted(folder.glob("*.parquet"))]])


@contextmanager
def _opened() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A connection with a function's limits, and a folder."""
    with TemporaryDirectory() as scratch:
        connection = duckdb.connect(
            config={"threads": THREADS, "memory_limit": f"{MEMORY_MB}MB", "temp_directory": f"{scratch}/spill"}
        )
        with connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute("SET preserve_insertion_order = false")
            yield connection, Path(scratch)


def _full(folder: Path) -> None:
    """Leaves what the daily refresh starts from in the folder `before`."""
    left = folder / "before"
    left.mkdir(exist_ok=True)
    with _opened() as (connection, scratch):
        open_orders(connection, parquet=sorted(folder.glob("*.parquet")), json_lines=[], currency="EUR")
        rubric = build_snapshot(connection, as_of=AS_OF, histories_to=left / "histories.parquet")
        (left / "rubric.json").write_text(rubric.model_dump_json(), encoding="utf-8")
        _write(connection, scratch, AS_OF, rubric)


def _daily(folder: Path, *, parts: bool = False) -> None:
    left, as_of = folder / "before", AS_OF + timedelta(days=1)
    rubric = Rubric.model_validate_json((left / "rubric.json").read_text(encoding="utf-8"))
    covered = sorted(folder.glob("*.parquet"))
    with _opened() as (connection, scratch):
        open_touched_orders(
            connection,
            covered=OrderFiles(tuple(covered)),
            fresh=OrderFiles((_orders_of_the_day(folder),)),
            histories=left / "histories.parquet",
            since=AS_OF,
            as_of=as_of,
            currency="EUR",
        )
        build_snapshot(connection, as_of=as_of, rubric=rubric, histories_to=scratch / "histories.parquet")
        _write(connection, scratch, as_of, rubric)
        if parts:
            for _ in write_parts(connection, scratch):
                pass


def _write(connection: duckdb.DuckDBPyConnection, scratch: Path, as_of: datetime, rubric: Rubric) -> None:
    summarise(connection, as_of=as_of, currency="EUR", rubric=rubric)
    write_computed(connection, scratch / "customers.parquet")


def _orders_of_the_day(folder: Path) -> Path:
    """1 % of the customers order once more, on the day after AS_OF; made once."""
    path = folder / "fresh" / "day.parquet"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(_FRESH, [str(folder / "history.parquet")])
            connection.table("fresh").write_parquet(str(path), compression="zstd")
    return path


_WORK: dict[str, Callable[[Path], None]] = {
    "bare": _bare,
    "full": _full,
    "daily": _daily,
    "parts": partial(_daily, parts=True),
}

if __name__ == "__main__":
    what, where = sys.argv[1], Path(sys.argv[2])
    _orders_of_the_day(where)
    report(lambda: _WORK[what](where))
