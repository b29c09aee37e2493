"""One account's refresh on Spark: from files of the lake to the objects that refresh_compute writes for its next steps.

`customers.parquet` is one file here too: whoever reads a snapshot reads it whole, and it grows with customers, not with
orders. Parts to score are named as Spark names files; the manifest says which are which.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, floor, row_number, struct
from pyspark.sql.window import Window

from winback.briefs.particulars import observe
from winback.features import SCORED
from winback.playbook.calls import OBJECT as CALLS
from winback.playbook.calls import write_calls
from winback.segmentation.computed import PART_ROWS
from winback.segmentation.data_quality import measure
from winback.segmentation.increments import full_work
from winback.segmentation.organic_return import observe_returns
from winback.segmentation.recalibration import recalibrate
from winback.segmentation.refresh_objects import manifest_line, summary_document
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import summarise
from winback.spark.connection import SparkConnection, as_duckdb
from winback.spark.files import Files
from winback.spark.lake_files import LakeFiles, open_orders, open_profiles, open_touches
from winback.spark.request import SparkRequest, key_of
from winback.spark.session import SETTINGS, silence


def main(request_uri: str) -> None:
    """`request_uri` is that of a SparkRequest, such as `s3://bucket/refresh/…/request.json`."""
    builder = SparkSession.builder.appName("winback refresh")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    silence(session)
    try:
        run(session, request_uri)
    finally:
        session.stop()


def run(session: SparkSession, request_uri: str) -> None:
    """Every attempt writes the same objects again, in place of what an earlier one left."""
    root, key = key_of(request_uri)
    files = Files(session, root)
    request = SparkRequest.model_validate_json(files.read(key))
    scratch = f"{request.work}scratch/"
    connection = SparkConnection(session, files.uri(scratch))
    try:
        _compute(connection, files, request)
    finally:
        connection.close()
        files.remove(scratch)


def _compute(connection: SparkConnection, files: Files, request: SparkRequest) -> None:
    """As winback.aws.computing does it, all anew: no histories are carried, and none are left."""
    duckdb = as_duckdb(connection)
    trend, currency = request.trend_category, request.currency
    open_touches(connection, _files(files, request.engagement), request.as_of)
    open_profiles(connection, _files(files, request.customers), request.as_of)
    conversion = open_orders(connection, _files(files, request.orders), _uris(files, request.rates), currency=currency)
    if request.rubric is not None and request.proposes:
        proposal = recalibrate(duckdb, request.as_of, request.rubric, trend_category=trend, currency=currency)
        files.write_json(request.proposal, proposal.model_dump(mode="json"))
    settings = request.rubric.settings if request.rubric is not None else None
    organic = observe_returns(duckdb, as_of=request.as_of, trend_category=trend, settings=settings, currency=currency)
    rubric = build_snapshot(duckdb, as_of=request.as_of, rubric=request.rubric, trend_category=trend, currency=currency)
    summary = summarise(
        duckdb,
        as_of=request.as_of,
        currency=currency,
        rubric=rubric,
        organic=organic,
        lifts=request.lifts,
    )
    document = {
        **summary_document(
            request.snapshot_id,
            summary,
            conversion=conversion,
            counts=measure(duckdb),
            import_rows=request.import_rows,
            work=full_work(duckdb),
        ),
        "particulars": observe(duckdb).model_dump(mode="json"),
    }
    files.write_json(f"{request.work}rubric.json", rubric.model_dump(mode="json"))
    files.write_json(f"{request.work}summary.json", document)
    with TemporaryDirectory() as folder:  # the driver's: a list that people work through is short
        write_calls(duckdb, Path(folder) / CALLS, request.called)
        files.write(f"{request.work}{CALLS}", (Path(folder) / CALLS).read_bytes())
    _write_customers(connection, files, request)
    files.write_rows(f"{request.work}manifest.jsonl", _write_parts(connection, files, request))


def _write_customers(connection: SparkConnection, files: Files, request: SparkRequest) -> None:
    rows = connection.rows("snapshot").withColumnRenamed("customer_id", "customer_key")
    folder = f"{request.work}customers/"
    rows.coalesce(1).write.mode("overwrite").parquet(files.uri(folder))
    (written,) = [key for key in files.list(folder) if key.endswith(".parquet")]
    files.move(written, f"{request.work}customers.parquet")
    files.remove(folder)


def _write_parts(connection: SparkConnection, files: Files, request: SparkRequest) -> Iterator[dict[str, Any]]:
    """In the order of the keys, so that a repeated attempt gives the same rows to the same parts."""
    folder = f"{request.work}parts/"
    rows = connection.rows("snapshot").select(
        col("customer_id").alias("customer_key"), struct(*(col(name) for name in SCORED)).alias("features")
    )
    place = row_number().over(Window.orderBy("customer_key")) - 1
    numbered = rows.withColumn("chunk", floor(place / PART_ROWS).cast("int"))
    total = rows.count()
    parts = numbered.repartition(max(1, -(-total // PART_ROWS)), "chunk").write.partitionBy("chunk").mode("overwrite")
    parts.option("compression", "gzip").option("ignoreNullFields", "false").json(files.uri(folder))
    written = {int(key.split("/chunk=")[1].split("/")[0]): key for key in files.list(folder) if "/chunk=" in key}
    for chunk, key in sorted(written.items()):
        size = min(PART_ROWS, total - chunk * PART_ROWS)
        yield manifest_line(request.account_id, request.snapshot_id, chunk, key, size)


def _files(files: Files, prefix: str) -> LakeFiles:
    return LakeFiles.of(_uris(files, prefix))


def _uris(files: Files, prefix: str) -> list[str]:
    return [files.uri(key) for key in files.list(prefix)]
