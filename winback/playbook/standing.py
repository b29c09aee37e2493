"""How many customers stand where, and what they are worth: what the playbook reads of a snapshot's summary."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from winback.segmentation.behaviours import Behaviour
from winback.segmentation.grid import Cell
from winback.segmentation.predicted_totals import Predicted, PredictedValue
from winback.segmentation.totals import BehaviourTotals, CellTotals, Figures, Totals


class Standing(BaseModel):
    """From summary.json, or from `Summary.model_dump(mode="json")`. A cell that it leaves out is empty.

    `behaviours` is None for a snapshot of before behaviours were told apart.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    as_of: str
    currency: str
    total: Totals
    grid: tuple[CellTotals, ...]
    behaviours: tuple[BehaviourTotals, ...] | None = None
    predicted_value: PredictedValue | None = None
    """Of a published snapshot alone."""

    @classmethod
    def of(cls, summary: dict[str, Any]) -> "Standing":
        return cls.model_validate(summary)

    def of_cell(self, cell: Cell) -> Figures:
        return next((row for row in self.grid if (row.value_tier, row.status) == cell), Figures())

    def predicted_of_cell(self, cell: Cell) -> Predicted | None:
        """None where nobody of the cell has a predicted value."""
        rows = self.predicted_value.grid if self.predicted_value is not None else []
        return next((row for row in rows if (row.value_tier, row.status) == cell and row.valued), None)

    def of_behaviour(self, name: Behaviour) -> Figures | None:
        if self.behaviours is None:
            return None
        return next((row for row in self.behaviours if row.behaviour is name), Figures())
