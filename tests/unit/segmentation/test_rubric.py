"""The rules on real purchases and on single customers."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from tests.unit.segmentation.customers import fill, fill_with_cdnow, order, rows_by_customer, segmented
from winback.features import PRIOR
from winback.segmentation.organic_return import observe_returns
from winback.segmentation.rubric import Bands, Rubric
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import summarise

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)

# The first rubric's table; its column "1997-09-30" includes that day, so as_of is the day after.
CDNOW_SEGMENTS = {
    "Champions": (2328, 2561),
    "Loyal": (963, 964),
    "Big Spenders": (357, 363),
    "New Starters": (0, 0),
    "Promising": (0, 0),
    "Rising": (1492, 2090),
    "One-and-Done": (6186, 0),
    "Slipping VIPs": (929, 849),
    "Slipping Regulars": (1525, 1521),
    "Lost VIPs": (613, 784),
    "Lost Regulars": (750, 268),
    "Long Gone": (8427, 14170),
    "Trend Audience": (0, 0),
}


@pytest.mark.parametrize(
    ("column", "as_of"), [(0, datetime(1997, 10, 1, tzinfo=UTC)), (1, datetime(1998, 7, 1, tzinfo=UTC))]
)
def test_cdnow_falls_into_the_segments_that_the_rubric_lists(
    connection: duckdb.DuckDBPyConnection, column: int, as_of: datetime
) -> None:
    fill_with_cdnow(connection)
    rubric = build_snapshot(connection, as_of=as_of)
    summary = summarise(connection, as_of=as_of, currency="USD", rubric=rubric)
    assert {row.segment: row.customers for row in summary.segments} == {
        name: counts[column] for name, counts in CDNOW_SEGMENTS.items()
    }
    assert summary.total.customers == 23_570


def test_slipping_vips_of_cdnow_come_back_by_themselves_more_often_than_slipping_regulars(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    fill_with_cdnow(connection)
    organic = observe_returns(connection, as_of=datetime(1997, 12, 31, tzinfo=UTC))
    shares = {row.segment: row.share for row in organic.segments}
    assert organic.since == "1997-10-01T00:00:00Z"
    assert shares["Slipping VIPs"] == pytest.approx(0.36, abs=0.01)
    assert shares["Slipping VIPs"] > shares["Slipping Regulars"] > shares["Long Gone"]  # type: ignore[operator]
    assert shares["New Starters"] is None


def test_equal_customers_are_never_split_by_a_quantile(connection: duckdb.DuckDBPyConnection) -> None:
    orders = [order(f"c{n}", AS_OF - timedelta(days=5), 1000 if n < 30 else 9000) for n in range(100)]
    snapshot, rubric = segmented(connection, orders, AS_OF)
    assert rubric.bands.high_value_minor == 9000
    bands = {(row["net_minor"], row["monetary_band"]) for row in snapshot.values()}
    assert bands == {(1000, "Regular"), (9000, "High")}


def test_orders_of_one_day_are_one_purchase_and_returns_only_reduce_value(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    orders = [
        order("ann", datetime(2025, 12, 1, 8, tzinfo=UTC), 1000),
        order("ann", datetime(2025, 12, 1, 22, tzinfo=UTC), 500),
        order("ann", datetime(2025, 12, 11, 1, tzinfo=UTC), 0),
        order("ann", datetime(2025, 12, 30, 1, tzinfo=UTC), -700),
    ]
    snapshot, _ = segmented(connection, orders, AS_OF)
    ann = snapshot["ann"]
    assert (ann["purchases"], ann["orders"], ann["gap_count"], ann["mean_gap_days"]) == (2, 4, 1, 10)
    assert (ann["net_minor"], ann["gross_minor"], ann["returns_minor"]) == (800, 1500, 700)
    assert (ann["silence_days"], ann["tenure_days"]) == (21, 31)
    assert ann["last_purchase_at"] == datetime(2025, 12, 11, 1)


def test_a_customer_with_returns_only_is_outside_the_segments_and_counted_apart(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    snapshot, rubric = segmented(connection, [order("eve", AS_OF - timedelta(days=9), -700)], AS_OF)
    assert snapshot == {}
    outside = summarise(connection, as_of=AS_OF, currency="EUR", rubric=rubric).returns_only
    assert (outside.customers, outside.orders, outside.net_minor) == (1, 1, -700)


def test_only_the_configured_category_makes_the_trend_audience(connection: duckdb.DuckDBPyConnection) -> None:
    orders = [
        order("only", AS_OF - timedelta(days=5), 100, "reports"),
        order("both", AS_OF - timedelta(days=5), 100, "reports"),
        order("both", AS_OF - timedelta(days=9), 100, "designs"),
        order("returned", AS_OF - timedelta(days=5), 100, "reports"),
        order("returned", AS_OF - timedelta(days=3), -100, "designs"),
        order("unknown", AS_OF - timedelta(days=5), 100),
    ]
    snapshot, _ = segmented(connection, orders, AS_OF, trend_category="reports")
    audience = {name for name, row in snapshot.items() if row["segment"] == "Trend Audience"}
    assert audience == {"only", "returned"}
    assert {row["family"] for name, row in snapshot.items() if name in audience} == {"Trend Audience"}
    without, _ = segmented(connection, orders, AS_OF)
    assert not any(row["only_category"] for row in without.values())


def test_a_new_customer_is_premium_or_mass_whatever_the_first_purchase_was_worth(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    bands = Bands(
        high_value_minor=1, frequent_purchases=3, premium_above_minor=10, elite_above_minor=20, vip_above_minor=30
    )
    orders = [order("rich", AS_OF - timedelta(days=5), 99), order("poor", AS_OF - timedelta(days=5), 9)]
    snapshot, _ = segmented(connection, orders, AS_OF, Rubric.of(AS_OF, PRIOR, bands))
    cells = {name: (row["value_tier"], row["status"]) for name, row in snapshot.items()}
    assert cells == {"rich": ("Premium", "New"), "poor": ("Mass", "New")}


def test_a_rubric_holds_for_a_quarter_and_never_before_its_own_moment() -> None:
    rubric = Rubric.of(
        AS_OF,
        PRIOR,
        Bands(high_value_minor=0, frequent_purchases=3, premium_above_minor=0, elite_above_minor=0, vip_above_minor=0),
    )
    assert rubric.is_valid_at(AS_OF)
    assert rubric.is_valid_at(AS_OF + timedelta(days=91))
    assert not rubric.is_valid_at(AS_OF + timedelta(days=91, seconds=1))
    assert not rubric.is_valid_at(AS_OF - timedelta(seconds=1))


def test_nobody_at_all_is_a_snapshot_too(connection: duckdb.DuckDBPyConnection) -> None:
    fill(connection, [])
    rubric = build_snapshot(connection, as_of=AS_OF)
    assert rows_by_customer(connection, "snapshot") == {}
    assert summarise(connection, as_of=AS_OF, currency="EUR", rubric=rubric).total.customers == 0
