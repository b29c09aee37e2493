"""Import of a CSV of orders against DuckDB's bare COPY of that CSV to Parquet.

The import parses, validates, finds duplicates, fingerprints, and writes the report of rejects and Parquet (zstd).
Files: clean; with one row in a thousand bad in some way; and one that needs the exact reader (a quoted line break).
`worker` derives customer keys too and looks for known orders, as the worker does between download and upload.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from bench.measure import best, report
from winback.imports.files import load_orders
from winback.imports.lake_files import set_known_orders_aside, write_orders, write_rejects

MEMORY_MB, THREADS = 1_500, 2
NOW = datetime(2026, 1, 1, tzinfo=UTC)

_ORDERS = """COPY (
    SELECT
        'C' || hash(i) % ($rows // 5) AS customer_id,
        'O' || lpad(i::VARCHAR, 9, '0') AS order_id,
        CASE WHEN $bad AND i % 2000 = 7 THEN 'yesterday' ELSE
            strftime(TIMESTAMP '2020-01-01' + to_seconds((hash(i + 7) % 150000000)::INTEGER), '%Y-%m-%dT%H:%M:%SZ') END
            AS ordered_at,
        CASE WHEN $bad AND i % 2000 = 1007 THEN 'NaN' ELSE printf('%.2f', (hash(i + 3) % 50000) / 100.0) END AS amount,
        'EUR' AS currency,
        printf('%.2f', (hash(i + 5) % 500) / 100.0) AS discount
    FROM range($rows) AS numbers (i)
) TO '{path}' (HEADER)"""


def run(small: bool) -> None:
    """Prints seconds, ratio and peak memory of each file."""
    rows = 100_000 if small else 1_000_000
    with TemporaryDirectory() as folder:
        clean, bad, exact = (Path(folder) / f"{name}.csv" for name in ("clean", "bad", "exact"))
        with duckdb.connect() as connection:
            for path, with_bad in ((clean, False), (bad, True)):
                connection.execute(_ORDERS.replace("{path}", str(path)), {"rows": rows, "bad": with_bad})
        exact.write_text(clean.read_text() + '"C\n1",O,2020-01-01,1,EUR,0\n')
        bare = best(__name__, "bare", str(clean), folder)
        print(f"{'bare COPY':26s}{bare}   {rows:,} rows, {clean.stat().st_size / 1e6:.0f} MB")
        for name, work, path, budget in (
            ("import, clean", "import", clean, "budget 3"),
            ("import, 1 in 1,000 bad", "import", bad, "budget 3"),
            ("worker, clean", "worker", clean, "no budget"),
            ("import, quoted line break", "import", exact, "no budget"),
        ):
            measured = best(__name__, work, str(path), folder)
            wall, cpu = measured.seconds / bare.seconds, measured.cpu_seconds / bare.cpu_seconds
            print(f"{name:26s}{measured}   {wall:.2f} x bare by wall, {cpu:.2f} x by CPU ({budget})")


def _bare(source: Path, folder: Path) -> None:
    with duckdb.connect(config={"threads": THREADS}) as connection:
        connection.execute(f"COPY (FROM '{source}') TO '{folder / 'bare.parquet'}' (FORMAT parquet, COMPRESSION zstd)")


def _import(source: Path, folder: Path) -> None:
    with duckdb.connect(config=_limits(folder)) as connection:
        load_orders(connection, source, mapping={}, now=NOW, scratch=folder)
        connection.execute(
            f"COPY orders TO '{folder / 'orders.parquet'}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
        )
        write_rejects(connection, folder / "rejects.jsonl.gz")


def _worker(source: Path, folder: Path) -> None:
    with duckdb.connect(config=_limits(folder)) as connection:
        load_orders(connection, source, mapping={}, now=NOW, scratch=folder)
        set_known_orders_aside(connection, parquet=[], json_lines=[], salt="0" * 32, received_at=NOW)
        write_orders(connection, folder / "orders.parquet")
        write_rejects(connection, folder / "rejects.jsonl.gz")


def _limits(folder: Path) -> dict[str, str | bool | int | float | list[str]]:
    return {"memory_limit": f"{MEMORY_MB}MB", "threads": THREADS, "temp_directory": str(folder / "spill")}


if __name__ == "__main__":
    work, source, folder = (
        {"bare": _bare, "import": _import, "worker": _worker}[sys.argv[1]],
        Path(sys.argv[2]),
        Path(sys.argv[3]),
    )
    report(lambda: work(source, folder))
