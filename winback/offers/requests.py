"""Bodies of requests about offers."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from winback.offers.codes import MOST_CODES
from winback.offers.offer import NewOffer


class ChangedOffer(NewOffer):
    version: int = Field(ge=1, description="that the change was made of")

    @property
    def stated(self) -> NewOffer:
        return NewOffer(**{name: getattr(self, name) for name in NewOffer.model_fields})


class Retirement(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1, description="that was read")


class MoreCodes(BaseModel):
    """Codes to make. A body of plain text or CSV brings codes of the shop's own instead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generate: int = Field(ge=1, le=MOST_CODES, description="how many codes there are to be in all")


class CodeRange(BaseModel):
    """Which generated codes to list, by number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int = Field(default=0, ge=0)
    count: int = Field(default=20_000, ge=1, le=100_000)

    @model_validator(mode="after")
    def _within_an_offer(self) -> Self:
        if self.start + self.count > MOST_CODES + 100_000:
            raise ValueError(f"start is {self.start}: expected below {MOST_CODES}")
        return self
