"""Refresh compute against a bare GROUP BY customer over the same Parquet files.

The orders are made up by a documented process: first purchases are spread over two of three years; a customer purchases
at a rate drawn from an exponential distribution and stops at a moment drawn from another (a Pareto/NBD-like population:
Schmittlein, Morrison and Colombo, Management Science 33 (1987) 1-24); amounts are log-normal around a customer's own
level; 3 % are returns. The lake holds one history file of 90 %, by time, and nine later files; 1 % of the orders have a
newer version in a later file.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from bench.measure import Measured, best, report
from winback.segmentation.computed import write_computed, write_parts
from winback.segmentation.order_files import open_orders
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


def run(small: bool) -> None:
    """Prints time, ratio and peak memory for each size, and how time grows with ten times the data."""
    refreshed: dict[int, Measured] = {}
    for customers in SIZES[:1] if small else SIZES:
        folder = prepare(customers)
        files = sorted(folder.glob("*.parquet"))
        orders = sum(duckdb.read_parquet(str(path)).shape[0] for path in files)
        print(f"{customers:,} customers, {orders:,} orders in {len(files)} files, {THREADS} threads")
        bare = best("bench.refresh", "bare", str(folder))
        refreshed[customers] = best("bench.refresh", "refresh", str(folder))
        scored = best("bench.refresh", "parts", str(folder), runs=1)
        ratio = refreshed[customers].seconds / bare.seconds
        cpu_ratio = refreshed[customers].cpu_seconds / bare.cpu_seconds
        print(f"  bare GROUP BY         {bare}")
        print(f"  refresh               {refreshed[customers]}   {ratio:.2f} x wall, {cpu_ratio:.2f} x CPU (budget 4)")
        print(f"  and parts to score    {scored}")
    if len(refreshed) == len(SIZES):
        few, many = (refreshed[customers].seconds for customers in SIZES)
        print(f"  10 x data took {many / few:.1f} x time (budget 11)")


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


def _refresh(folder: Path, *, parts: bool) -> None:
    with (
        TemporaryDirectory() as scratch,
        duckdb.connect(
            config={
                "threads": THREADS,
                "memory_limit": f"{MEMORY_MB}MB",
                "temp_directory": f"{scratch}/spill",
            }
        ) as connection,
    ):
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = false")
        open_orders(connection, parquet=sorted(folder.glob("*.parquet")), json_lines=[], currency="EUR")
        rubric = build_snapshot(connection, as_of=AS_OF)
        summarise(connection, as_of=AS_OF, currency="EUR", rubric=rubric)
        write_computed(connection, Path(scratch) / "customers.parquet")
        if parts:
            for _ in write_parts(connection, Path(scratch)):
                pass


if __name__ == "__main__":
    what, where = sys.argv[1], Path(sys.argv[2])
    report(lambda: _bare(where) if what == "bare" else _refresh(where, parts=what == "parts"))
