"""Whole analyses against scipy and statsmodels, and what they must refuse to conclude."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from winback.experiments.analysis import UnusableShares, analyse
from winback.experiments.chi_square import chi_square_tail, goodness_of_fit
from winback.experiments.corrections import holm
from winback.experiments.lift import lift_of_means, lift_of_proportions
from winback.experiments.power import detectable_difference_of_means, needed_for_means
from winback.experiments.samples import Experiment, Kind, Outcome, Sample, without
from winback.experiments.statistics import (
    Moments,
    Proportion,
    Verdict,
    difference_of_means,
    difference_of_proportions,
    standard_error_of_means,
    verdict,
    welch_freedom,
)


def moments(values):
    values = np.asarray(values, float)
    skewness = float(stats.skew(values)) if values.std() else None
    return Moments(len(values), float(values.mean()), float(values.var(ddof=1)), skewness)


def amounts(arms, cap=None):
    """An outcome of amounts by arm, capped at their 99 % quantile as the file's reader does it."""
    cap = cap or float(np.quantile(np.concatenate(list(arms.values())), 0.99))
    samples = {
        arm: Sample(
            missing=0,
            moments=moments(values),
            total=float(np.sum(values)),
            capped=moments(np.minimum(values, cap)),
            largest=tuple(sorted(map(float, values), reverse=True)[:5]),
            largest_share=float(np.max(values) / np.sum(values)) if np.sum(values) > 0 else None,
        )
        for arm, values in arms.items()
    }
    return Outcome("revenue", Kind.CONTINUOUS, samples, cap)


def rates(name="bought", **arms):
    samples = {}
    for arm, (successes, trials) in arms.items():
        rate = successes / trials
        variance = rate * (1 - rate) * trials / max(trials - 1, 1)
        samples[arm] = Sample(0, Moments(trials, rate, variance), float(successes), successes=successes)
    return Outcome(name, Kind.BINARY, samples)


def experiment(*outcomes, control="control"):
    units = {arm: sample.moments.n for arm, sample in outcomes[0].samples.items()}
    return Experiment(control=control, units=units, outcomes=outcomes, unit="customer", rows=sum(units.values()))


def only(analysis):
    ((comparison,),) = [result.comparisons for result in analysis.outcomes]
    return comparison


@given(st.lists(st.floats(0, 50), min_size=3, max_size=30), st.lists(st.floats(0, 50), min_size=3, max_size=30))
def test_means_are_compared_as_statsmodels_does_with_unequal_variances(ones, others):
    found = difference_of_means(moments(ones), moments(others))
    if np.var(ones) + np.var(others) < 1e-6:
        return
    reference = CompareMeans(DescrStatsW(ones), DescrStatsW(others))
    _, p_value, freedom = reference.ttest_ind(usevar="unequal")
    assert (found.low, found.high) == pytest.approx(reference.tconfint_diff(usevar="unequal"), abs=1e-6)
    assert found.p_value == pytest.approx(p_value, abs=1e-6)
    assert welch_freedom(moments(ones), moments(others)) == pytest.approx(freedom, rel=1e-6)


@given(st.floats(0.0001, 200), st.integers(1, 60))
def test_the_chi_square_tail_is_scipys(value, freedom):
    assert chi_square_tail(value, freedom) == pytest.approx(stats.chi2.sf(value, freedom), rel=1e-8, abs=1e-14)


@given(st.lists(st.integers(0, 5000), min_size=3, max_size=6).filter(any))
def test_the_sample_ratio_of_several_arms_is_pearsons_test(counts):
    shares = [1 / len(counts)] * len(counts)
    assert goodness_of_fit(counts, shares) == pytest.approx(stats.chisquare(counts).pvalue, rel=1e-8, abs=1e-12)


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_adjusted_p_values_are_holms(p_values):
    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


def test_a_comparison_without_a_test_counts_for_no_correction():
    assert holm([0.02, None, 0.03]) == [0.04, None, 0.04]


@given(st.integers(1, 3000), st.integers(1, 3000), st.data())
def test_the_lift_of_a_rate_leaves_out_zero_exactly_when_the_difference_does(trials, others, data):
    first = Proportion(data.draw(st.integers(0, trials)), trials)
    second = Proportion(data.draw(st.integers(1, others)), others)
    difference, lift = difference_of_proportions(first, second), lift_of_proportions(first, second)
    if min(abs(difference.low), abs(difference.high)) > 1e-9:
        assert (lift.low > 0) == (difference.low > 0)
        assert (lift.high < 0) == (difference.high < 0)
    assert -1 <= lift.low <= lift.estimate <= lift.high


@given(st.lists(st.floats(0, 50), min_size=3, max_size=20), st.lists(st.floats(40, 60), min_size=3, max_size=20))
def test_the_lift_of_a_mean_leaves_out_zero_exactly_when_the_difference_does(ones, others):
    difference, lift = (
        difference_of_means(moments(ones), moments(others)),
        lift_of_means(moments(ones), moments(others)),
    )
    if lift is None or min(abs(difference.low), abs(difference.high)) < 1e-6:
        return
    assert (lift.low > 0) == (difference.low > 0)
    assert (lift.high < 0) == (difference.high < 0)


def test_a_control_that_may_be_zero_gives_no_lift():
    assert lift_of_means(Moments(100, 5.0, 1.0), Moments(100, 0.01, 1.0)) is None
    assert lift_of_means(Moments(100, 5.0, 1.0), Moments(100, -3.0, 1.0)) is None
    assert lift_of_proportions(Proportion(3, 10), Proportion(0, 10)) is None


def test_sizes_are_those_of_the_power_that_statsmodels_computes():
    needed = needed_for_means(4.0, 4.0, 0.5, 0.25)
    smaller = NormalIndPower().solve_power(effect_size=0.25, alpha=0.05, power=0.8, ratio=3)
    assert needed == pytest.approx(4 * smaller, abs=2)
    one, other = Moments(300, 1.0, 4.0), Moments(100, 1.0, 4.0)
    found = detectable_difference_of_means(standard_error_of_means(one, other), welch_freedom(one, other))
    power = TTestIndPower().power(effect_size=found / 2, nobs1=300, ratio=1 / 3, alpha=0.05)
    assert power == pytest.approx(0.8, abs=0.01)


def test_a_unit_taken_away_leaves_the_moments_of_the_others():
    values = [1.0, 2.0, 40.0, 7.0]
    left, expected = without(moments(values), 40.0), moments([1.0, 2.0, 7.0])
    assert (left.n, left.mean, left.variance) == pytest.approx((expected.n, expected.mean, expected.variance))


def test_one_large_customer_makes_no_conclusion_without_saying_so():
    usual = np.array([10.0, 12, 14, 16, 18, 20, 22, 24, 26, 28] * 5)
    analysis = analyse(experiment(amounts({"offer": np.append(usual + 2.2, 40.0), "control": usual})))
    assert (only(analysis).verdict, only(analysis).hangs_on) == (Verdict.MORE, 1)
    assert any("hangs on the largest unit; without, it would be another" in caution for caution in analysis.warnings)
    without_it = analyse(experiment(amounts({"offer": usual + 2.2, "control": usual})))
    assert only(without_it).verdict is Verdict.TOO_SMALL


def test_revenue_of_few_large_orders_is_called_a_rough_guide():
    chance = np.random.default_rng(4)
    arms = {arm: chance.binomial(1, 0.05, 500) * chance.lognormal(3, 2, 500) for arm in ("offer", "control")}
    analysis = analyse(experiment(amounts(arms)))
    assert only(analysis).heavy_tail
    assert any("only a rough guide" in caution for caution in analysis.warnings)


def test_what_is_significant_alone_is_too_small_to_tell_among_many():
    alone = rates(control=(100, 1000), a=(130, 1000))
    assert only(analyse(experiment(alone))).verdict is Verdict.MORE
    many = rates(control=(100, 1000), a=(130, 1000), b=(101, 1000), c=(99, 1000), d=(100, 1000))
    ((first, *_),) = [result.comparisons for result in analyse(experiment(many)).outcomes]
    assert (first.difference.p_value < 0.05, first.adjusted_p_value > 0.05) == (True, True)
    assert first.verdict is Verdict.TOO_SMALL


def test_capped_amounts_claim_no_more_than_their_number_lets_them():
    spread = np.random.default_rng(5).normal(10, 3, 200)
    arms = {"none": spread, "a": spread + 0.65, "b": spread, "c": spread}
    outcome = amounts(arms)
    capped = difference_of_means(outcome.samples["a"].capped, outcome.samples["none"].capped)
    assert 0.05 / 3 < capped.p_value < 0.05
    experiment = Experiment("none", dict.fromkeys(arms, 200), (outcome,))
    found = analyse(experiment).outcomes[0].comparisons[0]
    assert found.arm == "a"
    assert found.capped.verdict is Verdict.TOO_SMALL


def test_arms_of_the_wrong_sizes_are_not_to_be_trusted():
    broken = rates(control=(50, 1000), offer=(60, 1200))
    analysis = analyse(experiment(broken))
    assert not analysis.trustworthy
    assert "no difference may be trusted" in analysis.warnings[0]
    assert analyse(experiment(broken), expected_shares={"control": 0.4545, "offer": 0.5455}).trustworthy


def test_an_arm_that_should_have_had_units_and_has_none_is_not_to_be_trusted():
    analysis = analyse(
        experiment(rates(control=(50, 1000), a=(60, 1000))), expected_shares={"control": 0.4, "a": 0.4, "b": 0.2}
    )
    assert not analysis.trustworthy
    assert [(arm.arm, arm.units) for arm in analysis.arms] == [("control", 1000), ("a", 1000), ("b", 0)]


@pytest.mark.parametrize(
    ("shares", "problem"),
    [
        ({"control": 1.0}, "no share is given for a"),
        ({"control": 0.5, "a": 0.6}, "add up to 1"),
        ({"control": 1.5, "a": -0.5}, "above 0"),
    ],
)
def test_shares_that_do_not_fit_are_refused(shares, problem):
    with pytest.raises(UnusableShares, match=problem):
        analyse(experiment(rates(control=(1, 10), a=(2, 10))), expected_shares=shares)


def test_an_arm_of_one_is_too_small_to_tell_and_an_empty_one_no_comparison():
    outcome = amounts({"control": np.array([1.0, 2.0, 3.0]), "a": np.array([5.0, 9.0])})
    single = {**outcome.samples, "a": Sample(1, Moments(1, 5.0, 0.0), 5.0, capped=Moments(1, 5.0, 0.0))}
    gone = {**outcome.samples, "a": Sample(2, Moments(0, 0.0, 0.0), 0.0, capped=Moments(0, 0.0, 0.0))}
    for samples, said in ((single, Verdict.TOO_SMALL), (gone, Verdict.NO_COMPARISON)):
        changed = Outcome("revenue", Kind.CONTINUOUS, samples, 9.0)
        base = experiment(outcome)
        found = only(analyse(Experiment(base.control, base.units, (changed,), unit="customer")))
        assert (found.difference, found.verdict, found.lift) == (None, said, None)


def test_a_difference_in_who_is_missing_is_told():
    samples = rates(control=(50, 900), offer=(60, 990)).samples
    outcome = Outcome(
        "bought",
        Kind.BINARY,
        {arm: Sample(1000 - s.moments.n, s.moments, s.total, successes=s.successes) for arm, s in samples.items()},
    )
    analysis = analyse(Experiment("control", {"control": 1000, "offer": 1000}, (outcome,), unit="customer"))
    assert any("control 100, offer 10" in caution for caution in analysis.warnings)
    assert any("who is left is not comparable" in caution for caution in analysis.warnings)


def test_sizes_are_for_the_stated_error_divided_by_the_comparisons():
    one = only(analyse(experiment(rates(control=(100, 1000), a=(110, 1000))), detect=0.02))
    both = analyse(experiment(rates(control=(100, 1000), a=(110, 1000), b=(110, 1000))), detect=0.02)
    assert both.outcomes[0].comparisons[0].needed_units > one.needed_units
    assert both.outcomes[0].comparisons[0].smallest_detectable > one.smallest_detectable


def test_an_analysis_is_plain_data():
    document = asdict(analyse(experiment(rates(control=(100, 1000), a=(110, 1000)))))
    assert document["outcomes"][0]["comparisons"][0]["difference"]["standard_error"] == pytest.approx(0.0137, abs=1e-4)


def test_two_alike_arms_differ_in_one_analysis_of_twenty():
    """A/A: of 2,000 draws with 5 % fewer than 6.4 % are alarms in 99.8 % of all cases, of 400 within 2 and 8.5 %."""
    chance = np.random.default_rng(20261122)
    draws = 2000
    counts = chance.binomial(400, 0.08, (draws, 2))
    alarms = sum(
        verdict(difference_of_proportions(Proportion(int(a), 400), Proportion(int(b), 400))) is not Verdict.TOO_SMALL
        for a, b in counts
    )
    assert 0.02 < alarms / draws < 0.064
    values = chance.binomial(1, 0.3, (400, 2, 200)) * chance.lognormal(3, 0.7, (400, 2, 200))
    spending = sum(
        verdict(difference_of_means(moments(one), moments(other))) is not Verdict.TOO_SMALL for one, other in values
    )
    assert 0.02 < spending / 400 < 0.085


def test_intervals_hold_the_truth_nineteen_times_of_twenty():
    chance = np.random.default_rng(20261123)
    draws, first, second = 1500, 0.15, 0.1
    held = lifts = 0
    for a, b in zip(chance.binomial(300, first, draws), chance.binomial(150, second, draws), strict=True):
        one, other = Proportion(int(a), 300), Proportion(int(b), 150)
        difference, lift = difference_of_proportions(one, other), lift_of_proportions(one, other)
        held += difference.low <= first - second <= difference.high
        lifts += lift is not None and lift.low <= first / second - 1 <= lift.high
    assert 0.93 < held / draws < 0.975
    assert 0.93 < lifts / draws < 0.975
