"""An account's files of the lake as relations: read by Spark, made into what the rules read by the statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from pyspark.sql import DataFrame
from pyspark.sql.functions import lit

from winback.engagement.relations import CUSTOMER_COLUMNS, ENGAGEMENT_COLUMNS
from winback.engagement.sql import statement
from winback.rates.conversion import Conversion
from winback.segmentation.order_files import COLUMNS, count_versions
from winback.spark.connection import SparkConnection, as_duckdb
from winback.spark.translation import type_name


@dataclass(frozen=True)
class LakeFiles:
    """URIs of files of one kind, by their format."""

    parquet: tuple[str, ...] = ()
    json_lines: tuple[str, ...] = ()

    @classmethod
    def of(cls, uris: Sequence[str]) -> "LakeFiles":
        return cls(
            tuple(uri for uri in uris if uri.endswith(".parquet")),
            tuple(uri for uri in uris if uri.endswith(".jsonl.gz")),
        )


def open_orders(connection: SparkConnection, orders: LakeFiles, rates: Sequence[str], currency: str) -> Conversion:
    """As winback.segmentation.order_files.open_orders.

    There, for one machine's memory, every file but the largest is searched for repeated orders. Here all are, and the
    largest is none.
    """
    others = read_rows(connection, COLUMNS, orders)
    connection.register("other_files", others)
    connection.register("largest_file", others.limit(0).withColumn("row_number", lit(0).cast("bigint")))
    # Files of rates are opened by a statement, which names what it is given.
    conversion = count_versions(as_duckdb(connection), currency=currency, rates=cast(Sequence[Path], rates))
    connection.keep("orders")
    return conversion


def open_touches(connection: SparkConnection, engagement: LakeFiles, as_of: datetime) -> None:
    """As winback.engagement.relations.open_touches."""
    connection.register("engagement_files", read_rows(connection, ENGAGEMENT_COLUMNS, engagement))
    connection.execute(statement("touches"), {"as_of": _moment(as_of)})


def open_profiles(connection: SparkConnection, customers: LakeFiles, as_of: datetime) -> None:
    """As winback.engagement.relations.open_profiles, after `open_touches`."""
    connection.register("customer_files", read_rows(connection, CUSTOMER_COLUMNS, customers))
    connection.execute(statement("profiles"), {"as_of": _moment(as_of)})


def read_rows(connection: SparkConnection, columns: Mapping[str, str], files: LakeFiles) -> DataFrame:
    """All rows with these columns, null where a file lacks one or a field of it; none without a file."""
    kinds = {name: type_name(kind) for name, kind in columns.items()}
    schema = ", ".join(f"`{name}` {kind}" for name, kind in kinds.items())
    found = connection.session.createDataFrame([], schema)
    if files.parquet:
        found = found.unionAll(connection.session.read.schema(schema).parquet(*files.parquet))
    if files.json_lines:
        # Times end in Z there: they have a zone, which Spark takes off only when it is told to.
        reader = connection.session.read.schema(schema.replace("TIMESTAMP_NTZ", "TIMESTAMP"))
        rows = reader.option("mode", "FAILFAST").json(list(files.json_lines))
        found = found.unionAll(rows.select(*(rows[name].cast(kind) for name, kind in kinds.items())))
    return found


def _moment(as_of: datetime) -> datetime:
    return as_of.astimezone(UTC).replace(tzinfo=None)
