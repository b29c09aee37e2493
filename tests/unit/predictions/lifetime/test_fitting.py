"""Gradients, recovery, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize

from tests.unit.predictions.lifetime.simulation import draw_histories, draw_spend
from winback.predictions.lifetime import spend
from winback.predictions.lifetime.fitting import Likelihood, NotIdentified
from winback.predictions.lifetime.histories import Histories, count_histories
from winback.predictions.lifetime.purchases import Kind, PurchaseModel, fit_purchases, log_likelihood
from winback.predictions.lifetime.spend import SpendModel, fit_spend

KINDS = list(Kind)
TRUTH = {kind: PurchaseModel(kind, 0.6, 5.0, 0.8, 2.5) for kind in KINDS}


def differences(likelihood: Likelihood, logs: NDArray[np.float64]) -> tuple[float, float]:
    """Between gradient and Hessian and what finite differences make of them, relative to their sizes."""
    found = likelihood(logs, with_hessian=True)
    gradient = optimize.approx_fprime(logs, lambda at: likelihood(at).value, 1e-7)
    shifts = np.eye(len(logs)) * 1e-5
    hessian = [(likelihood(logs + by).gradient - likelihood(logs - by).gradient) / 2e-5 for by in shifts]
    return (
        float(np.abs(gradient - found.gradient).max() / (1 + np.abs(gradient).max())),
        float(np.abs(hessian - found.hessian).max() / (1 + np.abs(found.hessian).max())),
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(logs=st.lists(st.floats(-2, 2), min_size=4, max_size=4), seed=st.integers(0, 99))
def test_the_purchase_derivatives_are_those_of_the_likelihood(kind: Kind, logs: list[float], seed: int) -> None:
    x, recency, age, _ = draw_histories(TRUTH[kind], 40, seed=seed)

    assert max(differences(log_likelihood(kind, count_histories(x, recency, age)[0]), np.array(logs))) < 1e-5


@settings(max_examples=15, deadline=None)
@given(logs=st.lists(st.floats(-2, 3), min_size=3, max_size=3), seed=st.integers(0, 99))
def test_the_spend_derivatives_are_those_of_the_likelihood(logs: list[float], seed: int) -> None:
    paid = np.random.default_rng(seed).integers(1, 9, 40)
    total = draw_spend(SpendModel(5.0, 4.0, 16.0), paid, seed=seed)

    assert max(differences(spend.log_likelihood(paid, total), np.array(logs))) < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_counting_equal_histories_once_changes_nothing(kind: Kind) -> None:
    x, recency, age, _ = draw_histories(TRUTH[kind], 500, seed=1)
    counted, place = count_histories(x, recency, age)
    row_by_row = Histories(x, recency, age, np.ones(len(x), dtype=np.int64))
    logs = np.log([0.4, 3.0, 1.2, 2.0])

    assert len(counted.repeats) < len(x)
    assert (counted.repeats[place] == x).all()
    assert (counted.recency_days[place] == recency).all()
    assert (counted.age_days[place] == age).all()
    assert counted.total == 500
    values = [log_likelihood(kind, histories)(logs) for histories in (counted, row_by_row)]
    assert values[0].value == pytest.approx(values[1].value)
    assert values[0].gradient == pytest.approx(values[1].gradient)


@pytest.mark.parametrize("kind", KINDS)
def test_simulated_customers_give_their_parameters_back(kind: Kind) -> None:
    x, recency, age, _ = draw_histories(TRUTH[kind], 4_000, seed=7, weeks=104)

    estimate = fit_purchases(kind, count_histories(x, recency, age)[0])

    for name, true in zip(estimate.names, (0.6, 5.0, 0.8, 2.5), strict=True):
        low, high = estimate.interval(name)
        assert low <= true <= high, name
        assert high / low < 2.5, name


def test_simulated_spending_gives_its_parameters_back() -> None:
    paid = np.random.default_rng(3).integers(1, 9, 3_000)

    estimate = fit_spend(paid, draw_spend(SpendModel(6.25, 3.74, 15.44), paid, seed=4))

    for name, true in zip(estimate.names, (6.25, 3.74, 15.44), strict=True):
        low, high = estimate.interval(name)
        assert low <= true <= high, name


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e6])
def test_the_unit_of_money_changes_gamma_alone(unit: float) -> None:
    paid = np.random.default_rng(3).integers(1, 9, 500)
    spent = draw_spend(SpendModel(6.25, 3.74, 15.44), paid, seed=4)

    plain, scaled = fit_spend(paid, spent), fit_spend(paid, spent * unit)

    assert scaled.values == pytest.approx((*plain.values[:2], plain.values[2] * unit), rel=1e-4)
    likelihood = spend.log_likelihood(paid, spent * unit)
    assert scaled.log_likelihood == pytest.approx(likelihood(scaled.logs).value)
    assert scaled.weak == ()


def test_customers_who_never_stop_are_fitted_and_the_loose_ends_named() -> None:
    """Without anyone who stops, a and b run away; what is expected of the customers is still well known."""
    model = PurchaseModel(Kind.BG_NBD, 4.0, 8.0, 1e-7, 1e3)
    x, recency, age, later = draw_histories(model, 1_500, seed=5, later_weeks=26)

    estimate = fit_purchases(Kind.BG_NBD, count_histories(x, recency, age)[0])
    fitted = PurchaseModel(Kind.BG_NBD, *estimate.values)
    expected = fitted.expected(x.astype(float), recency / 7, age / 7, 26.0)

    assert set(estimate.weak) & {"a", "b"}
    assert expected.sum() == pytest.approx(later.sum(), rel=0.05)


def test_nobody_who_bought_again_is_refused_in_words() -> None:
    ages = np.arange(1, 101)
    nothing = np.zeros(100, dtype=np.int64)

    with pytest.raises(NotIdentified, match="0 of 100 customers bought again"):
        fit_purchases(Kind.BG_NBD, count_histories(nothing, nothing, ages)[0])


def test_spending_that_never_differs_is_refused_in_words() -> None:
    with pytest.raises(NotIdentified, match="worth the same"):
        fit_spend(np.full(50, 3), np.full(50, 30.0))


def test_spending_without_a_mean_is_refused_in_words() -> None:
    paid = np.ones(2_000, dtype=np.int64)

    with pytest.raises(NotIdentified, match="q = "):
        fit_spend(paid, draw_spend(SpendModel(5.0, 0.5, 10.0), paid, seed=2))


@pytest.mark.parametrize(("x", "recency", "age"), [([1], [0], [5]), ([0], [3], [5]), ([2], [9], [5]), ([-1], [0], [5])])
def test_histories_that_cannot_be_are_refused(x: list[int], recency: list[int], age: list[int]) -> None:
    with pytest.raises(ValueError, match=r"history|negative"):
        count_histories(np.array(x), np.array(recency), np.array(age))
