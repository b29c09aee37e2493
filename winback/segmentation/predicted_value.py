"""What a published snapshot's customers are expected to be worth, beside what they were worth to date."""

from typing import Any

import duckdb

from winback.segmentation.grid import CELLS
from winback.segmentation.names import Segment
from winback.segmentation.predicted_totals import Predicted, PredictedCell, PredictedSegment, PredictedValue
from winback.segmentation.snapshot import read_sql


def summarise_predictions(connection: duckdb.DuckDBPyConnection, fit: dict[str, Any] | None) -> PredictedValue:
    """Reads the table `published`; `fit` is the refresh's lifetime.json, None where the step failed."""
    cursor = connection.execute(read_sql("predicted_value"))
    names = [column[0] for column in cursor.description or []]
    parts = {}
    for row in cursor.fetchall():
        figures = dict(zip(names, row, strict=True))
        key = figures.pop("part"), figures.pop("first"), figures.pop("second")
        value, valued = figures["predicted_value_minor"], figures["valued"]
        parts[key] = {**figures, "average_predicted_value_minor": round(value / valued) if valued else None}
    fitted = fit is not None and fit["why_not"] is None
    if fit is None:
        why_not: str | None = "the step of the refresh that values customers failed"
    else:
        why_not = fit["why_not"]
    return PredictedValue(
        horizon_days=fit["horizon_days"] if fit is not None else None,
        discount_rate=fit["discount_rate"] if fit is not None else None,
        fitted_as_of=fit["as_of"] if fit is not None and fitted else None,
        why_not=why_not,
        sources=dict(
            connection.execute(
                "SELECT value_source, count(*) FROM published GROUP BY value_source ORDER BY value_source"
            ).fetchall()
        ),
        total=Predicted(**parts.get(("total", None, None), {})),
        segments=[
            PredictedSegment(segment=segment, **parts.get(("segment", segment, None), {})) for segment in Segment
        ],
        grid=[
            PredictedCell(value_tier=tier, status=status, **parts.get(("cell", tier, status), {}))
            for tier, status in CELLS
        ],
    )
