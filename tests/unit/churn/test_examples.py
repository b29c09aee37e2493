from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ml.churn.examples import CDNOW_END, CDNOW_START, HORIZON, Purchases, training_cuts
from ml.churn.inference import NAMES

CUT = datetime(2025, 6, 1, tzinfo=UTC)
Order = tuple[str, datetime, int]


def order(customer: str, days_from_cut: float, amount: int = 1000) -> Order:
    return customer, CUT + timedelta(days=days_from_cut), amount


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


@settings(max_examples=20, deadline=None)
@given(before=orders(-400, -1, least=1), after=orders(0, 200))
def test_what_happens_after_a_cut_changes_no_feature(before: list[Order], after: list[Order]) -> None:
    assume(any(amount >= 0 for _, _, amount in before))
    alone, known = Purchases(before).at(CUT), Purchases([*before, *after]).at(CUT)
    assert np.array_equal(alone.values, known.values)


@settings(max_examples=20, deadline=None)
@given(before=orders(-400, 90, least=1), after=orders(91, 300))
def test_what_happens_after_the_window_changes_no_label(before: list[Order], after: list[Order]) -> None:
    assume(any(amount >= 0 and instant < CUT for _, instant, amount in before))
    alone, known = Purchases(before).at(CUT), Purchases([*before, *after]).at(CUT)
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
    rows = Purchases([order("a", -30), *later]).at(CUT)
    assert rows.churned.tolist() == [churned]


def test_a_customer_without_any_purchase_is_no_example() -> None:
    assert len(Purchases([order("a", -30), order("b", -30, amount=-1)]).at(CUT)) == 1


def test_features_are_those_of_the_facts() -> None:
    rows = Purchases([order("a", -200), order("a", -100), order("a", -10), order("a", -10)]).at(CUT)
    facts = dict(zip(NAMES, rows.values[0].tolist(), strict=True))
    assert facts == {
        "purchases": 3,
        "silence_days": 10,
        "span_days": 190,
        "purchases_last_91_days": 1,
        "purchases_last_182_days": 2,
    }


def test_training_cuts_are_labelled_before_the_test_begins() -> None:
    test = CDNOW_END - HORIZON
    cuts = training_cuts(test)
    assert all(CDNOW_START + HORIZON <= cut <= test - HORIZON for cut in cuts)
    assert cuts[0] + HORIZON == test
    with pytest.raises(ValueError, match="182 days"):
        training_cuts(CDNOW_START + HORIZON)
