"""The rules of the four overlays and the six behaviours on single customers."""

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from tests.unit.segmentation.customers import rubric_with, ruled

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
RUBRIC = rubric_with(
    AS_OF,
    wide=5,
    premium_active=600,
    discount_repeat=700,
    low_frequency=2_000,
    high_frequency=6_000,
    **{f"engagement_{n}": 100_000 * n for n in range(1, 5)},
)
LAST = datetime(2025, 12, 2)


def tier(connection: duckdb.DuckDBPyConnection, column: str, **facts: Any) -> str:
    (row,) = ruled(connection, RUBRIC, {"purchases": 4, "gap_count": 3, "purchase_orders": 10, **facts})
    found: str = row[column]
    return found


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"premium_orders": None}, "none"),
        ({"premium_orders": 0}, "none"),
        ({"premium_orders": 6, "last_premium_at": LAST}, "active"),
        ({"premium_orders": 5, "last_premium_at": LAST}, "mixed"),
        # 30 days of silence and 30 more back to the last premium order are the 60 that are allowed.
        ({"premium_orders": 9, "last_premium_at": datetime(2025, 11, 2, 23)}, "active"),
        ({"premium_orders": 9, "last_premium_at": datetime(2025, 11, 1)}, "lapsed"),
    ],
)
def test_premium(connection: duckdb.DuckDBPyConnection, facts: dict[str, Any], expected: str) -> None:
    assert tier(connection, "premium_tier", last_purchase_at=LAST, silence_days=30, lapse_days=60, **facts) == expected


@pytest.mark.parametrize(
    ("discounted", "first", "expected"),
    [
        (None, False, "never"),
        (0, False, "never"),
        (1, True, "acquisition one-shot"),
        (1, False, "occasional"),
        (6, True, "occasional"),
        (7, False, "repeat"),
        (10, True, "repeat"),
    ],
)
def test_discount(connection: duckdb.DuckDBPyConnection, discounted: int | None, first: bool, expected: str) -> None:
    found = tier(connection, "discount_tier", discounted_orders=discounted, first_order_discounted=first)
    assert found == expected


def test_one_discounted_order_of_one_is_an_acquisition_one_shot(connection: duckdb.DuckDBPyConnection) -> None:
    facts = {"purchases": 1, "purchase_orders": 1, "discounted_orders": 1, "first_order_discounted": True}
    assert tier(connection, "discount_tier", **facts) == "acquisition one-shot"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"categories": None}, "n/a"),
        ({"categories": 9, "purchases": 1}, "n/a"),
        ({"categories": 4}, "narrow"),
        ({"categories": 5}, "wide"),
    ],
)
def test_breadth(connection: duckdb.DuckDBPyConnection, facts: dict[str, Any], expected: str) -> None:
    assert tier(connection, "breadth_tier", **facts) == expected


@pytest.mark.parametrize(
    ("engagement", "expected"),
    [
        (None, "n/a"),
        (0.0, "very low"),
        (0.1, "very low"),
        (0.100001, "low"),
        (0.3, "middle"),
        (0.4, "high"),
        (0.5, "very high"),
    ],
)
def test_engagement(connection: duckdb.DuckDBPyConnection, engagement: float | None, expected: str) -> None:
    assert tier(connection, "engagement_tier", engagement=engagement) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"purchases": 1, "seasonal": True}, "One-off Buyer"),
        ({"seasonal": True, "gap_count": 20, "gap_log_spread": 0.0}, "Seasonal Buyer"),
        ({"gap_count": 20, "gap_log_spread": 0.1}, "Repetitive Buyer"),
        ({"gap_count": 3, "gap_log_spread": 0.0, "tenure_days": 365}, "Regular Frequency Buyer"),
        ({"purchases": 2, "tenure_days": 365}, "Low Frequency Buyer"),
        ({"purchases": 3, "tenure_days": 365}, "Regular Frequency Buyer"),
        ({"purchases": 6, "tenure_days": 365}, "Regular Frequency Buyer"),
        ({"purchases": 7, "tenure_days": 365}, "High Frequency Buyer"),
        # Two purchases within a week are not a hundred a year.
        ({"purchases": 2, "tenure_days": 7}, "Regular Frequency Buyer"),
    ],
)
def test_behaviour(connection: duckdb.DuckDBPyConnection, facts: dict[str, Any], expected: str) -> None:
    assert tier(connection, "behaviour", **facts) == expected


def test_the_fewer_gaps_are_known_the_more_regular_they_have_to_be(connection: duckdb.DuckDBPyConnection) -> None:
    found = [tier(connection, "behaviour", gap_count=gaps, gap_log_spread=0.6) for gaps in (4, 8, 20)]
    assert [behaviour == "Repetitive Buyer" for behaviour in found] == [False, False, True]
    # (4 x 1.3 + 7 s2) / 11 <= 0.8 squared, with the prior's variance 1.3, gives s <= 0.513.
    found = [tier(connection, "behaviour", gap_count=8, gap_log_spread=spread) for spread in (0.51, 0.52)]
    assert [behaviour == "Repetitive Buyer" for behaviour in found] == [True, False]


def test_cut_offs_are_read_from_the_accounts_own_customers(connection: duckdb.DuckDBPyConnection) -> None:
    from winback.segmentation.rubric_file import default_settings
    from winback.segmentation.snapshot import calibrate_thresholds

    ruled(
        connection,
        RUBRIC,
        *(
            {
                "purchases": 2 + n // 10,
                "purchase_orders": 100,
                "tenure_days": 365,
                "categories": n,
                "discounted_orders": n,
                "premium_orders": n,
                "engagement": n / 100,
            }
            for n in range(1, 101)
        ),
    )
    thresholds, history_days = calibrate_thresholds(connection, default_settings())
    assert history_days == 365
    assert thresholds.overlays.wide_categories == 67
    assert thresholds.overlays.repeat_discount_permille == 670
    assert thresholds.overlays.premium_active_permille == 670
    assert thresholds.overlays.engagement_micro == (200_000, 400_000, 600_000, 800_000)
    assert (thresholds.behaviours.low_per_year, thresholds.behaviours.high_per_year) == (5.0, 8.0)
