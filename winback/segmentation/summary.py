"""What a snapshot adds up to: customers, orders and value per segment, family and grid cell."""

from collections.abc import Iterable
from datetime import datetime

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from winback.instants import format_instant
from winback.segmentation.grid import CELLS, Status, ValueTier
from winback.segmentation.names import FAMILY_OF, Family, Segment
from winback.segmentation.rubric import Rubric
from winback.segmentation.snapshot import read_sql


class Totals(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    customers: int = 0
    orders: int = Field(default=0, description="orders of any amount, returns included")
    purchases: int = Field(default=0, description="orders of amount >= 0, those of a day being one")
    net_minor: int = Field(default=0, description="purchases less returns, minor units")
    lapsed: int = Field(default=0, description="customers silent for longer than their own threshold")


class SegmentTotals(Totals):
    segment: Segment
    family: Family


class FamilyTotals(Totals):
    family: Family


class CellTotals(Totals):
    value_tier: ValueTier
    status: Status


class Summary(BaseModel):
    """Every segment, family and cell is listed, also when empty; each list adds up to `total`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: str
    currency: str
    total: Totals
    segments: list[SegmentTotals]
    families: list[FamilyTotals]
    grid: list[CellTotals]
    returns_only: Totals = Field(description="customers without any purchase: outside segments and total")
    rubric: Rubric


_Row = dict[str, str | int]


def summarise(connection: duckdb.DuckDBPyConnection, *, as_of: datetime, currency: str, rubric: Rubric) -> Summary:
    """Reads the tables `snapshot` and `facts` that `build_snapshot` made."""
    cursor = connection.execute(read_sql("summary"))
    names = [column[0] for column in cursor.description or []]
    rows: list[_Row] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    outside = connection.execute(
        "SELECT count(*), coalesce(sum(orders), 0), coalesce(sum(net_minor), 0) FROM facts WHERE purchases = 0"
    ).fetchall()[0]
    return Summary(
        as_of=format_instant(as_of),
        currency=currency,
        total=Totals(**_add(rows)),
        segments=[
            SegmentTotals(segment=segment, family=family, **_add(rows, segment=segment))
            for segment, family in FAMILY_OF.items()
        ],
        families=[FamilyTotals(family=family, **_add(rows, family=family)) for family in Family],
        grid=[
            CellTotals(value_tier=tier, status=status, **_add(rows, value_tier=tier, status=status))
            for tier, status in CELLS
        ],
        returns_only=Totals(customers=outside[0], orders=outside[1], net_minor=outside[2]),
        rubric=rubric,
    )


def _add(rows: Iterable[_Row], **where: str) -> dict[str, int]:
    names = tuple(Totals.model_fields)
    totals = dict.fromkeys(names, 0)
    for row in rows:
        if all(row[column] == value for column, value in where.items()):
            for name in names:
                totals[name] += int(row[name])
    return totals
