"""What is learned from simulated readers whose habits are known."""

from dataclasses import replace

import numpy as np
import pytest

from ml.send_time.histories import Divided, Events, People, at_moment, last_part
from ml.send_time.inference import KINDS, Learned, kernel, smear
from ml.send_time.learning import DEFAULT, LARGEST, TargetCounts, _Problem, forecast, learn
from ml.send_time.prior import awake_prior
from tests.unit.send_time.send_time_readers import ACCOUNT, events, readers, together

PRIOR = np.array(awake_prior())


def histogram(known: Events) -> np.ndarray:
    """The accounts' own hours, hardly shrunk."""
    return TargetCounts.of(known).bases(PRIOR, 1e-3, 1.0).accounts


def log_loss(divided: Divided, probabilities: np.ndarray) -> float:
    held_out = divided.held_out
    return float(-np.log(probabilities[held_out.customer, held_out.hour]).mean())


def fitted(divided: Divided, seed: int = 1) -> tuple[Learned, np.ndarray]:
    fit = learn(last_part(divided.known, 0.25, seed), PRIOR, seed)
    base = TargetCounts.of(divided.known).bases(PRIOR, fit.account_strength, fit.segment_strength)
    return fit.learned, forecast(divided.known, fit.learned, base)


def test_readers_with_hours_of_their_own_are_found() -> None:
    divided = last_part(readers(150, 20, own=0.6, seed=1), 0.25, 1)
    learned, probabilities = fitted(divided)
    theirs = np.arange(150) * 37 % 168
    assert learned.strength < 50
    assert np.mean(np.argmax(probabilities, axis=1) == theirs) > 0.9
    naive = histogram(divided.known)[divided.known.people.account]
    assert log_loss(divided, probabilities) < log_loss(divided, naive) - 0.5


def test_without_a_signal_of_their_own_customers_get_the_accounts_hours() -> None:
    divided = last_part(readers(200, 20, own=0.0, seed=2), 0.25, 1)
    learned, probabilities = fitted(divided)
    assert learned.strength == LARGEST
    naive = histogram(divided.known)[divided.known.people.account]
    counts = TargetCounts.of(divided.known)
    shrunk = counts.bases(PRIOR, counts.account_strength(PRIOR), 1.0).accounts[divided.known.people.account]
    assert np.abs(probabilities - shrunk).max() < 1e-3
    assert log_loss(divided, probabilities) < log_loss(divided, naive)


def test_a_changed_habit_is_followed_and_the_half_life_says_so() -> None:
    old = readers(150, 12, own=0.9, seed=3, weeks=20)
    old = replace(old, weeks_ago=old.weeks_ago + 20)
    new = readers(150, 12, own=0.9, seed=4, weeks=20)
    new = replace(new, hour=(new.hour + 50) % 168)
    steady = readers(150, 24, own=0.9, seed=5)
    changed, _ = fitted(at_moment(together(old, new), 0.1))
    unchanged, _ = fitted(at_moment(steady, 0.1))
    assert changed.half_life_weeks < 12 < unchanged.half_life_weeks
    _, probabilities = fitted(last_part(together(old, new), 0.1, 1))
    assert np.mean(np.argmax(probabilities, axis=1) == (np.arange(150) * 37 + 50) % 168) > 0.8


def test_habits_of_the_hour_on_any_day_are_told_from_those_of_one_day() -> None:
    one_day = readers(150, 20, own=0.8, seed=6)
    random = np.random.default_rng(6)
    any_day = replace(one_day, hour=one_day.hour % 24 + 24 * random.integers(0, 7, len(one_day)))
    assert fitted(last_part(any_day, 0.25, 1))[0].any_day > 0.5
    assert fitted(last_part(one_day, 0.25, 1))[0].any_day < 0.2


def test_a_click_that_tells_more_than_an_open_counts_more() -> None:
    noise = readers(150, 16, own=0.1, seed=7)
    clicks = replace(readers(150, 8, own=0.95, seed=8), kind=np.full(150 * 8, KINDS.index("clicked")))
    learned, _ = fitted(last_part(together(noise, clicks), 0.25, 1))
    assert learned.kind_weights[1] > 2 * learned.kind_weights[0]


def test_orders_are_forecast_only_where_hardly_anybody_opens() -> None:
    orders = readers(50, 20, own=0.5, seed=9, kind="ordered")
    opens, few = readers(50, 5, own=0.5, seed=10), readers(50, 3, own=0.5, seed=10)
    assert np.array_equal(together(few, orders).targets(), np.repeat([False, True], [150, 1000]))
    both = together(opens, orders)
    assert np.array_equal(both.targets(), both.kind != KINDS.index("ordered"))


def test_a_segment_is_shrunk_to_its_account_and_the_account_to_the_prior() -> None:
    people = People.of([("brand", "ann", "Champions"), ("brand", "bob", None), ("other", "cy", "Champions")])
    few = events(people, [0], [20])
    base = TargetCounts.of(few).bases(PRIOR, 168.0, 1000.0)
    assert np.allclose(base.accounts[1], PRIOR)
    assert base.accounts[0][20] == pytest.approx((1 + 168 * PRIOR[20]) / 169)
    brand = people.segments.index(("brand", "Champions"))
    assert base.segments[brand][20] == pytest.approx((1 + 1000 * base.accounts[0][20]) / 1001)
    assert np.allclose(base.of_people(few)[1], base.accounts[0])


def test_too_few_events_leave_the_documented_values() -> None:
    fit = learn(last_part(readers(5, 4, own=0.5, seed=1), 0.25, 1), PRIOR, 1)
    assert fit.is_default
    assert fit.learned == DEFAULT


def test_the_accounts_strength_is_small_where_accounts_differ_from_the_prior_and_large_where_they_do_not() -> None:
    def strength(shares: np.ndarray) -> float:
        hours = np.random.default_rng(1).choice(168, 5000, p=shares)
        people = People.of([("brand", "ann", None)])
        return TargetCounts.of(events(people, np.zeros(5000), hours)).account_strength(PRIOR)

    odd = np.full(168, 0.001)
    odd[100] = 1 - odd.sum() + 0.001
    assert strength(odd) < 100
    assert strength(PRIOR) > 5000


def test_what_is_optimised_is_the_likelihood_of_what_is_served() -> None:
    divided = last_part(readers(30, 10, own=0.5, seed=11), 0.3, 1)
    problem = _Problem.of(divided, PRIOR, 300.0, 1)
    parameters = problem.start
    smoothing = "neighbouring hours, any day"
    learned, segment_strength = problem.read(parameters, smoothing)
    base = TargetCounts.of(divided.known).bases(PRIOR, 300.0, segment_strength)
    held_out = divided.held_out
    served = -np.log(forecast(divided.known, learned, base)[held_out.customer, held_out.hour])
    assert np.allclose(problem.losses(parameters, smoothing), served)


def test_nothing_of_the_held_out_events_is_known() -> None:
    whole = readers(40, 9, own=0.5, seed=12)
    divided = last_part(whole, 0.25, 1)
    assert len(divided.known) + len(divided.held_out) == len(whole)
    for customer in range(40):
        known = divided.known.weeks_ago[divided.known.customer == customer]
        held_out = divided.held_out.weeks_ago[divided.held_out.customer == customer]
        assert len(held_out) == 2
        assert known.min() >= 0 == held_out.max()
    moved = replace(whole, hour=np.where(np.isin(whole.weeks_ago, late_weeks(whole)), 3, whole.hour))
    again = last_part(moved, 0.25, 1)
    assert np.array_equal(again.known.hour, divided.known.hour)
    assert np.array_equal(histogram(again.known), histogram(divided.known))


def late_weeks(whole: Events) -> np.ndarray:
    """Weeks of each customer's last two events."""
    return np.concatenate([np.sort(whole.weeks_ago[whole.customer == number])[:2] for number in range(40)])


def test_a_random_part_is_held_out_where_times_are_not_known() -> None:
    whole = replace(readers(40, 10, own=0.5, seed=13), timed=False, weeks_ago=np.zeros(400))
    first, second = last_part(whole, 0.2, 1), last_part(whole, 0.2, 2)
    assert len(first.held_out) == len(second.held_out) == 80
    assert np.array_equal(last_part(whole, 0.2, 1).held_out.hour, first.held_out.hour)
    assert not np.array_equal(second.held_out.hour, first.held_out.hour)


def test_the_week_is_a_circle() -> None:
    learned = Learned(1.0, 10.0, 1.5, 0.0, (1.0, 1.0, 1.0))
    sunday_night = kernel(learned, ACCOUNT)[167]
    assert sunday_night[0] == pytest.approx(sunday_night[166])
    assert sunday_night[0] == pytest.approx(kernel(learned, ACCOUNT)[10][11])
    of_day = kernel(replace(learned, any_day=1.0), np.full(168, 1 / 168))[167]
    assert of_day[24] == pytest.approx(of_day[22])


@pytest.mark.parametrize("any_day", [0.0, 0.4, 1.0])
def test_an_event_is_spread_and_never_multiplied(any_day: float) -> None:
    closed = np.where(np.arange(168) >= 144, 1e-9, ACCOUNT)
    closed /= closed.sum()
    spread = kernel(Learned(1.0, 10.0, 0.8, any_day, (1.0, 1.0, 1.0)), closed)
    assert np.allclose(spread.sum(axis=1), 1)
    if any_day == 1.0:
        assert spread[:, 144:].sum() < 1e-4
    assert len(smear(DEFAULT, closed[None, :])[0]) == 168


def test_propensities_undo_what_the_choice_of_hours_did() -> None:
    """Readers alike at 9 and 20 who are nearly always written to at 9: opens at 9 abound, and weights even them out."""
    random = np.random.default_rng(14)
    drawn = random.random(20_000) < 0.1
    at_nine = np.where(drawn, random.random(20_000) < 0.5, True)
    opened = random.random(20_000) < 0.3
    propensity = np.where(at_nine, 0.95, 0.05)
    hour = np.where(at_nine, 9, 20)[opened]
    people = People.of([("brand", str(number), None) for number in range(100)])
    customer = np.arange(len(hour)) % 100
    plain = histogram(events(people, customer, hour))[0]
    weighted = histogram(events(people, customer, hour, weight=(1 / (2 * propensity))[opened]))[0]
    assert plain[9] > 10 * plain[20]
    assert weighted[9] / weighted[20] == pytest.approx(1, rel=0.15)


def test_a_bound_on_the_strength_means_that_own_hours_say_nothing() -> None:
    learned = Learned(LARGEST, 10.0, 1.0, 0.5, (1.0, 1.0, 1.0))
    known = events(People.of([("brand", "ann", None)]), [0] * 20, [33] * 20)
    base = TargetCounts.of(events(known.people, [0], [1])).bases(PRIOR, 1e9, 1e9)
    assert np.allclose(forecast(known, learned, base)[0], PRIOR, atol=1e-4)
