"""What counts as a premium order of this account: cut-offs at exact discrete quantiles, frozen with the rhythm."""

from pydantic import BaseModel, ConfigDict, Field


class PremiumCuts(BaseModel):
    """A purchase order is premium when its dearest line's price per piece reaches `unit_minor`; one without lines when
    its amount reaches `amount_minor`. Null: nothing was known to read the cut from, and no such order is premium.

    Why the dearest line, and orders rather than lines: docs/decisions/2026-11-22-premium-orders.md.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit_minor: int | None = Field(
        default=None, description="80 % quantile, over purchase orders with lines, of the dearest price per piece"
    )
    amount_minor: int | None = Field(default=None, description="80 % quantile of purchase orders' amounts")
