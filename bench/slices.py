"""Preview and exploration of slices over one snapshot of a million customers, as the API's function runs them."""

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from winback.slices.columns import COLUMNS, Kind
from winback.slices.compilation import Ground
from winback.slices.exploration import explore, groups_of
from winback.slices.preview import Marked, ground_of, preview
from winback.slices.recipes import shipped_recipes

CUSTOMERS = 1_000_000
REPEATS = 3


def run(small: bool) -> None:
    customers = CUSTOMERS // 10 if small else CUSTOMERS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.parquet"
        _write_snapshot(path, customers)
        print(f"{customers:,} customers, {len(COLUMNS)} columns, {path.stat().st_size / 1e6:.0f} MB of Parquet")
        recipes = {name: recipe.condition for name, recipe in shipped_recipes().items()}
        saved = {f"slc-{number:012x}": condition for number, condition in enumerate(recipes.values())}
        with duckdb.connect(config={"threads": 2, "memory_limit": "1500MB"}) as db:
            db.read_parquet(str(path)).create_view("customers")
            ground = ground_of(db, as_of=datetime(2026, 1, 1, tzinfo=UTC), currency="EUR", slices=saved)
            names = dict.fromkeys(saved, "saved")
            wide = recipes["slipping-vips-wide"]
            for label, work in {
                "preview of a recipe": lambda: preview(db, wide, ground, as_of=""),
                f"the same against {len(saved)} saved slices": lambda: preview(
                    db, wide, ground, as_of="", others=names
                ),
                "exploration of everybody, with reach": lambda: _explore(db, ground),
            }.items():
                times = []
                for _ in range(REPEATS):
                    started, used = time.perf_counter(), time.process_time()
                    work()
                    times.append((time.perf_counter() - started, time.process_time() - used))
                elapsed, busy = min(times)
                print(f"{label}: {elapsed:.2f} s, {busy:.2f} s of processor time, the best of {REPEATS}")


def _explore(db: duckdb.DuckDBPyConnection, ground: Ground) -> None:
    marked = Marked(db, None, ground)
    explore(marked, ground, as_of="")
    groups_of(marked, "email", ground)


def _write_snapshot(path: Path, customers: int) -> None:
    """Every column of the contract, with values that say nothing but have its type."""
    draws = {
        Kind.MONEY: "(hash(i, {n}) % 500000)::BIGINT",
        Kind.WHOLE: "(hash(i, {n}) % 400)::INTEGER",
        Kind.NUMBER: "(hash(i, {n}) % 1000000) / 1000000.0",
        Kind.DATE: "TIMESTAMP '2025-01-01' + to_hours((hash(i, {n}) % 8000)::BIGINT)",
        Kind.FLAG: "hash(i, {n}) % 4 = 0",
        Kind.TEXT: "'text ' || (hash(i, {n}) % 20)",
    }
    columns = []
    for n, column in enumerate(COLUMNS.values()):
        draw = draws[column.kind].format(n=n)
        if column.values:
            draw = f"{list(map(str, column.values))!r}[1 + (hash(i, {n}) % {len(column.values)})::INTEGER]".replace(
                '"', "'"
            )
            draw = draw.replace("'Can't Lose Them'", "'Can''t Lose Them'")
        columns.append(f"{draw} AS {column.stored}")
    with duckdb.connect() as db:
        db.execute(
            f"COPY (SELECT substr(sha256(i::VARCHAR), 1, 32) AS customer_key, {', '.join(columns)} "
            f"FROM range({customers}) t(i) ORDER BY customer_key) TO '{path}' (COMPRESSION zstd)"
        )
