"""Bodies of the slice API's requests."""

from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from winback.slices.condition import SLICE_ID, ConditionTree
from winback.slices.saved import NewSlice

MOST_COMPARED = 20
HIDDEN_BELOW = 10
"""Parts of fewer customers have no figures, unless a caller asks otherwise."""


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ChangedSlice(NewSlice):
    version: int = Field(ge=1, description="that the change was made of; refused when it is no longer the slice's")


class Selection(_Body):
    """Whom to look at, in the latest snapshot unless another is named."""

    condition: ConditionTree | None = None
    slice: str | None = Field(default=None, pattern=SLICE_ID)
    recipe: str | None = Field(default=None, max_length=40, description="the name of a shipped slice")
    snapshot_id: str | None = Field(default=None, pattern=r"^snp-[0-9a-f]{12}$")
    compare_with: tuple[str, ...] | None = Field(
        default=None,
        max_length=MOST_COMPARED,
        description=f"ids of saved slices; unless given, the {MOST_COMPARED} that changed last",
    )
    hidden_below: int = Field(default=HIDDEN_BELOW, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def _one_at_most(self) -> Self:
        given = [name for name in ("condition", "slice", "recipe") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are given: expected one of condition, slice, recipe")
        return self

    @property
    def everybody(self) -> bool:
        return self.condition is None and self.slice is None and self.recipe is None


class Preview(Selection):
    @model_validator(mode="after")
    def _someone(self) -> Self:
        if self.everybody:
            raise ValueError("nobody is named: expected one of condition, slice, recipe")
        return self


class SimulatedCampaign(_Body):
    """A price is in major units of the account's currency; without one the shipped list price counts."""

    channel: Literal["email", "sms", "push"] = "email"
    messages: int = Field(default=1, ge=1, le=10)
    price_per_message: Decimal | None = Field(default=None, ge=0, le=1_000, decimal_places=6)
    holdout_share: float = Field(default=0.2, ge=0, le=0.5)


class Exploration(Selection):
    """Without a condition, slice or recipe: everybody."""

    campaign: SimulatedCampaign | None = None
