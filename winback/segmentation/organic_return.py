"""How many customers of a segment come back by themselves: what any win-back campaign has to beat."""

from datetime import UTC, datetime, timedelta

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from winback.experiments.statistics import Proportion, wilson_interval
from winback.instants import format_instant
from winback.money import NO_CURRENCY
from winback.segmentation.names import Segment
from winback.segmentation.rubric_settings import RubricSettings
from winback.segmentation.snapshot import build_snapshot, read_sql

WINDOW_DAYS = 91
FEWEST_CUSTOMERS = 30
"""Below this many customers a share is too small to tell and is left out."""


class SegmentReturn(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: Segment
    customers: int
    returned: int
    purchased_minor: int = Field(default=0, description="what those who returned purchased in the window, minor units")
    share: float | None
    """Null below 30 customers: too small to tell."""
    low: float | None
    high: float | None


class OrganicReturn(BaseModel):
    """Customers by their segment at `since`, and whether they purchased from then until `until`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: str
    until: str
    segments: list[SegmentReturn]


def observe_returns(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime,
    trend_category: str | None = None,
    settings: RubricSettings | None = None,
    currency: str = NO_CURRENCY,
) -> OrganicReturn:
    """Segments the customers as of 91 days before `as_of`, by thresholds of then, and follows them until `as_of`.

    Whatever campaigns ran in between is part of what is observed. Replaces the tables `facts` and `snapshot`.
    """
    since = as_of - timedelta(days=WINDOW_DAYS)
    build_snapshot(connection, as_of=since, trend_category=trend_category, settings=settings, currency=currency)
    return follow_returns(connection, since=since, until=as_of)


def follow_returns(
    connection: duckdb.DuckDBPyConnection, *, since: datetime, until: datetime, standing: str = "snapshot"
) -> OrganicReturn:
    """Follows the customers of a snapshot as of `since` through the relation `orders` until `until` (exclusive).

    `standing` names the relation of that snapshot: `customer_id` as in `orders`, and `segment`.
    """
    connection.table(standing).project("customer_id, segment").create_view("followed", replace=True)
    moments = {"since": _plain(since), "until": _plain(until)}
    rows = connection.execute(read_sql("organic_return"), moments).fetchall()
    connection.execute("DROP VIEW followed")
    observed = {segment: figures for segment, *figures in rows}
    return OrganicReturn(
        since=format_instant(since),
        until=format_instant(until),
        segments=[_segment(segment, *observed.get(str(segment), (0, 0, 0))) for segment in Segment],
    )


def _segment(segment: Segment, customers: int, returned: int, purchased_minor: int) -> SegmentReturn:
    share = low = high = None
    if customers >= FEWEST_CUSTOMERS:
        share = returned / customers
        low, high = wilson_interval(Proportion(returned, customers))
    return SegmentReturn(
        segment=segment,
        customers=customers,
        returned=returned,
        purchased_minor=purchased_minor,
        share=share,
        low=low,
        high=high,
    )


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
