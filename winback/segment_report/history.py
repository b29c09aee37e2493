"""How the customers of a file came to stand where they do: earlier moments, cut by the thresholds of now.

The same rubric cuts every moment, so customers move because of what they did and not because thresholds moved.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from winback.instants import format_instant
from winback.segmentation.migration import compare
from winback.segmentation.movement import Headcount, Movement
from winback.segmentation.names import FAMILY_OF, Family, Segment
from winback.segmentation.rubric import Rubric
from winback.segmentation.snapshot import cut_by

STEP_DAYS = 91
MOST_POINTS = 9
"""Two years of quarters, and now."""


@dataclass(frozen=True)
class Moment:
    as_of: str
    segments: dict[Segment, Headcount]

    def family(self, family: Family) -> Headcount:
        total = Headcount()
        for segment, count in self.segments.items():
            if FAMILY_OF[segment] is family:
                total = total.plus(count)
        return total


@dataclass(frozen=True)
class History:
    moments: tuple[Moment, ...]
    """A quarter apart, the oldest first, the last being now; only those that somebody had purchased before."""
    since: str | None
    """The moment before the last; None when nobody had purchased by then."""
    movement: Movement | None
    newly_lapsed: int
    """Customers who are lapsed now and were not at `since`."""


def observe_history(
    connection: duckdb.DuckDBPyConnection, rubric: Rubric, *, as_of: datetime, folder: Path, trend_category: str | None
) -> History:
    """Cuts `orders` by `rubric` at up to nine quarters. Leaves `facts` and `snapshot` as of `as_of`, by this rubric."""
    ((first,),) = connection.execute("SELECT min(ordered_at) FROM orders WHERE amount_minor >= 0").fetchall()
    start = as_of if first is None else first.replace(tzinfo=UTC)
    times = [as_of - timedelta(days=STEP_DAYS * back) for back in range(MOST_POINTS)]
    moments, files = [], {}
    for moment in sorted(time for time in times if time > start or time == as_of):
        cut_by(connection, rubric, as_of=moment, trend_category=trend_category)
        counted = connection.execute(
            "SELECT segment, count(*), sum(net_minor)::BIGINT, count(*) FILTER (lapsed) FROM snapshot GROUP BY segment"
        ).fetchall()
        moments.append(
            Moment(
                format_instant(moment),
                {
                    Segment(name): Headcount(customers=customers, net_minor=net, lapsed=lapsed)
                    for name, customers, net, lapsed in counted
                },
            )
        )
        if moment in times[:2]:
            files[moment] = folder / f"standing-{len(moments)}.parquet"
            places = "customer_id AS customer_key, segment, value_tier, status, net_minor, lapsed"
            connection.table("snapshot").project(places).write_parquet(str(files[moment]))
    if len(files) < 2:
        return History(tuple(moments), None, None, 0)
    before, now = files[times[1]], files[as_of]
    ((newly,),) = connection.execute(
        "SELECT count(*) FROM read_parquet($now) AS n JOIN read_parquet($before) AS b USING (customer_key) "
        "WHERE n.lapsed AND NOT b.lapsed",
        {"now": str(now), "before": str(before)},
    ).fetchall()
    return History(tuple(moments), format_instant(times[1]), compare(connection, before, now), newly)
