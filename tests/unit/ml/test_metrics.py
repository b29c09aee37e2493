import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from ml.metrics import (
    Forecast,
    Scorer,
    calibration_line,
    compare,
    logistic_line,
    paired_difference,
    reference,
    reliability,
    score,
    shares,
)

SIZE = 40


@settings(deadline=None)
@given(
    arrays(np.float64, SIZE, elements=st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.8, 0.9])),
    st.lists(st.integers(0, 1), min_size=SIZE, max_size=SIZE).filter(lambda outcome: 0 < sum(outcome) < SIZE),
    arrays(np.float64, SIZE, elements=st.integers(1, 4).map(float)),
)
def test_weighted_scores_are_those_of_scikit_learn(
    probability: np.ndarray, outcome: list[int], weights: np.ndarray
) -> None:
    truth = np.array(outcome, dtype=np.float64)
    auc, logarithmic, brier = Scorer(Forecast.of(probability), truth).scores(weights)
    assert auc == pytest.approx(roc_auc_score(truth, probability, sample_weight=weights))
    assert logarithmic == pytest.approx(log_loss(truth, probability, sample_weight=weights))
    assert brier == pytest.approx(brier_score_loss(truth, probability, sample_weight=weights))


def drawn(seed: int = 7, size: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    probability = random.uniform(0.05, 0.95, size)
    return probability, (random.random(size) < probability).astype(np.float64)


def test_a_forecast_is_not_better_than_itself() -> None:
    probability, outcome = drawn()
    result = compare(Forecast.of(probability), Forecast.of(probability), outcome, seed=1, draws=50)
    assert all(figures["low"] == figures["high"] == 0 and not figures["better"] for figures in result.values())


def test_the_truth_is_better_than_a_blurred_forecast_and_not_the_other_way_round() -> None:
    probability, outcome = drawn()
    blurred = 0.5 + 0.1 * (np.random.default_rng(3).random(len(probability)) - 0.5)
    there = compare(Forecast.of(probability), Forecast.of(blurred), outcome, seed=1, draws=100)
    back = compare(Forecast.of(blurred), Forecast.of(probability), outcome, seed=1, draws=100)
    assert all(figures["better"] for figures in there.values())
    assert not any(figures["better"] for figures in back.values())
    assert there == compare(Forecast.of(probability), Forecast.of(blurred), outcome, seed=1, draws=100)


def test_the_ranking_may_be_finer_than_the_probability() -> None:
    probability, outcome = drawn()
    coarse = Forecast(probability, np.round(probability, 1))
    assert score(coarse, outcome)["auc"] == score(Forecast.of(probability), outcome)["auc"]


def test_reliability_counts_everybody_once() -> None:
    probability, outcome = drawn()
    tenths = reliability(probability, outcome)
    assert sum(tenth["customers"] for tenth in tenths) == len(outcome)
    assert sum(tenth["customers"] * tenth["observed"] for tenth in tenths) == pytest.approx(outcome.sum())
    assert [tenth["forecast"] for tenth in tenths] == sorted(tenth["forecast"] for tenth in tenths)


def test_the_calibration_line_is_that_of_an_unpenalised_logistic_regression() -> None:
    probability, outcome = drawn()
    odds = np.log(probability / (1 - probability))
    fit = LogisticRegression(C=np.inf, tol=1e-10).fit(odds[:, None], outcome)
    assert calibration_line(probability, outcome) == pytest.approx((fit.intercept_[0], fit.coef_[0, 0]), abs=1e-5)
    assert calibration_line(probability, outcome)[1] == pytest.approx(1, abs=0.15)


def test_too_extreme_forecasts_have_a_slope_below_one_and_a_single_outcome_has_none() -> None:
    probability, outcome = drawn()
    odds = 2 * np.log(probability / (1 - probability))
    assert calibration_line(1 / (1 + np.exp(-odds)), outcome)[1] == pytest.approx(0.5, abs=0.08)
    assert np.isnan(calibration_line(probability, np.ones(len(outcome)))).all()


def test_the_line_is_found_from_scores_far_too_extreme() -> None:
    probability, outcome = drawn()
    odds = np.log(probability / (1 - probability))
    assert logistic_line(40 * odds + 100, outcome)[1] == pytest.approx(logistic_line(odds, outcome)[1] / 40, rel=1e-6)


def test_a_difference_of_means_excludes_zero_only_when_it_is_there() -> None:
    random = np.random.default_rng(3)
    first, noise = random.normal(size=500), random.normal(size=500)
    shifted = paired_difference(first + 0.5 + 0.1 * noise, first, seed=1, draws=200, higher_is_better=True)
    assert shifted["better"]
    assert shifted["low"] < 0.5 < shifted["high"]
    assert not paired_difference(first + 0.5, first, seed=1, draws=200)["better"]
    assert not paired_difference(first + 0.01 * noise, first, seed=1, draws=200)["better"]


def test_an_inputs_reference_counts_every_row_once_and_those_without_a_value_apart() -> None:
    values = np.array([np.nan, *range(98), np.nan])
    found = reference(values)
    assert len(found["shares"]) == len(found["edges"]) + 2
    assert sum(found["shares"]) == pytest.approx(1)
    assert found["shares"][-1] == 0.02
    assert shares(np.array([-1.0, 1e9]), np.array(found["edges"]))[0] == 0.5


def test_a_few_rows_show_nothing_to_be_better() -> None:
    found = paired_difference(np.full(3, 0.5), np.full(3, 0.6), seed=1, draws=50)
    assert found["high"] < 0
    assert not found["better"]
