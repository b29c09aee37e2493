from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.identifiers import CustomerKey
from winback.predictions.offers.effects import NO_MESSAGE, NO_OFFER, Arm, Effect, EffectSource
from winback.predictions.offers.policy import Candidate, OfferDecision, OfferRules, decide_offers

NOW = datetime(2026, 5, 1, tzinfo=UTC)
MESSAGE = Arm(NO_OFFER, channel_cost_minor=1)
COUPON = Arm("coupon", offer_cost_minor=100, reserve_minor=300, channel_cost_minor=1)
GIFT = Arm("gift", offer_cost_minor=400, reserve_minor=400, channel_cost_minor=1)
ARMS = (MESSAGE, COUPON, GIFT)


def test_the_arm_of_the_largest_uplift_times_margin_less_costs_is_planned() -> None:
    decision = decided([customer("a", margin=5000, message=0.01, coupon=0.05, gift=0.08)])["a"]
    worth = {each.arm: each.value_minor for each in decision.considered}
    assert worth == {NO_MESSAGE: 0, NO_OFFER: 49, "coupon": 149, "gift": -1}
    assert decision.arm == decision.planned == "coupon"


def test_whom_nothing_helps_gets_no_message() -> None:
    decision = decided([customer("a", margin=5000, message=-0.01, coupon=0.01, gift=0.01)])["a"]
    assert decision.arm == NO_MESSAGE


def test_who_had_an_offer_lately_gets_none_and_may_get_a_message() -> None:
    eager = {"margin": 50_000, "message": 0.01, "coupon": 0.05, "gift": 0.01}
    found = decided(
        [
            customer("a", **eager, last_offer_at=NOW - timedelta(days=89)),
            customer("b", **eager, last_offer_at=NOW - timedelta(days=90)),
        ],
        floor=0.1,
    )
    assert [each.arm for each in found["a"].considered] == [NO_MESSAGE, NO_OFFER]
    assert found["a"].planned == NO_OFFER
    assert found["b"].planned == "coupon"


def test_a_customer_s_cap_counts_what_was_taken_before() -> None:
    eager = {"margin": 50_000, "message": 0.01, "coupon": 0.05, "gift": 0.01}
    found = decided([customer("a", **eager, taken=700), customer("b", **eager, taken=699)], customer_cap_minor=1000)
    assert found["a"].planned == NO_OFFER
    assert found["b"].planned == "coupon"


effects = st.floats(-0.1, 0.2)
people = st.lists(st.tuples(effects, effects, effects, st.integers(0, 10_000)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(people, st.integers(0, 2000), st.sampled_from([0.0, 0.02, 0.2, 0.25]), st.floats(0, 1), st.integers(0, 50))
def test_whatever_is_drawn_the_budget_holds_and_propensities_add_up(
    people: list[tuple[float, float, float, int]], budget: int, floor: float, share: float, salt: int
) -> None:
    candidates = [
        customer(f"c{n:02d}", margin=margin, message=one, coupon=two, gift=three)
        for n, (one, two, three, margin) in enumerate(people)
    ]
    rules = OfferRules(f"s{salt}", budget, floor=floor, exploration_share=share)
    found = decide_offers(candidates, ARMS, rules, NOW)
    assert sum(each.chosen.spend_minor for each in found) <= budget
    for each in found:
        assert sum(arm.propensity for arm in each.considered) == pytest.approx(1)
        assert each.propensity >= floor
        assert {NO_MESSAGE, NO_OFFER} <= {arm.arm for arm in each.considered}
        assert all(arm.propensity == 0 or arm.propensity >= floor - 1e-12 for arm in each.considered)
    assert decide_offers(candidates[::-1], ARMS[::-1], rules, NOW) == found


@pytest.mark.parametrize("budget", [None, 1200])
def test_logged_propensities_are_how_often_arms_are_drawn(budget: int | None) -> None:
    """Over salts: under a budget that runs dry the mean of what was logged is the frequency, else it never changes."""
    candidates = [
        customer(f"c{n}", margin=9000, message=0.01, coupon=0.06 if n % 2 else -0.1, gift=0.02) for n in range(6)
    ]
    salts = 2000
    drawn: Counter[tuple[str, str]] = Counter()
    logged: Counter[tuple[str, str]] = Counter()
    weighed: Counter[tuple[str, str]] = Counter()
    different = set()
    for salt in range(salts):
        for each in decide_offers(candidates, ARMS, OfferRules(f"salt{salt}", budget, floor=0.1), NOW):
            drawn[each.customer_key, each.arm] += 1
            weighed[each.customer_key, each.arm] += 1 / each.propensity  # type: ignore[assignment]
            for arm in each.considered:
                logged[each.customer_key, arm.arm] += arm.propensity  # type: ignore[assignment]
            different.add((each.customer_key, each.considered))
    assert (len(different) > 6) == (budget is not None)
    for key, total in logged.items():
        share = total / salts
        assert drawn[key] / salts == pytest.approx(share, abs=4 * (share * (1 - share) / salts) ** 0.5 + 1e-9)
        if budget is None:
            assert share in (pytest.approx(0.1), pytest.approx(0.7))
            assert weighed[key] / salts == pytest.approx(1, abs=0.25)


def test_a_draw_is_sticky_whoever_else_takes_part() -> None:
    many = [customer(f"c{n}", margin=9000, message=0.01, coupon=0.06, gift=0.02) for n in range(40)]
    all_of_them, few = decided(many, floor=0.2), decided(many[::7], floor=0.2)
    assert {key: each.arm for key, each in few.items()} == {key: all_of_them[key].arm for key in few}
    assert len({each.arm for each in all_of_them.values()}) == 4
    assert any(each.explored for each in all_of_them.values())


def test_without_a_budget_for_them_dear_arms_are_not_drawn_and_logged_with_probability_zero() -> None:
    decision = decided([customer("a", margin=100, message=1.0, coupon=1.0, gift=1.0)], budget_minor=1, floor=0.25)["a"]
    propensities = {each.arm: each.propensity for each in decision.considered}
    assert propensities == {NO_MESSAGE: 0.25, NO_OFFER: 0.75, "coupon": 0.0, "gift": 0.0}


def test_rules_and_arms_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="adds up to more than 1"):
        decided([], floor=0.3)
    with pytest.raises(ValueError, match="expected 'none'"):
        decide_offers([], [COUPON], OfferRules("s", None), NOW)
    with pytest.raises(ValueError, match="among the candidates twice"):
        decided([customer("a"), customer("a")])
    with pytest.raises(ValueError, match="a reserve of at least"):
        Arm("coupon", offer_cost_minor=5, reserve_minor=4)
    with pytest.raises(ValueError, match="sending nothing is implied"):
        Arm(NO_MESSAGE)
    with pytest.raises(ValueError, match="no offer in it"):
        Arm(NO_OFFER, reserve_minor=4)
    with pytest.raises(ValueError, match="exploration floor"):
        OfferRules("s", None, floor=-0.1)
    with pytest.raises(ValueError, match="exploration share"):
        OfferRules("s", None, exploration_share=2)
    with pytest.raises(ValueError, match="must not be negative"):
        OfferRules("s", -1)


def customer(  # noqa: PLR0917
    key: str,
    margin: int = 1000,
    message: float = 0.0,
    coupon: float = 0.0,
    gift: float = 0.0,
    last_offer_at: datetime | None = None,
    taken: int = 0,
) -> Candidate:
    uplifts = {NO_OFFER: message, "coupon": coupon, "gift": gift}
    known = {arm: Effect(uplift, 0.01, EffectSource.PRIOR) for arm, uplift in uplifts.items()}
    return Candidate(CustomerKey(key), margin, known, last_offer_at, taken)


def decided(candidates: list[Candidate], *, floor: float = 0.0, **rules: int | None) -> dict[str, OfferDecision]:
    given = OfferRules(
        "salt", rules.get("budget_minor"), floor=floor, customer_cap_minor=rules.get("customer_cap_minor")
    )
    return {each.customer_key: each for each in decide_offers(candidates, ARMS, given, NOW)}
