"""A refresh's computation on Spark beside DuckDB's, and beside pandas doing only the RFM part of it.

The orders are those of bench/refresh.py. Both engines take the latest versions, calibrate, compute all facts, segments,
overlays and behaviours, sum them up and write customers.parquet; no row of the two files may differ. pandas gets
customer, time and amount of all versions, and counts purchase days, value and recency per customer with quintiles; it
reads Parquet through DuckDB, for pyarrow is not among the dependencies. Spark runs in one process of two threads, its
start and end are part of the time, and its memory is the Java's and the Python's together.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from bench.measure import Measured, measure, peak_kb, report
from bench.refresh import AS_OF, MEMORY_MB, SIZES, THREADS, prepare
from local.spark import java_process, local_spark
from winback.segmentation.computed import write_computed
from winback.segmentation.order_files import open_orders
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import summarise
from winback.spark.connection import SparkConnection, as_duckdb
from winback.spark.lake_files import LakeFiles
from winback.spark.lake_files import open_orders as open_orders_on_spark

SPARK_MEMORY_MB = 3_000
SPARK_PARTITIONS = 8


def run(small: bool) -> None:
    """Prints one table; --small is the smaller size alone."""
    print(f"{'':34s}{'wall':>10s} {'CPU':>10s} {'peak':>10s}")
    for customers in SIZES[:1] if small else SIZES:
        folder = prepare(customers)
        orders = sum(duckdb.read_parquet(str(path)).shape[0] for path in folder.glob("*.parquet"))
        print(f"{customers:,} customers, {orders:,} orders, {THREADS} threads")
        with TemporaryDirectory(dir=folder.parent) as output:
            for what in _WORK:
                _print(what, measure("bench.spark", what, str(folder), output))
            print(f"  customers that differ: {_differing(Path(output)):,}")


def _print(what: str, measured: Measured) -> None:
    print(f"  {_WORK[what][0]:32s}{measured.seconds:8.1f} s {measured.cpu_seconds:8.1f} s {measured.peak_mb:7,.0f} MB")


def _differing(output: Path) -> int:
    files = [f"read_parquet('{output / what}.parquet')" for what in ("duckdb", "spark")]
    found = duckdb.sql(
        f"SELECT count(*) FROM ((FROM {files[0]} EXCEPT ALL FROM {files[1]}) "
        f"UNION ALL (FROM {files[1]} EXCEPT ALL FROM {files[0]}))"
    ).fetchall()
    return int(found[0][0])


def _duckdb(folder: Path, output: Path) -> None:
    config = {"threads": THREADS, "memory_limit": f"{MEMORY_MB}MB", "temp_directory": str(output / "spill")}
    with duckdb.connect(config=config) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = false")
        open_orders(connection, parquet=sorted(folder.glob("*.parquet")), json_lines=[], currency="EUR")
        rubric = build_snapshot(connection, as_of=AS_OF)
        summarise(connection, as_of=AS_OF, currency="EUR", rubric=rubric)
        write_computed(connection, output / "duckdb.parquet")


def _spark(folder: Path, output: Path) -> None:
    """Reports for itself: most of the work is another process's."""
    start = time.perf_counter()
    with TemporaryDirectory(dir=output) as scratch:
        options = {"threads": THREADS, "memory_mb": SPARK_MEMORY_MB, "partitions": SPARK_PARTITIONS}
        with local_spark(Path(scratch), **options) as session:
            connection = SparkConnection(session, f"{Path(scratch).as_uri()}/tables/")
            files = LakeFiles(parquet=tuple(path.as_uri() for path in sorted(folder.glob("*.parquet"))))
            open_orders_on_spark(connection, files, [], "EUR")
            rubric = build_snapshot(as_duckdb(connection), as_of=AS_OF)
            summarise(as_duckdb(connection), as_of=AS_OF, currency="EUR", rubric=rubric)
            rows = connection.rows("snapshot").withColumnRenamed("customer_id", "customer_key")
            rows.coalesce(1).write.parquet(f"{Path(scratch).as_uri()}/customers")
            java = peak_kb(str(java_process()))
        (written,) = (Path(scratch) / "customers").glob("*.parquet")
        written.rename(output / "spark.parquet")
    seconds = time.perf_counter() - start
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_mb": (java + peak_kb()) / 1024}))


def _pandas(folder: Path, output: Path) -> None:
    import pandas as pd  # noqa: PLC0415 only this process pays for it

    with duckdb.connect(config={"threads": THREADS}) as connection:
        orders = connection.execute(
            "SELECT customer_key, ordered_at, amount_minor FROM read_parquet($files)",
            {"files": [str(path) for path in sorted(folder.glob("*.parquet"))]},
        ).df()
    purchases = orders[orders["amount_minor"] >= 0]
    day = purchases["ordered_at"].dt.normalize()
    facts = pd.DataFrame(
        {
            "purchases": day.groupby(purchases["customer_key"]).nunique(),
            "silence_days": (
                pd.Timestamp(AS_OF).tz_localize(None) - day.groupby(purchases["customer_key"]).max()
            ).dt.days,
            "net_minor": orders.groupby("customer_key")["amount_minor"].sum(),
        }
    )
    for name in ("purchases", "silence_days", "net_minor"):
        facts[f"{name}_score"] = pd.qcut(facts[name].rank(method="first"), 5, labels=False) + 1
    facts.to_csv(output / "pandas.csv")


_WORK: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "duckdb": ("DuckDB, whole computation", _duckdb),
    "spark": ("Spark, whole computation", _spark),
    "pandas": ("pandas, RFM alone", _pandas),
}

if __name__ == "__main__":
    what, folder, output = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if what == "spark":
        _spark(folder, output)
    else:
        report(lambda: _WORK[what][1](folder, output))
