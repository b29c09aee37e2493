"""What the statements need of a Spark session, wherever it runs."""

import logging
from collections.abc import Mapping

from pyspark.sql import SparkSession

SETTINGS: Mapping[str, str] = {
    "spark.sql.ansi.enabled": "true",  # overflows and bad casts are errors, as in DuckDB, instead of nulls
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",  # no _SUCCESS beside the data
}
"""https://spark.apache.org/docs/4.0.2/configuration.html#runtime-sql-configuration"""


def silence(session: SparkSession) -> None:
    """Logs errors alone, without the text of statements and rows: those could be personal."""
    session.sparkContext.setLogLevel("ERROR")
    logging.getLogger("SQLQueryContextLogger").disabled = True
