from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.identifiers import customer_key
from winback.offers.choice import ChoiceRules, Person, arms_of, choose_best, choose_fixed, part_of, spent_minor
from winback.offers.offer import Offer
from winback.offers.terms import Customer
from winback.predictions.offers.effects import NO_MESSAGE, NO_OFFER, Effect, EffectSource

OFFERED_AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
GIFT, TEN = "off-000000000001", "off-000000000002"
STATED = {"name": "Come back", "currency": "EUR", "created_at": "x", "updated_at": "x"}


def offers(**changes: Any) -> tuple[Offer, ...]:
    gift = {**STATED, "offer_id": GIFT, "kind": "gift", "cost": {"fixed_minor": 400}, **changes}
    ten = {**STATED, "offer_id": TEN, "kind": "percent", "value": 10, "cost": {"most_discount_minor": 1_000}}
    return Offer.model_validate(gift), Offer.model_validate(ten)


def rules(**changes: Any) -> ChoiceRules:
    return replace(ChoiceRules(offers(), "best", "cmp-1:offers", OFFERED_AT, 90, 0.1), **changes)


def person(number: int, **changes: Any) -> Person:
    known = Customer("Slipping VIPs", "VIP", 20_000, 4_000, 0.5, frozenset({GIFT, TEN}))
    key = customer_key("0" * 32, str(number))
    return replace(Person(key, "At Risk", known, 2_000, {"purchases": 3}), **changes)


def effects(people: list[Person], gift: float = 0.4, ten: float = 0.3, none: float = 0.1) -> Any:
    def effect(uplift: float) -> Effect:
        return Effect(uplift, 0.1, EffectSource.MODEL, "m")

    return {one.customer_key: {NO_OFFER: effect(none), GIFT: effect(gift), TEN: effect(ten)} for one in people}


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 60_000),
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.sampled_from(["fixed", "best"]),
    st.none() | st.floats(0.05, 1),
)
def test_all_blocks_together_never_take_more_than_the_budget_or_the_share(
    budget: int, sizes: list[int], choose: Any, share: float | None
) -> None:
    left, remaining, start, given_to = budget, sum(sizes), 0, 0
    known = rules(
        most_share=share, exploration=0.3, offers=offers()[:1] if choose == "fixed" else offers(), choose=choose
    )
    for size in sizes:
        people = [person(number) for number in range(start, start + size)]
        part = part_of(left, size, remaining)
        chosen = (
            choose_fixed(people, known, part)
            if choose == "fixed"
            else choose_best(people, known, part, effects(people))
        )
        assert [row["customer_key"] for row in chosen.rows] == sorted(one.customer_key for one in people)
        with_offer = [row for row in chosen.rows if row["offer_id"]]
        assert spent_minor(chosen.rows) <= part
        assert share is None or len(with_offer) <= share * size
        left, remaining, start = left - spent_minor(chosen.rows), remaining - size, start + size
        given_to += len(with_offer)
    assert left >= 0
    if choose == "fixed" and share is None:
        assert given_to * 400 <= budget


def test_a_fixed_offer_goes_to_all_who_meet_its_terms_and_says_why_not_to_the_others() -> None:
    people = [person(number) for number in range(4)]
    people[0] = replace(people[0], terms=replace(people[0].terms, segment="Loyal"))
    people[1] = replace(people[1], last_offer_at=OFFERED_AT - timedelta(days=90) + timedelta(seconds=1))
    people[2] = replace(people[2], last_offer_at=OFFERED_AT - timedelta(days=90))
    terms = offers(eligibility={"segments": ["Slipping VIPs"]})[:1]
    rows = {row["customer_key"]: row for row in choose_fixed(people, rules(offers=terms, choose="fixed"), 10_000).rows}
    told = [rows[one.customer_key].get("without_offer") for one in people]
    assert told == ["not_eligible", "cooldown", None, None]
    given_row = rows[people[3].customer_key]
    assert (given_row["offer_id"], given_row["propensity"], given_row["spend_minor"]) == (GIFT, 1.0, 400)
    assert (given_row["cost_minor"], given_row["currency"]) == (400, "EUR")


def test_a_budget_that_does_not_suffice_is_drawn_for_and_the_odds_are_told() -> None:
    people = [person(number) for number in range(1_000)]
    rows = choose_fixed(people, rules(offers=offers()[:1], choose="fixed"), 400 * 250).rows
    counts = Counter((row["arm"], row["propensity"], row.get("without_offer")) for row in rows)
    assert counts == {(GIFT, 0.25, None): 250, (NO_OFFER, 0.75, "not_drawn"): 750}
    again = choose_fixed(people[::-1], rules(offers=offers()[:1], choose="fixed"), 400 * 300).rows
    lucky = {row["customer_key"] for row in rows if row["offer_id"]}
    assert lucky < {row["customer_key"] for row in again if row["offer_id"]}  # sticky: more budget takes from nobody


def test_the_best_arm_wins_and_chance_gives_each_open_arm_its_floor() -> None:
    people = [person(number) for number in range(4_000)]
    chosen = choose_best(people, rules(), 10_000_000, effects(people))
    counts = Counter(row["arm"] for row in chosen.rows)
    best = counts[GIFT] / len(people)  # worth 0.4 x 20.00, less 5 % of 4.00
    assert best == pytest.approx(1 - 0.1 * 3 / 4, abs=0.03)
    for arm in (TEN, NO_OFFER, NO_MESSAGE):
        assert counts[arm] / len(people) == pytest.approx(0.1 / 4, abs=0.012)
    assert all(row["propensity"] == pytest.approx(0.925) for row in chosen.rows if row["arm"] == GIFT)
    assert len(chosen.decisions) == len(people)


def test_who_does_not_meet_an_offers_terms_never_draws_it_and_who_is_not_known_is_not_decided_for() -> None:
    people = [person(number) for number in range(600)]
    people[::2] = [replace(one, terms=replace(one.terms, conditions=frozenset({TEN}))) for one in people[::2]]
    unknown = replace(people[1], features=None)
    people[1] = unknown
    chosen = choose_best(people, rules(exploration=0.5), 10_000_000, effects(people))
    rows = {row["customer_key"]: row for row in chosen.rows}
    assert all(rows[one.customer_key]["arm"] != GIFT for one in people[::2])
    assert rows[unknown.customer_key]["without_offer"] == "not_known_enough"
    assert unknown.customer_key not in {decision.customer_key for decision in chosen.decisions}
    assert any(rows[one.customer_key]["arm"] == GIFT for one in people[1::2])


def test_an_offer_that_brings_too_little_is_not_given_and_one_who_is_better_left_alone_gets_no_message() -> None:
    people = [person(number) for number in range(50)]
    calm = rules(exploration=0.0)
    chosen = choose_best(people, calm, 10_000_000, effects(people, gift=0.1, ten=0.0, none=0.1))
    assert {(row["arm"], row["without_offer"]) for row in chosen.rows} == {(NO_OFFER, "not_best")}
    chosen = choose_best(people, calm, 10_000_000, effects(people, gift=-0.1, ten=-0.2, none=-0.1))
    assert {row["arm"] for row in chosen.rows} == {NO_MESSAGE}


def test_what_a_gift_costs_counts_as_often_as_redemptions_are_expected_and_the_budget_at_its_worst() -> None:
    gift, ten = arms_of(offers(redemption={"given": 100, "redeemed": 20}))[1:]
    assert (gift.offer_cost_minor, gift.reserve_minor) == (80, 400)
    assert (ten.offer_cost_minor, ten.reserve_minor) == (0, 1_000)


@given(st.integers(0, 10**12), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_part_of_the_budget_is_never_more_than_what_is_left(left: int, customers: int, others: int) -> None:
    assert 0 <= part_of(left, customers, customers + others) <= left
    assert part_of(left, customers, customers) == (left if customers else 0)
