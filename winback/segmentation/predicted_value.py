"""What a published snapshot's customers are expected to be worth, beside what they were worth to date."""

from typing import Any

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from winback.segmentation.grid import CELLS, Status, ValueTier
from winback.segmentation.names import Segment
from winback.segmentation.snapshot import read_sql


class Predicted(BaseModel):
    """Sums over the customers with a predicted value; null where there are none.

    The bounds are the sums of the customers' own 95 % bounds. Those err together, for they share the parameters, but
    not wholly: the interval of the sum is narrower.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    customers: int = 0
    valued: int = Field(default=0, description="customers with a predicted value")
    net_minor: int = Field(default=0, description="purchases less returns to date, of all customers")
    predicted_value_minor: int | None = None
    predicted_value_low_minor: int | None = None
    predicted_value_high_minor: int | None = None
    average_predicted_value_minor: int | None = Field(default=None, description="a valued customer")
    predicted_margin_minor: int | None = Field(default=None, description="null where no cost is known")


class PredictedSegment(Predicted):
    segment: Segment


class PredictedCell(Predicted):
    value_tier: ValueTier
    status: Status


class PredictedValue(BaseModel):
    """The part `predicted_value` of summary.json. Every segment and every cell is listed, also of nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    horizon_days: float | None = Field(description="over which purchases are expected; null where nothing is fitted")
    discount_rate: float | None = Field(description="what later value loses a year")
    fitted_as_of: str | None
    why_not: str | None = Field(description="why there is no fit; null where there is one")
    sources: dict[str, int] = Field(description="customers by value_source")
    total: Predicted
    segments: list[PredictedSegment]
    grid: list[PredictedCell]


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
