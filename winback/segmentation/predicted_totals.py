"""What rows of a summary are expected to add up to; without DuckDB, for functions that only read summaries."""

from pydantic import BaseModel, ConfigDict, Field

from winback.segmentation.grid import Status, ValueTier
from winback.segmentation.names import Segment


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
