"""The rules on real purchases and on single customers, and how long a rubric holds."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from tests.unit.segmentation.customers import (
    fill,
    fill_with_cdnow,
    order,
    rows_by_customer,
    rubric_with,
    ruled,
    segmented,
)
from winback.features import PRIOR
from winback.segmentation.organic_return import observe_returns
from winback.segmentation.recalibration import recalibrate
from winback.segmentation.rubric import Bands, OtherCurrency, Rubric, read_rubric, rubric_in_force
from winback.segmentation.rubric_file import read_rubric_file
from winback.segmentation.snapshot import build_snapshot, read_sql
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
    shares = {str(row.segment): row.share for row in organic.segments}
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
    snapshot, _ = segmented(connection, orders, AS_OF, rubric_with(AS_OF, bands))
    cells = {name: (row["value_tier"], row["status"]) for name, row in snapshot.items()}
    assert cells == {"rich": ("Premium", "New"), "poor": ("Mass", "New")}


@pytest.mark.parametrize("cut", [0, -100])
def test_who_brought_nothing_is_no_vip_however_low_the_cut_offs_are(
    connection: duckdb.DuckDBPyConnection, cut: int
) -> None:
    bands = Bands(
        high_value_minor=cut,
        frequent_purchases=3,
        premium_above_minor=cut - 3,
        elite_above_minor=cut - 2,
        vip_above_minor=cut - 1,
    )
    worth = [-1, 0, 1]
    facts = [{"net_minor": net, "purchases": 4, "silence_days": 100, "tenure_days": 400} for net in worth]
    rows = ruled(connection, rubric_with(AS_OF, bands), *facts)
    assert [row["segment"] for row in rows] == ["Slipping Regulars", "Slipping Regulars", "Slipping VIPs"]
    assert [row["value_tier"] for row in rows] == ["Mass", "Mass", "VIP"]


def test_an_account_that_only_gives_away_has_no_vips(connection: duckdb.DuckDBPyConnection) -> None:
    orders = [order(f"c{n}", AS_OF - timedelta(days=days), 0) for n in range(20) for days in (5, 40, 80)]
    snapshot, _ = segmented(connection, orders, AS_OF)
    assert {row["segment"] for row in snapshot.values()} == {"Loyal"}
    assert {row["value_tier"] for row in snapshot.values()} == {"Mass"}


def _settled(**changes: Any) -> Rubric:
    rubric = rubric_with(AS_OF)
    rhythm = rubric.rhythm.model_copy(update={"source": "estimated"})
    return rubric.model_copy(update={"history_days": 365, "rhythm": rhythm, **changes})


def test_a_rubric_of_less_than_a_year_or_too_few_gaps_is_read_again_after_a_quarter() -> None:
    for provisional in (rubric_with(AS_OF), _settled(history_days=364), _settled(rhythm=PRIOR)):
        assert provisional.is_valid_at(AS_OF)
        assert provisional.is_valid_at(AS_OF + timedelta(days=91))
        assert not provisional.is_valid_at(AS_OF + timedelta(days=91, seconds=1))
        assert not provisional.is_valid_at(AS_OF - timedelta(seconds=1))
        assert not provisional.is_due_for_review(AS_OF + timedelta(days=800))


def test_a_settled_rubric_stays_until_another_is_adopted_and_is_due_for_review_after_a_year() -> None:
    rubric = _settled()
    assert rubric.is_valid_at(AS_OF + timedelta(days=3_000))
    assert not rubric.is_valid_at(AS_OF - timedelta(seconds=1))
    assert not rubric.is_due_for_review(AS_OF + timedelta(days=365))
    assert rubric.is_due_for_review(AS_OF + timedelta(days=366))


def test_a_rubric_of_version_1_is_readable_and_counts_as_expired() -> None:
    first = {
        "version": 1,
        "calibrated_at": "2025-12-01T00:00:00Z",
        "rhythm": {"gap_log_mean": 3.4, "within": 1.3, "between": 0.4, "gaps": 9, "customers": 4, "source": "prior"},
        "bands": {
            "high_value_minor": 1,
            "frequent_purchases": 3,
            "premium_above_minor": 2,
            "elite_above_minor": 3,
            "vip_above_minor": 4,
        },
    }
    assert read_rubric(first) is None
    with pytest.raises(ValidationError):
        read_rubric({"version": 3})


def test_a_rubric_is_the_same_after_it_was_stored(connection: duckdb.DuckDBPyConnection) -> None:
    text = "[bands]\nhigh_value = 12.50\n[scores]\nvalue = [1, 2.5, 3, 4]\n"
    settings = read_rubric_file(text, "EUR").settings
    _, rubric = segmented(
        connection, [order("ann", AS_OF - timedelta(days=5), 99)], AS_OF, settings=settings, currency="EUR"
    )
    assert (rubric.bands.high_value_minor, rubric.scores.value_minor) == (1250, (100, 250, 300, 400))
    assert read_rubric(json.loads(rubric.model_dump_json())) == rubric


def test_an_adopted_rubric_goes_before_the_latest_snapshots_while_it_is_valid() -> None:
    early, late = _settled(), _settled(calibrated_at="2026-06-01T00:00:00Z")
    now = datetime(2026, 7, 1, tzinfo=UTC)
    assert rubric_in_force(early, late, now) is late
    assert rubric_in_force(late, early, now) is early, "an older one was adopted to go back"
    assert rubric_in_force(None, early, now) is early
    assert rubric_in_force(early, None, now) is early
    assert rubric_in_force(None, None, now) is None
    # A backfill must not use thresholds of its future; from before both, the later one still says the settings.
    assert rubric_in_force(early, late, datetime(2026, 2, 1, tzinfo=UTC)) is early
    assert rubric_in_force(early, late, datetime(2025, 2, 1, tzinfo=UTC)) is late
    # A provisional one that has expired was read again since.
    expired = _settled(history_days=10)
    assert rubric_in_force(late, expired, now) is late


def test_a_frozen_rubric_is_applied_as_it_is_and_its_settings_outlive_it(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    orders = [order("ann", AS_OF - timedelta(days=200), 5_000)]
    settings = read_rubric_file("[bands]\nhigh_value = 40").settings
    _, first = segmented(connection, orders, AS_OF - timedelta(days=100), settings=settings)
    _, kept = segmented(connection, orders, AS_OF - timedelta(days=50), first)
    assert kept == first
    _, expired = segmented(connection, orders, AS_OF, first)
    assert expired.calibrated_at == "2026-01-01T00:00:00Z"
    assert expired.settings == settings
    assert expired.bands.high_value_minor == 4_000


def test_a_frozen_rubric_is_not_applied_to_amounts_in_another_currency(connection: duckdb.DuckDBPyConnection) -> None:
    orders = [order("ann", AS_OF - timedelta(days=20), 5_000)]
    _, pounds = segmented(connection, orders, AS_OF, currency="GBP")
    assert pounds.currency == "GBP"
    for moment in (AS_OF, AS_OF + timedelta(days=900)):  # expired, its settings would still go on
        with pytest.raises(OtherCurrency, match="was calibrated in GBP, and the orders are in JPY"):
            segmented(connection, orders, moment, pounds, currency="JPY")
    with pytest.raises(OtherCurrency, match="use one that was calibrated in JPY"):
        recalibrate(connection, AS_OF, pounds, currency="JPY")
    stored = json.loads(pounds.model_dump_json())
    del stored["currency"]  # as rubrics were stored before
    of_before = read_rubric(stored)
    assert of_before is not None
    assert segmented(connection, orders, AS_OF, of_before, currency="JPY")[1] == of_before


def test_cut_offs_from_the_data_give_way_to_absolute_ones(connection: duckdb.DuckDBPyConnection) -> None:
    orders = [order(f"c{n}", AS_OF - timedelta(days=5), 100 * n) for n in range(1, 1001)]
    below = read_rubric_file("[bands]\nelite_above = 10.00").settings
    _, rubric = segmented(connection, orders, AS_OF, settings=below)
    assert (rubric.bands.premium_above_minor, rubric.bands.elite_above_minor) == (1_000, 1_000)
    assert rubric.bands.vip_above_minor == 99_700
    above = read_rubric_file("[bands]\npremium_above = 2000.00").settings
    _, rubric = segmented(connection, orders, AS_OF, settings=above)
    assert {rubric.bands.premium_above_minor, rubric.bands.elite_above_minor, rubric.bands.vip_above_minor} == {200_000}


@pytest.mark.parametrize("millionths", [1, 200_000, 333_333, 500_000, 985_000, 999_999])
def test_quantiles_are_the_smallest_value_that_reaches_the_share(
    connection: duckdb.DuckDBPyConnection, millionths: int
) -> None:
    rng = random.Random(millionths)
    values = sorted(rng.choice([0, 1, 1, 2, 5, 40, 41]) for _ in range(rng.randint(1, 200)))
    ruled(connection, rubric_with(AS_OF), *({"net_minor": value} for value in values))
    connection.execute("CREATE OR REPLACE TEMP TABLE quantiles (name VARCHAR, measure VARCHAR, millionths BIGINT)")
    connection.execute("INSERT INTO quantiles VALUES ('asked', 'net_minor', ?)", [millionths])
    found = connection.execute(read_sql("bands"), {"shortest_tenure_days": 182}).fetchall()
    position = -(-millionths * len(values) // 1_000_000)
    assert found == [("asked", values[position - 1])]


def test_a_score_counts_the_cut_offs_that_are_passed(connection: duckdb.DuckDBPyConnection) -> None:
    text = "[scores]\nrecency_days = [10, 20, 30, 40]\npurchases = [1, 2, 4, 8]\nvalue = [1, 2, 3, 4]\n"
    cases = [(10, 1, 100), (11, 2, 101), (20, 2, 200), (30, 4, 300), (40, 8, 400), (41, 9, 401)]
    rows = ruled(
        connection,
        rubric_with(AS_OF, overrides=text),
        *({"silence_days": days, "purchases": times, "net_minor": spent} for days, times, spent in cases),
    )
    scores = [(row["recency_score"], row["frequency_score"], row["monetary_score"]) for row in rows]
    assert scores == [(5, 1, 1), (4, 2, 2), (4, 2, 2), (3, 3, 3), (2, 4, 4), (1, 5, 5)]


@pytest.mark.parametrize(
    ("silence", "lapse", "base", "band"),
    [
        (60, 60, 100, "Active"),
        (61, 60, 100, "Slip"),
        (120, 60, 30, "Slip"),
        (121, 60, 121, "Slip"),
        (121, 60, 120, "Gone"),
        (200, 60, 100, "Gone"),
        (201, 60, 100, "Long"),
        (201, 120, 100, "Slip"),
    ],
)
def test_recency_is_silence_against_the_own_and_the_accounts_threshold(
    connection: duckdb.DuckDBPyConnection, silence: int, lapse: int, base: int, band: str
) -> None:
    facts = {"silence_days": silence, "lapse_days": lapse, "base_lapse_days": base, "purchases": 2}
    (row,) = ruled(connection, rubric_with(AS_OF), facts)
    assert (row["recency_band"], row["lapsed"]) == (band, band != "Active")


def test_nobody_at_all_is_a_snapshot_too(connection: duckdb.DuckDBPyConnection) -> None:
    fill(connection, [])
    rubric = build_snapshot(connection, as_of=AS_OF)
    assert rows_by_customer(connection, "snapshot") == {}
    assert summarise(connection, as_of=AS_OF, currency="EUR", rubric=rubric).total.customers == 0
