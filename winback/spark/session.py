"""What the statements need of a Spark session, wherever it runs."""

from collections.abc import Mapping

SETTINGS: Mapping[str, str] = {
    "spark.sql.ansi.enabled": "true",  # overflows and bad casts are errors, as in DuckDB, instead of nulls
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.compression.codec": "zstd",
}
"""https://spark.apache.org/docs/4.0.2/configuration.html#runtime-sql-configuration"""
