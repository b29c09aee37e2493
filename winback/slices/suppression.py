"""Which cells of a table are too small to show, and which must go with them so that no total gives them away."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

FEWEST_SHOWN = 10
"""Customers of a cell; a caller may ask for more or fewer."""

Row = TypeVar("Row", bound=Hashable)
Column = TypeVar("Column", bound=Hashable)


def hidden_cells(counts: Mapping[tuple[Row, Column], int], fewest: int) -> set[tuple[Row, Column]]:
    """Cells of 1 to `fewest` - 1 customers; nobody at all is no secret.

    Totals of rows and columns are shown elsewhere, so a row or column that would hide a single cell hides its next
    smallest one too (complementary suppression: Willenborg and de Waal 2001, *Elements of Statistical Disclosure
    Control*, ch. 6). Equal cells go in the order of their names.
    """
    hidden = {cell for cell, count in counts.items() if 0 < count < fewest}
    lines: dict[tuple[int, Hashable], list[tuple[Row, Column]]] = {}
    for cell in sorted(counts, key=lambda cell: (counts[cell], str(cell))):
        for axis in (0, 1):
            lines.setdefault((axis, cell[axis]), []).append(cell)
    pending = list(lines.values())
    while pending:
        line = pending.pop()
        inside = [cell for cell in line if cell in hidden]
        more = next((cell for cell in line if counts[cell] and cell not in hidden), None)
        if len(inside) == 1 and more is not None:
            hidden.add(more)
            pending += [lines[axis, more[axis]] for axis in (0, 1)]
    return hidden
