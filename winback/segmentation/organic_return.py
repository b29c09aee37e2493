"""How many customers of a segment come back by themselves: what any win-back campaign has to beat."""

from datetime import UTC, datetime, timedelta

import duckdb
from pydantic import BaseModel, ConfigDict

from winback.experiments.statistics import Proportion, wilson_interval
from winback.instants import format_instant
from winback.segmentation.names import Segment
from winback.segmentation.snapshot import build_snapshot, read_sql

WINDOW_DAYS = 91
FEWEST_CUSTOMERS = 30
"""Below this many customers a share is too small to tell and is left out."""


class SegmentReturn(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: Segment
    customers: int
    returned: int
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
    connection: duckdb.DuckDBPyConnection, *, as_of: datetime, trend_category: str | None = None
) -> OrganicReturn:
    """Segments the customers as of 91 days before `as_of`, by thresholds of then, and follows them until `as_of`.

    Whatever campaigns ran in between is part of what is observed. Replaces the tables `facts` and `snapshot`.
    """
    since = as_of - timedelta(days=WINDOW_DAYS)
    build_snapshot(connection, as_of=since, trend_category=trend_category)
    moments = {"since": _plain(since), "as_of": _plain(as_of)}
    rows = connection.execute(read_sql("organic_return"), moments).fetchall()
    observed = {segment: (customers, returned) for segment, customers, returned in rows}
    return OrganicReturn(
        since=format_instant(since),
        until=format_instant(as_of),
        segments=[_segment(segment, *observed.get(str(segment), (0, 0))) for segment in Segment],
    )


def _segment(segment: Segment, customers: int, returned: int) -> SegmentReturn:
    if customers < FEWEST_CUSTOMERS:
        return SegmentReturn(segment=segment, customers=customers, returned=returned, share=None, low=None, high=None)
    low, high = wilson_interval(Proportion(returned, customers))
    share = returned / customers
    return SegmentReturn(segment=segment, customers=customers, returned=returned, share=share, low=low, high=high)


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
