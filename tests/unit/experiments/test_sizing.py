import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.experiments.power import smallest_detectable_effect
from winback.experiments.ratios import group_sizes
from winback.experiments.sizing import LARGEST_SHARE, SHARE_OF_SMALL_AUDIENCES, SMALLEST_SHARE, sized_holdout


def detectable(customers: int, share: float, rate: float) -> float:
    return smallest_detectable_effect(customers * (1 - share), customers * share, rate) or 1.0


@given(st.integers(0, 2_000_000), st.floats(0, 0.9), st.floats(0.001, 0.2))
def test_a_holdout_finds_the_effect_with_as_few_customers_as_that_takes(
    customers: int, rate: float, detect: float
) -> None:
    share = sized_holdout(customers, rate, detect)
    assert SMALLEST_SHARE <= share <= LARGEST_SHARE
    if detectable(customers, LARGEST_SHARE, rate) > detect:
        assert share == SHARE_OF_SMALL_AUDIENCES
    else:
        assert detectable(customers, share, rate) <= detect
        if share > SMALLEST_SHARE:
            assert detectable(customers, share - 2e-6, rate) > detect


def test_two_points_on_a_return_rate_of_27_percent_take_these_shares() -> None:
    shares = [sized_holdout(customers, 0.27, 0.02) for customers in (5_000, 20_000, 50_000, 1_000_000)]
    assert shares == pytest.approx([0.2, 0.3, 0.0873, 0.05], abs=0.05)


def test_group_sizes_tell_a_lossy_assignment_from_chance() -> None:
    assert group_sizes({"treatment": 8_030, "holdout": 1_970}, {"treatment": 0.8, "holdout": 0.2}).plausible
    lossy = group_sizes({"treatment": 8_030, "holdout": 1_770}, {"treatment": 0.8, "holdout": 0.2})
    assert not lossy.plausible
    assert lossy.expected == {"treatment": 7_840, "holdout": 1_960}
    assert group_sizes({"a": 505, "b": 490, "c": 1_005}, {"a": 1, "b": 1, "c": 2}).plausible
    assert not group_sizes({"a": 600, "b": 400, "c": 1_000}, {"a": 1, "b": 1, "c": 2}).plausible


def test_members_of_a_group_that_nobody_was_assigned_to_are_never_plausible() -> None:
    assert group_sizes({"treatment": 100}, {"treatment": 1.0, "holdout": 0.0}).plausible
    assert not group_sizes({"treatment": 100, "holdout": 1}, {"treatment": 1.0, "holdout": 0.0}).plausible
    assert not group_sizes({"a": 100, "b": 100, "x": 1}, {"a": 1, "b": 1}).plausible
    assert group_sizes({}, {"a": 1, "b": 1}).plausible
    with pytest.raises(ValueError, match="at least one above 0"):
        group_sizes({"a": 1}, {"a": 0})
