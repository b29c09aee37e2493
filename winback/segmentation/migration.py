"""The migration matrices between two snapshots, read from their files."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from winback.segmentation.grid import Status, ValueTier
from winback.segmentation.movement import Cell, CellMove, FamilyMove, Movement, SegmentMove
from winback.segmentation.names import FAMILY_OF, Family, Segment
from winback.segmentation.snapshot import read_sql

_PLACE = ("customer_key", "segment", "value_tier", "status", "net_minor")


class _Row(NamedTuple):
    from_segment: Segment | None
    from_cell: Cell | None
    to_segment: Segment | None
    to_cell: Cell | None
    figures: tuple[int, int, int]


def compare(connection: duckdb.DuckDBPyConnection, before: Path, now: Path) -> Movement:
    """From one snapshot's customers.parquet to another's, of the same account."""
    for name, path in (("before", before), ("now", now)):
        connection.read_parquet(str(path)).project(", ".join(_PLACE)).create_view(name, replace=True)
    rows = [_row(row) for row in connection.execute(read_sql("migration")).fetchall()]
    return Movement(
        segments=tuple(
            SegmentMove(from_segment=old, to_segment=new, **figures)
            for (old, new), figures in _add(rows, lambda row: (row.from_segment, row.to_segment))
        ),
        families=tuple(
            FamilyMove(from_family=old, to_family=new, **figures)
            for (old, new), figures in _add(rows, lambda row: (_family(row.from_segment), _family(row.to_segment)))
        ),
        cells=tuple(
            CellMove(from_cell=old, to_cell=new, **figures)
            for (old, new), figures in _add(rows, lambda row: (row.from_cell, row.to_cell))
        ),
    )


def _row(values: Sequence[Any]) -> _Row:
    segment, tier, status, to_segment, to_tier, to_status, *figures = values
    customers, before, now = figures
    return _Row(
        _segment(segment),
        _cell(tier, status),
        _segment(to_segment),
        _cell(to_tier, to_status),
        (customers, before, now),
    )


def _segment(name: str | None) -> Segment | None:
    return Segment(name) if name is not None else None


def _cell(tier: str | None, status: str | None) -> Cell | None:
    return Cell(value_tier=ValueTier(tier), status=Status(status)) if tier is not None and status is not None else None


def _family(segment: Segment | None) -> Family | None:
    return FAMILY_OF[segment] if segment is not None else None


def _add(rows: Iterable[_Row], place: Callable[[_Row], tuple[Any, Any]]) -> Iterable[tuple[Any, dict[str, int]]]:
    """Sums over the rows of the same place, in the order in which they come first."""
    sums: dict[tuple[Any, Any], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        total = sums[place(row)]
        for position, figure in enumerate(row.figures):
            total[position] += figure
    names = ("customers", "net_minor_before", "net_minor_now")
    return [(key, dict(zip(names, figures, strict=True))) for key, figures in sums.items()]
