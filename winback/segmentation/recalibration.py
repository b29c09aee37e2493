"""What would move if the thresholds were read again from today's customers: shown before anybody adopts it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from winback.features.inputs import exists
from winback.instants import format_instant, parse_instant
from winback.money import NO_CURRENCY
from winback.segmentation.grid import CELLS, Status, ValueTier
from winback.segmentation.names import FAMILY_OF, Family, Segment
from winback.segmentation.rubric import PROVISIONAL_DAYS, Rubric
from winback.segmentation.rubric_settings import RubricSettings
from winback.segmentation.snapshot import build_snapshot, cut_by, read_sql

_NO_THRESHOLDS = ("calibrated_at", "history_days", "currency", "rhythm.gaps", "rhythm.customers")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ThresholdChange(_Frozen):
    name: str = Field(description="by its place in rubric.json, such as bands.high_value_minor")
    current: int | float | str | None
    proposed: int | float | str | None


class SegmentChange(_Frozen):
    segment: Segment
    family: Family
    current: int = Field(description="customers by the current rubric")
    proposed: int
    left: int = Field(description="customers who would leave it")
    joined: int


class Move(_Frozen):
    """Customers who would go from one segment to another; those who stay are not listed."""

    from_segment: Segment
    to_segment: Segment
    customers: int
    net_minor: int


class CellChange(_Frozen):
    value_tier: ValueTier
    status: Status
    current: int
    proposed: int


class Recalibration(_Frozen):
    """The same customers at the same moment, by the current rubric and by the one that could replace it."""

    as_of: str
    current_calibrated_at: str
    customers: int
    moved: int = Field(description="customers who would change segment")
    moved_net_minor: int
    lapsed_current: int
    lapsed_proposed: int
    thresholds: list[ThresholdChange] = Field(description="those that differ")
    segments: list[SegmentChange] = Field(description="all 13")
    moves: list[Move] = Field(description="the migration matrix without its diagonal, largest first")
    grid: list[CellChange] = Field(description="all 16 cells")
    proposed: Rubric = Field(description="to adopt: stored as it is, a refresh from then on uses it")


def recalibrate(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    current: Rubric,
    *,
    settings: RubricSettings | None = None,
    trend_category: str | None = None,
    currency: str = NO_CURRENCY,
) -> Recalibration:
    """Segments the relation `orders` twice: by `current`, whatever its age, and by thresholds read from these orders.

    `settings` are the proposed rubric's; without, those of `current`. Leaves `facts` and `snapshot` as proposed. Raises
    OtherCurrency when `current` is of another than `currency`; ValueError when it was calibrated after `as_of`, for it
    knows what had not happened; and when the connection
    carries histories of customers that `orders` leaves out, for new thresholds have to be read from all orders.
    """
    if exists(connection, "carried_histories"):
        raise ValueError("some customers' histories are carried; a recalibration needs all orders")
    if current.calibrated_at > format_instant(as_of):
        raise ValueError(f"the current rubric is of {current.calibrated_at}, after {format_instant(as_of)}")
    current.require_currency(currency)
    cut_by(connection, current, as_of=as_of, trend_category=trend_category)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE current_places AS "
        "SELECT customer_id, segment, value_tier, status, lapsed, net_minor FROM snapshot"
    )
    proposed = build_snapshot(
        connection,
        as_of=as_of,
        trend_category=trend_category,
        settings=settings or current.settings,
        currency=currency,
    )
    rows = [_Row(*row) for row in connection.execute(read_sql("recalibration")).fetchall()]
    connection.execute("DROP TABLE current_places")
    moved = [row for row in rows if row.current != row.proposed]
    return Recalibration(
        as_of=format_instant(as_of),
        current_calibrated_at=current.calibrated_at,
        customers=sum(row.customers for row in rows),
        moved=sum(row.customers for row in moved),
        moved_net_minor=sum(row.net_minor for row in moved),
        lapsed_current=sum(row.lapsed_current for row in rows),
        lapsed_proposed=sum(row.lapsed_proposed for row in rows),
        thresholds=list(_threshold_changes(current, proposed)),
        segments=[_segment_change(segment, rows) for segment in Segment],
        moves=_moves(moved),
        grid=_grid(rows),
        proposed=proposed,
    )


def is_proposal_due(rubric: Rubric, as_of: datetime, proposed_at: str | None) -> bool:
    """Whether a refresh of `as_of` by `rubric` should also compute what a recalibration would move.

    Once the annual review is due, and then every 91 days until somebody adopts one. `proposed_at` is the `as_of` of the
    latest proposal; one from before the rubric was about another.
    """
    if not rubric.is_due_for_review(as_of):
        return False
    if proposed_at is None or proposed_at <= rubric.calibrated_at:
        return True
    return as_of - parse_instant(proposed_at) >= timedelta(days=PROVISIONAL_DAYS)


class _Row(NamedTuple):
    """A row of recalibration.sql."""

    current: str
    current_tier: str
    current_status: str
    proposed: str
    proposed_tier: str
    proposed_status: str
    customers: int
    net_minor: int
    lapsed_current: int
    lapsed_proposed: int


def _segment_change(segment: Segment, rows: Sequence[_Row]) -> SegmentChange:
    def count(current: bool, proposed: bool) -> int:
        return sum(
            row.customers
            for row in rows
            if (row.current == segment) == current and (row.proposed == segment) == proposed
        )

    stayed, left, joined = count(True, True), count(True, False), count(False, True)
    return SegmentChange(
        segment=segment,
        family=FAMILY_OF[segment],
        current=stayed + left,
        proposed=stayed + joined,
        left=left,
        joined=joined,
    )


def _moves(moved: Sequence[_Row]) -> list[Move]:
    totals: dict[tuple[str, str], tuple[int, int]] = {}
    for row in moved:
        customers, net_minor = totals.get((row.current, row.proposed), (0, 0))
        totals[row.current, row.proposed] = customers + row.customers, net_minor + row.net_minor
    return [
        Move(from_segment=Segment(old), to_segment=Segment(new), customers=customers, net_minor=net_minor)
        for (old, new), (customers, net_minor) in sorted(totals.items(), key=lambda item: (-item[1][0], item[0]))
    ]


def _grid(rows: Sequence[_Row]) -> list[CellChange]:
    return [
        CellChange(
            value_tier=cell.value_tier,
            status=cell.status,
            current=sum(row.customers for row in rows if (row.current_tier, row.current_status) == cell),
            proposed=sum(row.customers for row in rows if (row.proposed_tier, row.proposed_status) == cell),
        )
        for cell in CELLS
    ]


def _threshold_changes(current: Rubric, proposed: Rubric) -> Iterator[ThresholdChange]:
    """Settings included: a policy that changed moves nobody, but is adopted with the rest."""
    kept = dict(_numbers(current.model_dump(mode="json"), ""))
    new = dict(_numbers(proposed.model_dump(mode="json"), ""))
    for name in dict.fromkeys([*kept, *new]):
        if name not in _NO_THRESHOLDS and kept.get(name) != new.get(name):
            yield ThresholdChange(name=name, current=kept.get(name), proposed=new.get(name))


def _numbers(content: Any, prefix: str) -> Iterator[tuple[str, int | float | str | None]]:
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from _numbers(value, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(content, list):
        for number, value in enumerate(content, start=1):
            yield from _numbers(value, f"{prefix}.{number}")
    else:
        yield prefix, content
