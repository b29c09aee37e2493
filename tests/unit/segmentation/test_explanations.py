from typing import Any

import duckdb
import pytest

from tests.unit.segmentation.customers import fill_with_cdnow, rows_by_customer
from winback.segmentation.behaviours import Behaviour
from winback.segmentation.explanations import BEHAVIOURS, EXPLAINED, FAMILIES, OVERLAYS, SEGMENTS, explain
from winback.segmentation.names import Family, Segment
from winback.segmentation.overlays import Overlay
from winback.segmentation.snapshot import build_snapshot

ANN: dict[str, Any] = {
    "segment": "Slipping VIPs",
    "net_minor": 241_000,
    "purchase_orders": 9,
    "median_gap_days": 41,
    "silence_days": 203,
    "lapse_days": 96,
    "seasonal": False,
    "season_month": None,
}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Slipping VIP: spent 2,410.00 GBP in 9 orders, usually every 41 days, silent for 203 (late after 96)"),
        (
            {"segment": "Champions", "silence_days": 1},
            "Champion: spent 2,410.00 GBP in 9 orders, usually every 41 days, last 1 day ago (late after 96)",
        ),
        (
            {"segment": "Loyal", "silence_days": 0, "median_gap_days": 1},
            "Loyal customer: spent 2,410.00 GBP in 9 orders, usually every day, last today (late after 96)",
        ),
        (
            {"segment": "One-and-Done", "purchase_orders": 1, "net_minor": 1_200, "median_gap_days": None},
            "One-and-Done: spent 12.00 GBP in 1 order, silent for 203 days (late after 96)",
        ),
        (
            {"seasonal": True, "season_month": 11, "silence_days": 500, "lapse_days": 400},
            (
                "Slipping VIP: spent 2,410.00 GBP in 9 orders, mostly from November to January, usually every 41 days, "
                "silent for 500 (late after 400)"
            ),
        ),
        (
            {"segment": "Trend Audience", "silence_days": 3},
            (
                "Trend Audience: spent 2,410.00 GBP in 9 orders, only ever in the one category, usually every 41 days, "
                "last 3 days ago (late after 96)"
            ),
        ),
        (
            {"segment": "Long Gone", "net_minor": -500},
            (
                "Long Gone: returned 5.00 GBP more than bought in 9 orders, usually every 41 days, silent for 203 "
                "(late after 96)"
            ),
        ),
    ],
)
def test_a_customers_segment_is_explained_by_its_figures(changes: dict[str, Any], sentence: str) -> None:
    assert explain({**ANN, **changes}, "GBP") == sentence


def test_without_a_currency_none_is_named() -> None:
    assert explain(ANN, "XXX").startswith("Slipping VIP: spent 2,410.00 in 9 orders")


def test_every_month_can_begin_a_season() -> None:
    seasons = [explain({**ANN, "seasonal": True, "season_month": month}, "GBP") for month in (1, 10, 12)]
    assert ["January to March" in seasons[0], "October to December" in seasons[1], "December to February" in seasons[2]]
    assert all(" to " in season for season in seasons)


def test_every_name_has_an_explanation() -> None:
    assert (set(SEGMENTS), set(FAMILIES)) == (set(Segment), set(Family))
    assert (set(OVERLAYS), set(BEHAVIOURS)) == (set(Overlay), set(Behaviour))
    assert all(explain({**ANN, "segment": segment}, "GBP") for segment in Segment)


def test_every_real_customer_is_explained(connection: duckdb.DuckDBPyConnection) -> None:
    from datetime import UTC, datetime

    fill_with_cdnow(connection)
    build_snapshot(connection, as_of=datetime(1997, 10, 1, tzinfo=UTC))
    connection.execute(f"CREATE OR REPLACE TEMP VIEW told AS SELECT customer_id, {', '.join(EXPLAINED)} FROM snapshot")
    for row in rows_by_customer(connection, "told").values():
        late = row["silence_days"] > row["lapse_days"]
        assert ("silent for" in explain(row, "USD")) == late
