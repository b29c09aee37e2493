"""Recommendations of an account whose orders have lines: time and peak memory, with a function's limits.

The orders are those of bench/refresh.py, each with one to five lines (three on average) of 200 categories; half of a
customer's lines are of five categories of its own.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from bench.measure import Measured, measure, report
from bench.refresh import AS_OF, MEMORY_MB, ROOT, SIZES, THREADS
from bench.refresh import prepare as prepare_orders
from winback.recommendations.writing import write_recommendations
from winback.segmentation.order_files import open_orders

_LINES = """SELECT * REPLACE (
    list_transform(range(1 + (hash(order_id) % 5)::INTEGER), lambda position: {
        'sku': NULL::VARCHAR,
        'category': 'category ' || CASE
            WHEN hash(order_id, position) % 2 = 0 THEN hash(customer_id, hash(position, order_id) % 5) % 200
            ELSE hash(order_id, position, 1) % 200
        END,
        'quantity': 1::DECIMAL(18, 3),
        'price_minor': 500::BIGINT
    }) AS lines)
FROM read_parquet($files)"""


def run(small: bool) -> None:
    """Prints time and peak memory for each size, and how they grow with ten times the data."""
    measured: list[Measured] = []
    for customers in SIZES[:1] if small else SIZES:
        path = prepare(customers)
        lines, orders = duckdb.sql(f"SELECT sum(len(lines)), count(*) FROM '{path}'").fetchall()[0]
        print(f"{customers:,} customers, {orders:,} orders with {lines:,} lines, {THREADS} threads, {MEMORY_MB} MB")
        measured.append(measure("bench.recommendations", str(path)))
        print(f"  recommendations         {measured[-1]}")
    if len(measured) == len(SIZES):
        print(f"  10 x data took {measured[1].seconds / measured[0].seconds:.1f} x time")


def prepare(customers: int) -> Path:
    """The orders of that many customers with lines, in one file, made once."""
    path = ROOT / f"lines-{customers}.parquet"
    if not path.exists():
        files = [str(file) for file in sorted(prepare_orders(customers).glob("*.parquet"))]
        with duckdb.connect(config={"threads": 1, "memory_limit": f"{MEMORY_MB}MB"}) as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute("SET preserve_insertion_order = false")
            latest = connection.sql(_LINES, params={"files": files}).filter("received_at < TIMESTAMP '2026-01-02'")
            latest.write_parquet(str(path.with_suffix(".part")), compression="zstd")
        path.with_suffix(".part").rename(path)
    return path


def _recommend(path: Path) -> None:
    with TemporaryDirectory() as scratch:
        config = {"threads": THREADS, "memory_limit": f"{MEMORY_MB}MB", "temp_directory": f"{scratch}/spill"}
        with duckdb.connect(config=config) as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute("SET preserve_insertion_order = false")
            open_orders(connection, parquet=[path], json_lines=[], currency="EUR")
            write_recommendations(connection, Path(scratch) / "out", as_of=AS_OF)


if __name__ == "__main__":
    report(lambda: _recommend(Path(sys.argv[1])))
