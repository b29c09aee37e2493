"""Nobody can be made out in what leaves the account."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.segmentation.customers import order, segmented
from winback.segmentation.names import FAMILY_OF, Family
from winback.segmentation.organic_return import observe_returns
from winback.segmentation.summary import Summary, summarise
from winback.segmentation.suppression import hidden_cells, suppress, suppress_returns

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)

_orders = st.lists(
    st.builds(
        order,
        st.integers(0, 60).map(lambda number: f"c{number}"),
        st.integers(1, 900).map(lambda day: AS_OF - timedelta(days=day)),
        st.sampled_from([100, 900, 5_000, 90_000]),
    ),
    min_size=1,
    max_size=160,
)
_any_data = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def summary_of(connection: duckdb.DuckDBPyConnection, orders: list[Any]) -> Summary:
    _, rubric = segmented(connection, orders, AS_OF)
    return summarise(connection, as_of=AS_OF, currency="EUR", rubric=rubric)


@given(
    counts=st.dictionaries(st.integers(0, 11), st.integers(0, 30), min_size=1),
    fewest=st.integers(2, 12),
    groups=st.lists(st.sets(st.integers(0, 11), min_size=1), max_size=5),
)
def test_no_hidden_cell_follows_from_a_sum_that_is_shown(
    counts: dict[int, int], fewest: int, groups: list[set[int]]
) -> None:
    margins: list[Collection[int]] = [[key for key in group if key in counts] for group in groups]
    hidden = hidden_cells(counts, margins, fewest)
    assert {key for key, count in counts.items() if 0 < count < fewest} <= hidden
    for margin in margins:
        inside = [key for key in margin if key in hidden]
        filled = [key for key in margin if counts[key]]
        if inside and len(inside) < len(filled):
            assert len(inside) >= 2
            assert sum(counts[key] for key in inside) >= fewest


@given(orders=_orders, fewest=st.integers(2, 15))
@_any_data
def test_a_suppressed_summary_shows_no_small_row_and_no_way_to_compute_one(
    connection: duckdb.DuckDBPyConnection, orders: list[Any], fewest: int
) -> None:
    summary = summary_of(connection, orders)
    shown = suppress(summary, fewest)
    document = shown.model_dump(mode="json")
    for table in ("segments", "families", "grid", "overlays", "behaviours", "bands", "scores"):
        for before, row in zip(getattr(summary, table), document[table], strict=True):
            if row.get("hidden"):
                assert row["customers"] is None
                assert row["net_minor"] is None
            else:
                assert row["customers"] == before.customers == 0 or row["customers"] >= fewest
    _assert_not_computable(summary.families, shown.families, fewest, lambda row: "all")
    hidden = {row.family for row in shown.families if row.hidden}
    open_segments = [row for row in shown.segments if row.family not in hidden]
    assert all(row.hidden or not row.customers for row in shown.segments if row.family in hidden)
    _assert_not_computable(summary.segments, open_segments, fewest, lambda row: row.family)
    _assert_not_computable(summary.grid, shown.grid, fewest, lambda row: "all")
    _assert_not_computable(summary.behaviours, shown.behaviours, fewest, lambda row: "all")
    _assert_not_computable(summary.bands, shown.bands, fewest, lambda row: row.kind)
    _assert_not_computable(summary.scores, shown.scores, fewest, lambda row: row.score)
    hidden_segments = {row.segment for row in shown.segments if row.hidden}
    for row in document["priorities"]:
        if row["segment"] in hidden_segments:
            assert (row["customers"], row["net_minor"], row["score_minor"], row["expected"]) == (None,) * 4
    assert Summary.model_validate_json(shown.model_dump_json()) == shown


def _assert_not_computable(before: list[Any], after: list[Any], fewest: int, group: Any) -> None:
    """In each group whose sum is known, two or more rows are hidden, of enough customers, none, or all."""
    identity = [name for name in type(before[0]).model_fields if name in ("segment", "family", "value_tier", "status")]
    identity += [
        name for name in type(before[0]).model_fields if name in ("behaviour", "kind", "band", "score", "value")
    ]
    customers = {tuple(getattr(row, name) for name in identity): row.customers for row in before}
    groups: dict[Any, list[tuple[int, bool]]] = {}
    for row in after:
        count = customers[tuple(getattr(row, name) for name in identity)]
        groups.setdefault(group(row), []).append((count, row.hidden))
    for rows in groups.values():
        hidden = [count for count, is_hidden in rows if is_hidden]
        shown = [count for count, is_hidden in rows if count and not is_hidden]
        if hidden and shown:
            assert len(hidden) >= 2
            assert sum(hidden) >= fewest


def test_without_a_limit_nothing_is_hidden_and_below_it_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    summary = summary_of(connection, [order("ann", AS_OF - timedelta(days=5), 100)])
    assert suppress(summary, 1) is summary
    assert "hidden" not in summary.model_dump_json()
    with pytest.raises(ValueError, match="at least 1, not 0"):
        suppress(summary, 0)


def test_a_family_of_one_small_segment_is_hidden_with_it(connection: duckdb.DuckDBPyConnection) -> None:
    many = [order(f"old{n}", AS_OF - timedelta(days=800), 100) for n in range(40)]
    few = [order(f"new{n}", AS_OF - timedelta(days=5), 100) for n in range(3)]
    shown = suppress(summary_of(connection, [*many, *few]), 10)
    families = {row.family: row for row in shown.families}
    assert families[Family.CLIMBERS].hidden
    # Alone, it would follow from the total.
    assert families[Family.ALREADY_LOST].hidden
    assert {row.family for row in shown.segments if row.hidden} == {Family.CLIMBERS, Family.ALREADY_LOST}
    assert shown.total.customers == 43


def test_returns_of_few_are_left_out(connection: duckdb.DuckDBPyConnection) -> None:
    orders = [order(f"c{n}", AS_OF - timedelta(days=100), 100) for n in range(40)]
    segmented(connection, [*orders, order("c1", AS_OF - timedelta(days=5), 100)], AS_OF)
    organic = observe_returns(connection, as_of=AS_OF)
    assert {row.customers for row in organic.segments} == {0, 40}
    assert {row.customers for row in suppress_returns(organic, 5).segments} == {0}
    assert [row.segment for row in suppress_returns(organic, 5).segments] == list(FAMILY_OF)


def test_a_priority_does_not_say_how_few_came_back(connection: duckdb.DuckDBPyConnection) -> None:
    orders = [order(f"c{n}", AS_OF - timedelta(days=100), 100) for n in range(40)]
    orders += [order(f"d{n}", AS_OF - timedelta(days=5), 100) for n in range(40)]
    came_back = [order("c1", AS_OF - timedelta(days=4), 100)]
    segmented(connection, [*orders, *came_back], AS_OF)
    organic = observe_returns(connection, as_of=AS_OF)
    _, rubric = segmented(connection, [*orders, *came_back], AS_OF)
    summary = summarise(connection, as_of=AS_OF, currency="EUR", rubric=rubric, organic=organic)
    assert {row.organic.returned for row in summary.priorities if row.organic} == {0, 1}
    shown = suppress(summary, 5)
    assert {row.organic.returned for row in shown.priorities if row.organic} == {0}
