"""What a recalibration shows before anybody adopts it."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from tests.unit.segmentation.customers import fill_with_cdnow, order, rows_by_customer, rubric_with, segmented
from winback.segmentation.recalibration import is_proposal_due, recalibrate
from winback.segmentation.rubric_file import read_rubric_file
from winback.segmentation.snapshot import build_snapshot

THEN, NOW = datetime(1997, 10, 1, tzinfo=UTC), datetime(1998, 7, 1, tzinfo=UTC)
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def test_cdnows_thresholds_of_nine_months_earlier_put_a_fifth_elsewhere(connection: duckdb.DuckDBPyConnection) -> None:
    fill_with_cdnow(connection)
    current = build_snapshot(connection, as_of=THEN)
    found = recalibrate(connection, NOW, current)
    by_new = {name: row["segment"] for name, row in rows_by_customer(connection, "snapshot").items()}

    assert found.customers == 23_570
    assert found.moved == sum(move.customers for move in found.moves) == sum(row.left for row in found.segments)
    assert 0.15 < found.moved / found.customers < 0.25
    for row in found.segments:
        assert row.proposed == row.current - row.left + row.joined
        assert row.proposed == sum(segment == row.segment for segment in by_new.values())
    assert sum(row.current for row in found.segments) == sum(cell.current for cell in found.grid) == found.customers
    assert sum(cell.proposed for cell in found.grid) == found.customers
    changes = {change.name: (change.current, change.proposed) for change in found.thresholds}
    assert changes["bands.high_value_minor"] == (9_396, 13_395)
    assert not any(name.startswith("settings.") for name in changes)
    assert found.proposed.calibrated_at == "1998-07-01T00:00:00Z"
    assert found.moves[0].customers == max(move.customers for move in found.moves)


def test_reading_the_same_orders_at_the_same_moment_again_moves_nobody(connection: duckdb.DuckDBPyConnection) -> None:
    orders = [order(f"c{n}", AS_OF - timedelta(days=n), 100 * n) for n in range(1, 60)]
    _, current = segmented(connection, orders, AS_OF)
    found = recalibrate(connection, AS_OF, current)
    assert (found.moved, found.moves, found.thresholds, found.proposed) == (0, [], [], current)


def test_changed_settings_are_compared_like_the_data(connection: duckdb.DuckDBPyConnection) -> None:
    orders = [order(f"c{n}", AS_OF - timedelta(days=day), 100 * n) for n in range(1, 60) for day in (3, 9)]
    _, current = segmented(connection, orders, AS_OF)
    text = '[bands]\nhigh_value = 10.00\n[segments."Long Gone"]\nat_most = 0\n'
    found = recalibrate(connection, AS_OF, current, settings=read_rubric_file(text).settings)
    changes = {change.name: (change.current, change.proposed) for change in found.thresholds}
    assert changes["bands.high_value_minor"] == (9_600, 1_000)
    assert changes["settings.bands.high_value"] == (None, "10.00")
    assert changes["settings.segments.Long Gone.at_most"] == (1, 0)
    (move,) = found.moves
    assert (move.from_segment, move.to_segment, move.customers) == ("Rising", "Big Spenders", 43)


def test_thresholds_of_the_future_are_refused(connection: duckdb.DuckDBPyConnection) -> None:
    _, current = segmented(connection, [order("ann", AS_OF - timedelta(days=9), 100)], AS_OF)
    with pytest.raises(ValueError, match="after 2025-12-31T00:00:00Z"):
        recalibrate(connection, AS_OF - timedelta(days=1), current)


def test_a_recalibration_needs_all_orders(connection: duckdb.DuckDBPyConnection) -> None:
    _, current = segmented(connection, [order("ann", AS_OF - timedelta(days=9), 100)], AS_OF)
    connection.execute("CREATE TEMP VIEW carried_histories AS SELECT 1 AS customer_id")
    try:
        with pytest.raises(ValueError, match="needs all orders"):
            recalibrate(connection, AS_OF, current)
    finally:
        connection.execute("DROP VIEW carried_histories")


def test_a_proposal_is_due_a_year_after_and_then_every_quarter_until_one_is_adopted() -> None:
    rubric = rubric_with(AS_OF)
    settled = rubric.model_copy(
        update={"history_days": 500, "rhythm": rubric.rhythm.model_copy(update={"source": "estimated"})}
    )

    def due(days: int, proposed_at: str | None = None) -> bool:
        return is_proposal_due(settled, AS_OF + timedelta(days=days), proposed_at)

    assert [due(365), due(366)] == [False, True]
    assert [due(400, "2027-01-02T00:00:00Z"), due(457, "2027-01-02T00:00:00Z")] == [False, True]
    assert due(366, "2025-12-01T00:00:00Z")
    assert not is_proposal_due(rubric, AS_OF + timedelta(days=900), None)
