"""What rows of a summary add up: figures of some customers, with the names of who they are."""

from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from winback.segmentation.behaviours import Behaviour
from winback.segmentation.grid import Status, ValueTier
from winback.segmentation.names import Family, Segment
from winback.segmentation.overlays import Overlay


class Figures(BaseModel):
    """Customers and their net value. A hidden row is too small to be shown: its figures are null in JSON, zero here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    customers: int = 0
    net_minor: int = Field(default=0, description="purchases less returns to date, minor units")
    average_net_minor: int | None = Field(default=None, description="net_minor / customers, rounded; null of nobody")
    hidden: bool = Field(default=False, description="too few customers to be shown; left out when false")

    @classmethod
    def _names_of_figures(cls) -> list[str]:
        return [name for name in cls.model_fields if name in _FIGURES]

    @model_serializer(mode="wrap")
    def _serialise(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        row: dict[str, Any] = handler(self)
        if not row.pop("hidden", False):
            return row
        return {**row, **dict.fromkeys(self._names_of_figures()), "hidden": True}

    @model_validator(mode="before")
    @classmethod
    def _parse_hidden(cls, row: Any) -> Any:
        if isinstance(row, dict) and row.get("hidden"):
            return {name: value for name, value in row.items() if value is not None}
        return row

    def hide(self) -> Any:
        """The same row without its figures."""
        fields = type(self).model_fields
        return self.model_copy(
            update={**{name: fields[name].default for name in self._names_of_figures()}, "hidden": True}
        )


class Totals(Figures):
    orders: int = Field(default=0, description="orders of any amount, returns included")
    purchases: int = Field(default=0, description="orders of amount >= 0, those of a day being one")
    lapsed: int = Field(default=0, description="customers silent for longer than their own threshold")
    margin_minor: int | None = Field(default=None, description="of the orders whose costs are known; null of none")
    margin_net_minor: int | None = Field(default=None, description="net value of those orders")


_FIGURES = frozenset(Totals.model_fields) - {"hidden"}


class SegmentTotals(Totals):
    segment: Segment
    family: Family


class FamilyTotals(Totals):
    family: Family


class CellTotals(Totals):
    """`net_minor` and `average_net_minor` are the playbook's total and average CLTV: net value to date, no forecast."""

    value_tier: ValueTier
    status: Status


class BehaviourTotals(Totals):
    behaviour: Behaviour


class TierTotals(Figures):
    """One tier of an overlay within one segment."""

    overlay: Overlay
    tier: str
    segment: Segment


class ScoreTotals(Figures):
    """Customers of one score (1 to 5) of `recency`, `frequency` or `monetary`."""

    score: str
    value: int


class BandTotals(Figures):
    """Customers of one band, such as Slip of `recency`."""

    kind: str
    band: str
