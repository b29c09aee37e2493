"""The playbook's table with an account's own figures: a row a cell, a row a behaviour."""

from dataclasses import dataclass
from typing import Any

from winback.playbook.rows import Playbook, PlaybookBehaviour, PlaybookCell
from winback.playbook.standing import Standing
from winback.segmentation.predicted_totals import Predicted
from winback.segmentation.totals import Figures

_SCHEME = (
    "Segments drive campaigns; the grid chooses the row of the playbook. A draft that is made of a row addresses the "
    "customers of its cell."
)
_NAMES = (
    "VIP in this grid is the top 0.3 % of customers by net value, Elite the top 1.5 %, Premium the top 15 %. The VIPs "
    "of a segment's name (Slipping VIPs, Lost VIPs) are the top 20 %: not the same customers."
)
_VALUE = "CLTV to date is net value so far, purchases less returns; no future purchase is in it."
NOTES = (_SCHEME, _NAMES, _VALUE)
"""What a reader must know of the table; every form of it ends with them."""


@dataclass(frozen=True)
class Value:
    """Money in minor units. All None: the summary hides a row of so few customers."""

    customers: int | None
    total_minor: int | None
    average_minor: int | None

    @classmethod
    def of(cls, figures: Figures) -> "Value":
        """The average is rounded half up to a whole minor unit, in integers, as the summary does; None for nobody."""
        if figures.hidden:
            return cls(None, None, None)
        number, total = figures.customers, figures.net_minor
        return cls(number, total, (2 * total + number) // (2 * number) if number else None)

    @property
    def hidden(self) -> bool:
        return self.customers is None

    def describe(self) -> dict[str, int | None]:
        return {
            "customers": self.customers,
            "total_cltv_to_date_minor": self.total_minor,
            "average_cltv_to_date_minor": self.average_minor,
        }


@dataclass(frozen=True)
class CellLine:
    row: PlaybookCell
    value: Value
    predicted: Predicted | None = None

    def describe(self) -> dict[str, Any]:
        """With what the customers are expected to be worth, where a refresh predicted it."""
        expected = (
            {
                "predicted_value_minor": self.predicted.predicted_value_minor,
                "average_predicted_value_minor": self.predicted.average_predicted_value_minor,
            }
            if self.predicted is not None and not self.value.hidden
            else {}
        )
        return {**self.row.model_dump(mode="json"), **self.value.describe(), **expected}


@dataclass(frozen=True)
class BehaviourLine:
    row: PlaybookBehaviour
    value: Value | None
    """None: the snapshot does not tell behaviours."""


@dataclass(frozen=True)
class PlaybookTable:
    as_of: str
    currency: str
    cells: tuple[CellLine, ...]
    behaviours: tuple[BehaviourLine, ...]
    total: Value

    def describe(self) -> dict[str, Any]:
        """As the API and `--json` give it."""
        return {
            "as_of": self.as_of,
            "currency": self.currency,
            "cells": [line.describe() for line in self.cells],
            "behaviours": [
                {**line.row.model_dump(mode="json"), **(line.value.describe() if line.value else {})}
                for line in self.behaviours
            ],
            "total": self.total.describe(),
            "notes": list(NOTES),
        }


def playbook_table(playbook: Playbook, standing: Standing) -> PlaybookTable:
    """Every cell in the grid's order and every behaviour, also empty ones; the cells add up to the total.

    What the summary hides stays hidden (winback.segmentation.suppression).
    """
    behaviours = {row.name: standing.of_behaviour(row.name) for row in playbook.behaviours}
    return PlaybookTable(
        as_of=standing.as_of,
        currency=standing.currency,
        cells=tuple(
            CellLine(row, Value.of(standing.of_cell(row.cell)), standing.predicted_of_cell(row.cell))
            for row in playbook.cells
        ),
        behaviours=tuple(
            BehaviourLine(row, Value.of(figures) if (figures := behaviours[row.name]) is not None else None)
            for row in playbook.behaviours
        ),
        total=Value.of(standing.total),
    )
