"""Facts -> segments and grid, by the rule track; all in SQL on one DuckDB connection."""

from datetime import datetime
from importlib.resources import files
from pathlib import Path

import duckdb

from winback.features import compute_facts
from winback.segmentation.rubric import Bands, Rubric

_NOBODY = Bands(high_value_minor=0, frequent_purchases=3, premium_above_minor=0, elite_above_minor=0, vip_above_minor=0)
"""Cut-offs when there is no buyer to read them from."""


def build_snapshot(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime,
    rubric: Rubric | None = None,
    trend_category: str | None = None,
    histories_to: Path | None = None,
) -> Rubric:
    """Creates the tables `facts` and `snapshot` from the relation `orders`; returns the rubric that was applied.

    `as_of` is aware and exclusive: later orders do not exist. A `rubric` that is not valid at `as_of`, or none, means
    that thresholds are calibrated on these very orders. See winback.features.compute_facts for `orders` and
    `histories_to`.
    """
    applied = rubric if rubric is not None and rubric.is_valid_at(as_of) else None
    rhythm = compute_facts(
        connection,
        as_of=as_of,
        calibration=applied.rhythm if applied is not None else None,
        trend_category=trend_category,
        histories_to=histories_to,
    )
    if applied is None:
        applied = Rubric.of(as_of, rhythm, _calibrate_bands(connection))
    connection.execute(read_sql("segments"), applied.bands.model_dump())
    return applied


def _calibrate_bands(connection: duckdb.DuckDBPyConnection) -> Bands:
    cursor = connection.execute(read_sql("bands"))
    names = [column[0] for column in cursor.description or []]
    (row,) = cursor.fetchall()
    values = dict(zip(names, row, strict=True))
    return _NOBODY if values["high_value_minor"] is None else Bands(**values)


def read_sql(name: str) -> str:
    """The text of one of this package's statements."""
    return files("winback.segmentation").joinpath(f"{name}.sql").read_text(encoding="utf-8")
