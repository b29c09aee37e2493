"""What a snapshot adds up to: customers, orders and value per segment, family, grid cell, overlay and behaviour."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from winback.instants import format_instant
from winback.segmentation.behaviours import Behaviour
from winback.segmentation.grid import CELLS
from winback.segmentation.measured_lift import MeasuredLift
from winback.segmentation.names import FAMILY_OF, Family, Segment
from winback.segmentation.organic_return import OrganicReturn
from winback.segmentation.overlays import TIERS
from winback.segmentation.priorities import Priority, prioritise
from winback.segmentation.rubric import Rubric
from winback.segmentation.snapshot import read_sql
from winback.segmentation.totals import (
    BandTotals,
    BehaviourTotals,
    CellTotals,
    FamilyTotals,
    ScoreTotals,
    SegmentTotals,
    TierTotals,
    Totals,
)

__all__ = ["BANDS", "SCORES", "Summary", "Totals", "summarise"]

VERSION: Literal[2] = 2
BANDS = {
    "recency": ("Active", "Slip", "Gone", "Long"),
    "frequency": ("Once", "Repeat", "Frequent"),
    "monetary": ("Regular", "High"),
}
SCORES = ("recency", "frequency", "monetary")


class Summary(BaseModel):
    """Every segment, family, cell, tier, behaviour, band and score is listed, also when empty.

    Each list adds up to `total`; the overlays once per overlay, bands and scores once per kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[2] = VERSION
    as_of: str
    currency: str
    total: Totals
    segments: list[SegmentTotals]
    families: list[FamilyTotals]
    grid: list[CellTotals]
    overlays: list[TierTotals] = Field(description="overlay x tier x segment")
    behaviours: list[BehaviourTotals]
    bands: list[BandTotals]
    scores: list[ScoreTotals]
    priorities: list[Priority] = Field(description="segments, the most worthwhile first")
    returns_only: Totals = Field(description="customers without any purchase: outside segments and total")
    rubric: Rubric


_Parts = dict[tuple[str, str, str | None], dict[str, Any]]
_NAMES = ("part", "first", "second")


def summarise(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime,
    currency: str,
    rubric: Rubric,
    organic: OrganicReturn | None = None,
    lifts: Mapping[Segment, MeasuredLift] | None = None,
) -> Summary:
    """Reads the tables `snapshot` and `facts` that `build_snapshot` made.

    `organic` and `lifts`, where known, stand beside the priorities, which otherwise rest on assumptions alone.
    """
    parts = _read_parts(connection)
    outside = connection.execute(
        "SELECT count(*), coalesce(sum(orders), 0), coalesce(sum(net_minor), 0) FROM facts WHERE purchases = 0"
    ).fetchall()[0]
    segments = [
        SegmentTotals(segment=segment, family=family, **_figures(parts, "segment", segment))
        for segment, family in FAMILY_OF.items()
    ]
    return Summary(
        as_of=format_instant(as_of),
        currency=currency,
        total=_total(segments),
        segments=segments,
        families=[FamilyTotals(family=family, **_figures(parts, "family", family)) for family in Family],
        grid=[
            CellTotals(value_tier=tier, status=status, **_figures(parts, "cell", tier, status))
            for tier, status in CELLS
        ],
        overlays=[
            TierTotals(overlay=overlay, tier=tier, segment=segment, **_few(parts, overlay, tier, segment))
            for overlay, tiers in TIERS.items()
            for tier in tiers
            for segment in Segment
        ],
        behaviours=[
            BehaviourTotals(behaviour=behaviour, **_figures(parts, "behaviour", behaviour)) for behaviour in Behaviour
        ],
        bands=[
            BandTotals(kind=kind, band=band, **_few(parts, f"{kind}_band", band))
            for kind, bands in BANDS.items()
            for band in bands
        ],
        scores=[
            ScoreTotals(score=score, value=value, **_few(parts, f"{score}_score", str(value)))
            for score in SCORES
            for value in range(1, 6)
        ],
        priorities=prioritise(segments, rubric.settings, organic=organic, lifts=lifts or {}),
        returns_only=Totals(
            customers=outside[0],
            orders=outside[1],
            net_minor=outside[2],
            average_net_minor=_average(outside[2], outside[0]),
        ),
        rubric=rubric,
    )


def _read_parts(connection: duckdb.DuckDBPyConnection) -> _Parts:
    cursor = connection.execute(read_sql("summary"))
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {
        (row["part"], row["first"], row["second"]): {
            **{name: value for name, value in row.items() if name not in _NAMES},
            "average_net_minor": _average(row["net_minor"], row["customers"]),
        }
        for row in rows
    }


def _figures(parts: _Parts, part: str, first: str, second: str | None = None) -> dict[str, Any]:
    return parts.get((part, first, second), {})


def _few(parts: _Parts, part: str, first: str, second: str | None = None) -> dict[str, Any]:
    """Customers and value only."""
    figures = _figures(parts, part, first, second)
    return {name: figures[name] for name in ("customers", "net_minor", "average_net_minor") if name in figures}


def _total(segments: list[SegmentTotals]) -> Totals:
    def add(name: str) -> int:
        return sum(getattr(row, name) or 0 for row in segments)

    known = any(row.margin_minor is not None for row in segments)
    customers, net_minor = add("customers"), add("net_minor")
    return Totals(
        customers=customers,
        net_minor=net_minor,
        average_net_minor=_average(net_minor, customers),
        orders=add("orders"),
        purchases=add("purchases"),
        lapsed=add("lapsed"),
        margin_minor=add("margin_minor") if known else None,
        margin_net_minor=add("margin_net_minor") if known else None,
    )


def _average(net_minor: int, customers: int) -> int | None:
    """Rounded half up, in integers."""
    return (2 * net_minor + customers) // (2 * customers) if customers else None
