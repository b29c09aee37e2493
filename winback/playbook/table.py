"""The playbook's table with an account's own figures: a row a cell, a row a behaviour."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from winback.playbook.rows import Playbook, PlaybookBehaviour, PlaybookCell
from winback.playbook.standing import Figures, Standing

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
    """Money in minor units. All None: too few customers to be shown."""

    customers: int | None
    total_minor: int | None
    average_minor: int | None

    @classmethod
    def of(cls, figures: Figures) -> "Value":
        """The average is rounded half up to a whole minor unit, in integers, as the summary does; None for nobody."""
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


HIDDEN = Value(None, None, None)


@dataclass(frozen=True)
class CellLine:
    row: PlaybookCell
    value: Value


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
    hidden_below: int

    def describe(self) -> dict[str, Any]:
        """As the API and `--json` give it."""
        return {
            "as_of": self.as_of,
            "currency": self.currency,
            "cells": [{**line.row.model_dump(mode="json"), **line.value.describe()} for line in self.cells],
            "behaviours": [
                {**line.row.model_dump(mode="json"), **(line.value.describe() if line.value else {})}
                for line in self.behaviours
            ],
            "total": self.total.describe(),
            "hidden_below": self.hidden_below,
            "notes": list(NOTES),
        }


def playbook_table(playbook: Playbook, standing: Standing, *, hidden_below: int = 0) -> PlaybookTable:
    """Every cell in the grid's order and every behaviour, also empty ones; the cells add up to the total.

    Rows of fewer than `hidden_below` customers, but not of nobody, are hidden, and one row more where a single hidden
    one could be told from the total.
    """
    cells = [standing.of_cell(row.cell) for row in playbook.cells]
    behaviours = [standing.of_behaviour(row.name) for row in playbook.behaviours]
    known = [figures for figures in behaviours if figures is not None]
    shown = iter(_shown(known, hidden_below))
    return PlaybookTable(
        as_of=standing.as_of,
        currency=standing.currency,
        cells=tuple(map(CellLine, playbook.cells, _shown(cells, hidden_below))),
        behaviours=tuple(
            BehaviourLine(row, next(shown) if figures is not None else None)
            for row, figures in zip(playbook.behaviours, behaviours, strict=True)
        ),
        total=Value.of(standing.total),
        hidden_below=hidden_below,
    )


def _shown(rows: Sequence[Figures], least: int) -> list[Value]:
    values = [HIDDEN if 0 < row.customers < least else Value.of(row) for row in rows]
    if sum(value.hidden for value in values) == 1:
        others = [n for n, value in enumerate(values) if value.customers]
        if others:
            values[min(others, key=lambda n: (rows[n].customers, n))] = HIDDEN
    return values
