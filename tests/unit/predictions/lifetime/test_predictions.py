"""What is expected of customers."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1

from tests.unit.predictions.lifetime.simulation import draw_histories, draw_spend
from winback.predictions.lifetime.forecast import Cohorts, by_repeats, errors, expected_repeats
from winback.predictions.lifetime.histories import count_histories
from winback.predictions.lifetime.purchases import Kind, PurchaseModel, fit_purchases
from winback.predictions.lifetime.series import expected_until_stopped
from winback.predictions.lifetime.spend import SpendModel, fit_spend
from winback.predictions.lifetime.value import Customers, Fitted, Horizon, predict

positive = st.floats(0.05, 20)
models = st.builds(PurchaseModel, st.sampled_from(list(Kind)), positive, positive, positive, positive)


@settings(max_examples=60, deadline=None)
@given(
    model=models,
    x=st.integers(1, 60),
    age=st.integers(2, 700),
    moments=st.tuples(st.integers(1, 700), st.integers(1, 700)),
)
def test_a_more_recent_purchase_never_lowers_p_alive(
    model: PurchaseModel, x: int, age: int, moments: tuple[int, int]
) -> None:
    earlier, later = sorted(min(moment, age) for moment in moments)

    alive = model.p_alive(np.full(2, float(x)), np.array([earlier, later]) / 7, np.full(2, age / 7))

    assert 0 <= alive[0] <= alive[1] <= 1


def test_who_bought_once_is_alive_for_certain_in_one_model_and_fades_in_the_other() -> None:
    once, ages = np.zeros(3), np.array([0.0, 10.0, 50.0])

    certain = PurchaseModel(Kind.BG_NBD, 0.5, 5.0, 0.8, 2.0).p_alive(once, once, ages)
    fades = PurchaseModel(Kind.MBG_NBD, 0.5, 5.0, 0.8, 2.0).p_alive(once, once, ages)

    assert certain.tolist() == [1, 1, 1]
    assert 1 > fades[0] > fades[1] > fades[2] > 0


@settings(max_examples=60, deadline=None)
@given(
    shape=st.floats(0.05, 60),
    rate=st.floats(0.5, 100),
    a=st.floats(0.05, 10).filter(lambda a: abs(a - 1) > 0.05),
    b=st.floats(0.1, 80),
    ahead=st.floats(0.1, 100),
)
def test_the_series_is_the_papers_formula(shape: float, rate: float, a: float, b: float, ahead: float) -> None:
    found = float(expected_until_stopped(np.array([shape]), np.array([rate]), a, np.array([b]), ahead)[0])

    assume(abs(a + b - 1) > 0.05)
    lasts = (rate / (rate + ahead)) ** shape
    formula = (a + b - 1) / (a - 1) * (1 - lasts * hyp2f1(shape, b, a + b - 1, ahead / (rate + ahead)))
    assert found == pytest.approx(formula, rel=1e-6)


def test_the_series_holds_where_the_formula_divides_by_zero_or_underflows() -> None:
    at_one = [
        float(expected_until_stopped(np.array([3.0]), np.array([8.0]), a, np.array([4.0]), 20.0)[0])
        for a in (1 - 1e-7, 1.0, 1 + 1e-7)
    ]
    far = expected_until_stopped(np.ones(3), np.ones(3), 0.5, np.array([0.5 - 1e-5, 0.5, 0.5 + 1e-5]), 1000.0)
    busy = expected_until_stopped(np.array([900.0]), np.array([5.0]), 1e-6, np.array([900.0]), 52.0)

    assert at_one[0] == pytest.approx(at_one[1], rel=1e-6)
    assert at_one[2] == pytest.approx(at_one[1], rel=1e-6)
    assert far == pytest.approx(far[1], rel=1e-4)
    assert busy == pytest.approx(900 / 5 * 52, rel=1e-3)  # who never stops goes on at its rate


@settings(max_examples=30, deadline=None)
@given(model=models, x=st.integers(0, 20), age=st.integers(1, 400), ahead=st.floats(0.1, 60))
def test_a_longer_horizon_never_lowers_what_is_expected(model: PurchaseModel, x: int, age: int, ahead: float) -> None:
    columns = np.array([float(x)]), np.array([age / 14 if x else 0.0]), np.array([age / 7])

    near, far = (float(model.expected(*columns, length)[0]) for length in (ahead, ahead * 1.5))

    assert 0 <= near <= far * (1 + 1e-12)  # at its limit the last digits differ


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_expected_of_simulated_customers_happens(kind: Kind) -> None:
    model = PurchaseModel(kind, 0.8, 6.0, 0.7, 2.5)
    x, recency, age, later = draw_histories(model, 6_000, seed=11, later_weeks=26)

    expected = model.expected(x.astype(float), recency / 7, age / 7, 26.0)

    assert expected.sum() == pytest.approx(later.sum(), rel=0.05)
    often = x >= 4
    assert expected[often].sum() == pytest.approx(later[often].sum(), rel=0.08)


@pytest.mark.parametrize("kind", list(Kind))
def test_new_customers_purchase_as_expected_of_them(kind: Kind) -> None:
    model = PurchaseModel(kind, 0.8, 6.0, 0.7, 2.5)
    x, _, age, _ = draw_histories(model, 6_000, seed=12)
    ages, customers = np.unique(age, return_counts=True)

    expected = expected_repeats(model, Cohorts(ages, customers), [0], 7)

    assert expected[0] == pytest.approx(x.sum(), rel=0.05)


def test_nobody_buys_before_the_first_purchase() -> None:
    model = PurchaseModel(Kind.BG_NBD, 0.8, 6.0, 0.7, 2.5)

    expected = expected_repeats(model, Cohorts(np.array([70]), np.array([5])), [-100, -70, -69, 0, 7], 7)

    assert expected[:2].tolist() == [0, 0]
    assert (np.diff(expected[1:]) > 0).all()


def customers_of(model: PurchaseModel, spend: SpendModel, number: int) -> Customers:
    x, recency, age, _ = draw_histories(model, number, seed=21)
    spent = np.zeros(number)
    spent[x > 0] = draw_spend(spend, x[x > 0], seed=22)
    return Customers(x, recency, age, x, spent)


@pytest.fixture(scope="module")
def people() -> Customers:
    return customers_of(PurchaseModel(Kind.MBG_NBD, 0.8, 6.0, 0.7, 2.5), SpendModel(5.0, 4.0, 16.0), 1_500)


@pytest.fixture(scope="module")
def fitted(people: Customers) -> Fitted:
    paid = people.paid > 0
    return Fitted(
        Kind.MBG_NBD,
        7,
        fit_purchases(Kind.MBG_NBD, count_histories(people.repeats, people.recency_days, people.age_days)[0]),
        fit_spend(people.paid[paid], people.spent[paid]),
    )


def test_without_discount_a_customers_value_is_purchases_times_their_value(people: Customers, fitted: Fitted) -> None:
    found = predict(people, fitted, Horizon(days=182))

    assert found.cltv == pytest.approx(found.expected_purchases * found.expected_value)
    assert (found.cltv_low < found.cltv).all()
    assert (found.cltv < found.cltv_high).all()


def test_discounting_by_parts_is_discounting_week_by_week(people: Customers, fitted: Fitted) -> None:
    horizon = Horizon(days=364, discount_rate=0.15)
    found = predict(people, fitted, horizon)

    columns = people.repeats.astype(float), people.recency_days / 7, people.age_days / 7
    model = PurchaseModel(Kind.MBG_NBD, *fitted.purchases.values)
    until = np.array([model.expected(*columns, float(week)) for week in range(53)])
    middles = np.exp(-horizon.daily_force * 7 * (np.arange(52) + 0.5))
    assert found.cltv == pytest.approx(middles @ np.diff(until, axis=0) * found.expected_value, rel=1e-4)


def test_the_delta_methods_interval_is_that_of_drawn_parameters(people: Customers, fitted: Fitted) -> None:
    found = predict(people, fitted, Horizon(days=182))
    random = np.random.default_rng(31)
    columns = people.repeats.astype(float), people.recency_days / 7, people.age_days / 7
    totals, of_first = [], []
    assert fitted.spend is not None
    for _ in range(300):
        purchases = random.multivariate_normal(fitted.purchases.logs, np.array(fitted.purchases.covariance))
        spend = random.multivariate_normal(fitted.spend.logs, np.array(fitted.spend.covariance))
        value = PurchaseModel.at(Kind.MBG_NBD, purchases).expected(*columns, 26.0)
        value = value * SpendModel.at(spend).expected_value(people.paid.astype(float), people.spent)
        totals.append(value.sum())
        of_first.append(value[0])

    assert found.total_cltv is not None
    spread = np.log(found.total_cltv.high / found.total_cltv.low)
    assert np.log(np.quantile(totals, 0.975) / np.quantile(totals, 0.025)) == pytest.approx(spread, rel=0.25)
    spread = np.log(found.cltv_high[0] / found.cltv_low[0])
    assert np.log(np.quantile(of_first, 0.975) / np.quantile(of_first, 0.025)) == pytest.approx(spread, rel=0.3)


def test_a_customers_own_purchases_pull_its_value_from_the_mean() -> None:
    model = SpendModel(5.0, 4.0, 16.0)

    none, few, many = model.expected_value(np.array([0.0, 1.0, 50.0]), np.array([0.0, 100.0, 5_000.0]))

    assert none == pytest.approx(model.population_mean)
    assert none < few < many < 100


def test_groups_hold_every_customer_once_and_errors_are_those_of_the_weeks() -> None:
    x, actual, forecast = np.array([0, 0, 1, 9, 12]), np.array([0.0, 1, 1, 3, 5]), np.array([0.5, 0.5, 1, 4, 4])

    groups = by_repeats(x, actual, forecast, most=7)
    found = errors(np.array([4.0, 6.0]), np.array([5.0, 4.0]), actual, forecast)

    assert [(group.repeats, group.and_more, group.customers) for group in groups] == [
        (0, False, 2),
        (1, False, 1),
        (7, True, 2),
    ]
    assert sum(group.actual * group.customers for group in groups) == actual.sum()
    assert found.total == pytest.approx(-0.1)
    assert found.weekly == pytest.approx(0.3)
    assert found.customer_mean == pytest.approx(0.6)
