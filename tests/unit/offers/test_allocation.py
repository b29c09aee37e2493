from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.predictions.offers.allocation import Choice, allocate, upper_hull

NOTHING = Choice("no message", 0, 0)
choices = st.lists(
    st.builds(Choice, st.sampled_from("abc"), st.integers(-50, 100), st.integers(0, 40)),
    max_size=3,
    unique_by=lambda choice: choice.arm,
).map(lambda some: [NOTHING, *some])
customers = st.lists(choices, min_size=1, max_size=5).map(lambda some: {f"c{n}": mine for n, mine in enumerate(some)})


def best_possible(options: dict[str, list[Choice]], budget: int) -> int:
    return max(
        sum(choice.value for choice in combination)
        for combination in product(*options.values())
        if sum(choice.spend for choice in combination) <= budget
    )


@settings(max_examples=150, deadline=None)
@given(customers, st.integers(0, 120))
def test_never_over_budget_and_within_one_customer_s_value_of_the_best(
    options: dict[str, list[Choice]], budget: int
) -> None:
    found = allocate(options, budget)
    assert found.spent == sum(choice.spend for choice in found.chosen.values()) <= budget
    assert all(found.chosen[customer] in mine for customer, mine in options.items())
    one_customer = max(choice.value for mine in options.values() for choice in mine)
    assert best_possible(options, budget) - one_customer <= found.value <= best_possible(options, budget)


@settings(max_examples=50, deadline=None)
@given(customers)
def test_without_a_budget_everybody_gets_their_best(options: dict[str, list[Choice]]) -> None:
    found = allocate(options, None)
    assert found.value == sum(max(choice.value for choice in mine) for mine in options.values())
    assert found.price is None


@settings(max_examples=50, deadline=None)
@given(customers, st.integers(0, 120), st.randoms(use_true_random=False))
def test_the_order_of_customers_and_of_their_choices_does_not_matter(
    options: dict[str, list[Choice]], budget: int, random: object
) -> None:
    names = list(options)
    random.shuffle(names)  # type: ignore[attr-defined]
    shuffled = {name: list(reversed(options[name])) for name in names}
    assert allocate(shuffled, budget) == allocate(options, budget)


def test_a_dearer_choice_below_the_line_between_two_others_is_left_out() -> None:
    hull = upper_hull([Choice("c", 10, 10), Choice("b", 2, 5), NOTHING, Choice("a", 5, 2)])
    assert [choice.arm for choice in hull] == ["no message", "a", "c"]


def test_the_price_is_what_one_more_unit_of_budget_would_bring() -> None:
    options = {"x": [NOTHING, Choice("a", 30, 10)], "y": [NOTHING, Choice("a", 20, 10)]}
    found = allocate(options, 10)
    assert (found.chosen["x"].arm, found.chosen["y"].arm, found.price) == ("a", "no message", 2.0)


def test_what_cannot_be_allocated_is_refused() -> None:
    with pytest.raises(ValueError, match="the budget is -1"):
        allocate({"x": [NOTHING]}, -1)
    with pytest.raises(ValueError, match="no choice that costs nothing"):
        allocate({"x": [Choice("a", 5, 1)]}, 10)
    with pytest.raises(ValueError, match="no choice"):
        allocate({"x": []}, 10)
    with pytest.raises(ValueError, match="spends -1"):
        Choice("a", 1, -1)


def test_a_small_step_behind_one_that_does_not_fit_is_not_taken_for_its_own_spend() -> None:
    dear_then_small = [NOTHING, Choice("a", 100, 50), Choice("b", 101, 51)]
    found = allocate({"x": dear_then_small}, 10)
    assert (found.chosen["x"], found.spent) == (NOTHING, 0)
