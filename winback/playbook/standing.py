"""How many customers stand where, and what they are worth: what the playbook reads of a snapshot's summary."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from winback.segmentation.behaviours import Behaviour
from winback.segmentation.grid import CELLS, Cell, Status, ValueTier


class _Read(BaseModel):
    """A summary holds more than is read here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Figures(_Read):
    customers: int = Field(default=0, ge=0)
    net_minor: int = Field(default=0, description="CLTV to date: purchases less returns, minor units")


class CellFigures(Figures):
    value_tier: ValueTier
    status: Status


class BehaviourFigures(Figures):
    behaviour: Behaviour


class Standing(_Read):
    """From summary.json, or from `Summary.model_dump(mode="json")`. A cell that it leaves out is empty.

    `behaviours` is None for a snapshot of before behaviours were told apart.
    """

    as_of: str
    currency: str
    grid: tuple[CellFigures, ...]
    behaviours: tuple[BehaviourFigures, ...] | None = None

    @classmethod
    def of(cls, summary: dict[str, Any]) -> "Standing":
        return cls.model_validate(summary)

    def of_cell(self, cell: Cell) -> Figures:
        return next((row for row in self.grid if (row.value_tier, row.status) == cell), Figures())

    def of_behaviour(self, name: Behaviour) -> Figures | None:
        if self.behaviours is None:
            return None
        return next((row for row in self.behaviours if row.behaviour is name), Figures())

    @property
    def total(self) -> Figures:
        cells = [self.of_cell(cell) for cell in CELLS]
        return Figures(customers=sum(c.customers for c in cells), net_minor=sum(c.net_minor for c in cells))
