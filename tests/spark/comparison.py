"""How rows of one engine differ from the other's."""

from pathlib import Path

import duckdb


def differing(
    duck: duckdb.DuckDBPyConnection, table: str, other: Path | str, key: str = "customer_id"
) -> dict[str, int]:
    """Customers by column whose values differ, nulls being equal to each other; `rows` when some are missing."""
    duck.execute(f"CREATE OR REPLACE VIEW other AS FROM read_parquet('{other}', hive_partitioning = false)")
    columns = [name for name, *_ in duck.execute(f"DESCRIBE {table}").fetchall()]
    assert columns == [name for name, *_ in duck.execute("DESCRIBE other").fetchall()]
    counts = ", ".join(
        f'count(*) FILTER (WHERE own."{name}" IS DISTINCT FROM other."{name}") AS "{name}"' for name in columns
    )
    found = duck.execute(f"SELECT {counts} FROM {table} AS own FULL JOIN other ON own.{key} = other.{key}").fetchall()[
        0
    ]
    rows = duck.execute(f"SELECT (SELECT count(*) FROM {table}), (SELECT count(*) FROM other)").fetchall()[0]
    return {name: count for name, count in zip(columns, found, strict=True) if count} | (
        {} if rows[0] == rows[1] else {"rows": rows[1] - rows[0]}
    )
