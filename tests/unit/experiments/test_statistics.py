"""Our intervals, tests and sample sizes against statsmodels and scipy, which only the tests need."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    power_proportions_2indep,
    proportion_confint,
    proportions_ztest,
)

from winback.experiments.power import needed_customers, smallest_detectable_effect
from winback.experiments.statistics import (
    EXACT_BELOW,
    Difference,
    Moments,
    Proportion,
    Verdict,
    difference_of_means,
    difference_of_proportions,
    fisher_p_value,
    mean_is_steady,
    sample_ratio_check,
    verdict,
    wilson_interval,
)
from winback.experiments.student import t_cumulative, t_quantile


@st.composite
def proportions(draw: st.DrawFn, smallest: int = 1, largest: int = 5000) -> Proportion:
    trials = draw(st.integers(smallest, largest))
    return Proportion(draw(st.integers(0, trials)), trials)


@given(proportions())
def test_the_interval_of_one_rate_is_wilsons(observed):
    reference = proportion_confint(observed.successes, observed.trials, method="wilson")
    assert wilson_interval(observed) == pytest.approx(reference, abs=1e-9)


@given(proportions(), proportions())
def test_the_interval_of_a_difference_is_newcombes_method_10(first, second):
    ours = difference_of_proportions(first, second)
    reference = confint_proportions_2indep(
        first.successes, first.trials, second.successes, second.trials, method="newcomb", compare="diff"
    )
    assert (ours.low, ours.high) == pytest.approx(reference, abs=1e-9)
    assert -1 <= ours.low <= ours.estimate <= ours.high <= 1


def test_newcombes_own_example_is_reproduced():
    """Table II of Newcombe 1998, contrast (a), 56/70 against 48/80, method 10."""
    ours = difference_of_proportions(Proportion(56, 70), Proportion(48, 80))
    assert (round(ours.low, 4), round(ours.high, 4)) == (0.0524, 0.3339)


@given(proportions(smallest=EXACT_BELOW), proportions(smallest=EXACT_BELOW))
def test_the_p_value_of_large_groups_is_that_of_the_pooled_z_test(first, second):
    total = first.successes + second.successes
    if total in (0, first.trials + second.trials):
        assert difference_of_proportions(first, second).p_value == 1
        return
    ours = difference_of_proportions(first, second)
    if ours.exact:  # the rarer outcome is too rare for it
        assert ours.p_value == fisher_p_value(first, second)
        return
    _, reference = proportions_ztest([first.successes, second.successes], [first.trials, second.trials])
    assert ours.p_value == pytest.approx(reference, abs=1e-9)


def test_one_customer_of_a_small_holdout_is_no_finding_about_a_rare_event():
    """Newcombe's interval alone leaves out zero; of 5,500 customers any one is in the 500 in 9 % of all draws."""
    found = difference_of_proportions(Proportion(0, 5000), Proportion(1, 500))
    assert not found.includes_zero
    assert found.exact
    assert verdict(found) is Verdict.TOO_SMALL


@pytest.mark.parametrize(("treated", "held_out", "rate"), [(5000, 100, 0.001), (4500, 500, 0.002), (2000, 500, 0.02)])
def test_rare_events_give_no_more_than_5_percent_false_alarms(treated, held_out, rate):
    """Exact: every pair of counts that is likely at all, by its probability when nothing differs."""
    ones, others = (stats.binom(size, rate) for size in (treated, held_out))
    alarms = sum(
        ones.pmf(one) * others.pmf(other)
        for one in range(int(ones.ppf(1e-6)), int(ones.isf(1e-6)) + 1)
        for other in range(int(others.isf(1e-6)) + 1)
        if verdict(difference_of_proportions(Proportion(one, treated), Proportion(other, held_out)))
        is not Verdict.TOO_SMALL
    )
    assert alarms < 0.05


@given(proportions(), proportions())
def test_swapping_the_groups_turns_the_interval_round(first, second):
    one, other = difference_of_proportions(first, second), difference_of_proportions(second, first)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_an_interval_that_includes_zero_is_too_small_to_tell():
    assert verdict(difference_of_proportions(Proportion(30, 100), Proportion(29, 100))) is Verdict.TOO_SMALL
    assert verdict(Difference(0.1, 0.0, 0.2)) is Verdict.TOO_SMALL
    assert verdict(difference_of_proportions(Proportion(300, 1000), Proportion(200, 1000))) is Verdict.MORE
    assert verdict(difference_of_proportions(Proportion(200, 1000), Proportion(300, 1000))) is Verdict.FEWER


@given(proportions(largest=EXACT_BELOW - 1), proportions(largest=3000))
def test_the_p_value_of_a_small_group_is_fishers(first, second):
    table = [
        [first.successes, first.trials - first.successes],
        [second.successes, second.trials - second.successes],
    ]
    reference = stats.fisher_exact(table).pvalue
    assert fisher_p_value(first, second) == pytest.approx(reference, rel=1e-5, abs=1e-9)
    assert difference_of_proportions(first, second).p_value == fisher_p_value(first, second)


@pytest.mark.parametrize(
    ("treated", "held_out"),
    [(Proportion(2, 2), Proportion(0, 2)), (Proportion(8, 8), Proportion(0, 1)), (Proportion(0, 1), Proportion(8, 8))],
)
def test_a_handful_of_customers_is_too_small_to_tell_whatever_they_did(treated, held_out):
    difference = difference_of_proportions(treated, held_out)
    assert not difference.includes_zero
    assert verdict(difference) is Verdict.TOO_SMALL


def test_a_small_group_tells_an_overwhelming_difference():
    assert verdict(difference_of_proportions(Proportion(19, 20), Proportion(2, 20))) is Verdict.MORE


@pytest.mark.parametrize(("treated", "held_out"), [(2, 2), (198, 2), (20, 20), (160, 40)])
@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.8])
def test_without_an_effect_few_verdicts_tell_one(treated, held_out, rate):
    launches = 3000
    chance = np.random.default_rng(20261122)
    pairs = zip(
        chance.binomial(treated, rate, launches).tolist(),
        chance.binomial(held_out, rate, launches).tolist(),
        strict=True,
    )
    told = sum(
        count
        for (first, second), count in Counter(pairs).items()
        if verdict(difference_of_proportions(Proportion(first, treated), Proportion(second, held_out)))
        is not Verdict.TOO_SMALL
    )
    assert told / launches <= 0.06


def test_without_a_holdout_there_is_no_comparison():
    assert difference_of_proportions(Proportion(3, 10), Proportion(0, 0)) is None
    assert verdict(None) is Verdict.NO_COMPARISON


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="11 of 10"):
        Proportion(11, 10)


@given(st.floats(0.01, 0.6), st.integers(100, 20_000), st.integers(100, 20_000))
def test_the_smallest_detectable_effect_has_the_power_it_claims(base, treated, held_out):
    effect = smallest_detectable_effect(treated, held_out, base)
    if effect is not None:
        reference = power_proportions_2indep(effect, base, treated, ratio=held_out / treated)
        assert reference.power == pytest.approx(0.8, abs=3e-3)  # it counts the wrong side too


@given(st.floats(0.02, 0.5), st.floats(0.01, 0.3), st.floats(0.05, 0.5))
def test_the_needed_size_and_the_detectable_effect_agree(base, effect, share):
    def detectable(customers: int) -> float | None:
        return smallest_detectable_effect(customers * (1 - share), customers * share, base)

    customers = needed_customers(base, effect, share)
    assert detectable(customers) <= effect * (1 + 1e-9)
    below = detectable(customers - 1)
    assert below is None or below > effect * (1 - 1e-9)


def test_a_thousand_customers_show_only_large_effects():
    assert smallest_detectable_effect(800, 200, 0.08) == pytest.approx(0.073, abs=0.001)


@pytest.mark.parametrize(("treated", "held_out", "base"), [(0, 10, 0.1), (10, 0, 0.1), (3, 1, 0.08), (900, 100, 1.0)])
def test_what_no_launch_of_that_size_can_show_is_none(treated, held_out, base):
    assert smallest_detectable_effect(treated, held_out, base) is None


def test_sizing_for_no_effect_is_refused():
    with pytest.raises(ValueError, match="expected an effect above 0"):
        needed_customers(0.1, 0, 0.2)


@given(st.integers(0, 400), st.integers(0, 400), st.floats(0.05, 0.95))
def test_small_groups_are_checked_exactly(first, second, share):
    check = sample_ratio_check(first, second, share)
    if first + second == 0:
        assert check.p_value is None
        assert check.plausible
        return
    assert check.p_value == pytest.approx(stats.binomtest(second, first + second, share).pvalue, abs=1e-6)


def test_large_groups_are_checked_by_chi_square():
    check = sample_ratio_check(80_500, 19_500, 0.2)
    assert check.p_value == pytest.approx(stats.chisquare([80_500, 19_500], [80_000, 20_000]).pvalue)
    assert not check.plausible
    assert sample_ratio_check(80_100, 19_900, 0.2).plausible


def test_a_share_of_none_allows_nobody():
    assert sample_ratio_check(100, 0, 0).plausible
    assert not sample_ratio_check(100, 1, 0).plausible


@given(st.floats(0.5001, 0.9999), st.floats(1, 5000))
def test_students_quantiles_are_scipys(probability, freedom):
    assert t_quantile(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=1e-6, abs=1e-7)


@given(st.floats(-50, 50), st.floats(0.5, 100_000))
@example(value=1e-06, freedom=8192.0)
def test_students_distribution_is_scipys(value, freedom):
    assert t_cumulative(value, freedom) == pytest.approx(stats.t.cdf(value, freedom), abs=1e-7)


revenues = st.lists(st.integers(0, 50_000), min_size=2, max_size=60).filter(
    lambda values: max(values) > min(values) + 9
)


@given(revenues, revenues)
def test_the_interval_of_means_is_welchs(first, second):
    def moments(values: list[int]) -> Moments:
        return Moments(len(values), stats.tmean(values), stats.tvar(values))

    ours = difference_of_means(moments(first), moments(second))
    reference = stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    assert (ours.low, ours.high) == pytest.approx((reference.low, reference.high), rel=1e-6, abs=1e-6)


def test_two_equal_constants_differ_by_nothing():
    nothing = difference_of_means(Moments(10, 0.0, 0.0), Moments(3, 0.0, 0.0))
    assert nothing == Difference(0.0, 0.0, 0.0, p_value=1.0, standard_error=0.0)
    assert verdict(nothing) is Verdict.TOO_SMALL


def test_groups_that_say_nothing_of_their_variation_give_no_interval_of_means():
    assert difference_of_means(Moments(10, 5.0, 0.0), Moments(3, 0.0, 0.0)) is None
    assert difference_of_means(Moments(1, 5.0, 0.0), Moments(30, 4.0, 2.0)) is None


def test_a_heavy_tail_needs_many_customers_before_its_mean_is_steady():
    assert not mean_is_steady(Moments(2000, 10, 100, skewness=8))
    assert mean_is_steady(Moments(25_000, 10, 100, skewness=8))
    assert not mean_is_steady(Moments(25_000, 10, 100, skewness=None))
