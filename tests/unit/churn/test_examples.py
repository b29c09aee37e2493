from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ml.churn.examples import rows_at
from ml.churn.inputs import NAMES

CUT = datetime(2025, 6, 1, tzinfo=UTC)
Order = tuple[str, datetime, int]


def order(customer: str, days_from_cut: float, amount: int = 1000) -> Order:
    return customer, CUT + timedelta(days=days_from_cut), amount


def purchases(orders: list[Order]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("CREATE TABLE orders (customer_id VARCHAR, ordered_at TIMESTAMP, amount_minor BIGINT)")
    rows = [(customer, instant.replace(tzinfo=None), amount) for customer, instant, amount in orders]
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
    return connection


def orders(first: int, last: int, least: int = 0) -> st.SearchStrategy[list[Order]]:
    """Orders of three customers on days `first` to `last` from the cut, returns among them."""
    hours = st.integers(first * 24, last * 24)
    one = st.builds(
        lambda customer, hour, amount: order(customer, hour / 24, amount),
        st.sampled_from("abc"),
        hours,
        st.integers(-500, 5000),
    )
    return st.lists(one, min_size=least, max_size=12)


@settings(max_examples=8, deadline=None)
@given(before=orders(-400, -1, least=1), after=orders(0, 200))
def test_what_happens_after_a_cut_changes_nothing_but_the_label(before: list[Order], after: list[Order]) -> None:
    assume(any(amount >= 0 for _, _, amount in before))
    alone, known = rows_at(purchases(before), CUT), rows_at(purchases([*before, *after]), CUT)
    assert np.array_equal(alone.values, known.values, equal_nan=True)
    assert np.array_equal(alone.standings, known.standings)


@settings(max_examples=8, deadline=None)
@given(before=orders(-400, 90, least=1), after=orders(91, 300))
def test_what_happens_after_the_window_changes_no_label(before: list[Order], after: list[Order]) -> None:
    assume(any(amount >= 0 and instant < CUT for _, instant, amount in before))
    alone, known = rows_at(purchases(before), CUT), rows_at(purchases([*before, *after]), CUT)
    assert np.array_equal(alone.churned, known.churned)


@pytest.mark.parametrize(
    ("later", "churned"),
    [
        ([], 1),
        ([order("a", 0)], 0),
        ([order("a", 90.99)], 0),
        ([order("a", 91)], 1),
        ([order("a", 10, amount=-1000)], 1),
        ([order("b", 10)], 1),
    ],
)
def test_a_purchase_within_91_days_of_the_cut_is_no_churn(later: list[Order], churned: int) -> None:
    assert rows_at(purchases([order("a", -30), *later]), CUT).churned.tolist() == [churned]


def test_another_horizon_labels_by_its_own_window() -> None:
    connection = purchases([order("a", -30), order("a", 50)])
    assert rows_at(connection, CUT, horizon_days=91).churned.tolist() == [0]
    assert rows_at(connection, CUT, horizon_days=28).churned.tolist() == [1]


def test_a_customer_without_any_purchase_is_no_example() -> None:
    assert len(rows_at(purchases([order("a", -30), order("b", -30, amount=-1)]), CUT)) == 1


def test_features_and_standing_are_those_of_the_facts() -> None:
    rows = rows_at(
        purchases([order("a", -200), order("a", -100), order("a", -10), order("a", -10), order("b", -5)]), CUT
    )
    facts = dict(zip(NAMES, rows.values[0].tolist(), strict=True))
    assert facts["purchases"] == 3
    assert facts["silence_days"] == 10
    assert facts["span_days"] == 190
    assert (facts["purchases_last_91_days"], facts["purchases_last_182_days"]) == (1, 2)
    assert facts["median_gap_days"] == 90
    assert np.isnan(facts["engagement"])
    assert rows.standings.tolist() == ["not_lapsed", "one_order"]
    late = rows_at(purchases([order("a", -900), order("a", -880), order("a", -870)]), CUT)
    assert late.standings.tolist() == ["lapsed"]
