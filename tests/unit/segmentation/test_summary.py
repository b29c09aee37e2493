"""What a snapshot adds up to."""

import json
from datetime import UTC, datetime

import duckdb

from tests.unit.segmentation.customers import rubric_with, ruled
from winback.segmentation.grid import CELLS
from winback.segmentation.overlays import TIERS
from winback.segmentation.summary import Summary, summarise

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def summary_of(connection: duckdb.DuckDBPyConnection, *facts: dict[str, object]) -> Summary:
    rubric = rubric_with(AS_OF, high_value=2_000, premium=2_000, elite=5_000, vip=9_000)
    ruled(connection, rubric, *facts)
    return summarise(connection, as_of=AS_OF, currency="EUR", rubric=rubric)


def test_every_list_is_complete_also_of_nobody(connection: duckdb.DuckDBPyConnection) -> None:
    summary = summary_of(connection)
    assert (len(summary.segments), len(summary.families), len(summary.grid)) == (13, 5, len(CELLS))
    assert (len(summary.behaviours), len(summary.bands), len(summary.scores)) == (6, 9, 15)
    assert len(summary.overlays) == 13 * sum(len(tiers) for tiers in TIERS.values())
    assert len(summary.priorities) == 13
    assert summary.total.customers == 0
    assert summary.total.average_net_minor is None
    assert Summary.model_validate(json.loads(summary.model_dump_json())) == summary


def test_a_cell_has_its_total_and_average_value_to_date(connection: duckdb.DuckDBPyConnection) -> None:
    spent = [{"net_minor": net_minor, "tenure_days": 40} for net_minor in (3_000, 3_001, 4_000)]
    summary = summary_of(connection, *spent, {"net_minor": 10, "tenure_days": 10})
    cells = {(row.value_tier, row.status): row for row in summary.grid if row.customers}
    premium = cells["Premium", "Active"]
    assert (premium.customers, premium.net_minor, premium.average_net_minor) == (3, 10_001, 3_334)
    assert cells["Mass", "New"].average_net_minor == 10


def test_overlays_tell_tiers_within_segments(connection: duckdb.DuckDBPyConnection) -> None:
    summary = summary_of(
        connection,
        {"purchases": 2, "categories": 9, "net_minor": 3_000},
        {"purchases": 2, "categories": 1, "net_minor": 3_000},
        {"purchases": 2, "categories": 1, "net_minor": 100},
    )
    found = {(row.tier, row.segment): row.customers for row in summary.overlays if row.overlay == "breadth"}
    assert found["wide", "Big Spenders"] == found["narrow", "Big Spenders"] == found["narrow", "Rising"] == 1
    assert found["wide", "Rising"] == 0


def test_margin_is_of_the_orders_whose_costs_are_known(connection: duckdb.DuckDBPyConnection) -> None:
    some_costs = {"net_minor": 900, "margin_minor": 100, "costed_net_minor": 500}
    summary = summary_of(connection, some_costs, {"net_minor": 700})
    assert (summary.total.margin_minor, summary.total.margin_net_minor, summary.total.net_minor) == (100, 500, 1_600)
    assert summary_of(connection, {"net_minor": 700}).total.margin_minor is None
