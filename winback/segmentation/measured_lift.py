"""What launches with a holdout have told of a segment's lift."""

from pydantic import BaseModel, ConfigDict, Field


class MeasuredLift(BaseModel):
    """Conversion rate of treated less held-out customers of a segment, of launches that are over; shares of one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    estimate: float = Field(ge=-1, le=1)
    low: float
    high: float
    launches: int = Field(ge=1)

    @property
    def tells(self) -> bool:
        """Whether its 95 % interval excludes zero; else it is too small to tell."""
        return not self.low <= 0 <= self.high
