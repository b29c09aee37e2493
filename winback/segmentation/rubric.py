"""The rubric: the thresholds that one calibration froze, stored as rubric.json beside every snapshot that used it.

Short histories hide long gaps and value grows with time, so thresholds that moved with every snapshot would move
customers who did nothing. A rubric therefore stays for a quarter; then the account's own quantiles are read again.
"""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from winback.features import Calibration
from winback.instants import format_instant, parse_instant

VERSION: Literal[1] = 1
VALID_DAYS = 91


class Bands(BaseModel):
    """Cut-offs at exact discrete quantiles (values that customers really have), so that ties are never split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    high_value_minor: int = Field(description="M*: 80 % quantile of net value; at least this is high value")
    frequent_purchases: int = Field(ge=3, description="F*: 60 % quantile of purchases among repeaters, at least 3")
    premium_above_minor: int = Field(description="85 % quantile of net value; above it is at least Premium")
    elite_above_minor: int = Field(description="98.5 % quantile of net value")
    vip_above_minor: int = Field(description="99.7 % quantile of net value")


class Rubric(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = VERSION
    calibrated_at: str = Field(description="as_of of the orders that the thresholds were read from")
    rhythm: Calibration
    bands: Bands

    def is_valid_at(self, as_of: datetime) -> bool:
        """Whether a refresh of `as_of` keeps these thresholds: within 91 days after them, and never before them."""
        age = as_of - parse_instant(self.calibrated_at)
        return timedelta(0) <= age <= timedelta(days=VALID_DAYS)

    @classmethod
    def of(cls, as_of: datetime, rhythm: Calibration, bands: Bands) -> "Rubric":
        return cls(calibrated_at=format_instant(as_of), rhythm=rhythm, bands=bands)
