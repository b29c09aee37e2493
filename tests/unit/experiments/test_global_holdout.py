from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from winback.accounts.global_holdout import GlobalHoldout, ValueTierName
from winback.experiments.global_holdout import Turn, measured_from, period_of, period_start, turn
from winback.identifiers import AccountId, CustomerKey, customer_key
from winback.segmentation.grid import ValueTier

ACME = AccountId("acme")
PEOPLE = [customer_key("0" * 32, str(number)) for number in range(4_000)]
RULES = GlobalHoldout(share=0.1, rotation_days=100, washout_days=20)
START = period_start(RULES, 205)
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


def held(moment: datetime, rules: GlobalHoldout = RULES) -> set[CustomerKey]:
    return {key for key in PEOPLE if turn(rules, ACME, key, "Mass", moment) is Turn.HELD_OUT}


def washing(moment: datetime) -> set[CustomerKey]:
    return {key for key in PEOPLE if turn(RULES, ACME, key, "Mass", moment) is Turn.WASHING_OUT}


def test_the_turn_lasts_a_period_and_others_follow_while_the_ones_before_wash_out() -> None:
    last_moment = period_start(RULES, 206) - timedelta(seconds=1)
    before, now, after = held(START - timedelta(days=1)), held(START), held(period_start(RULES, 206))
    assert held(last_moment) == now
    assert 320 < len(now) < 480
    assert len(now & before) < 80  # a tenth of a tenth, by chance
    assert len(now & after) < 80
    assert washing(START) == before - now
    assert washing(START + timedelta(days=20) - timedelta(seconds=1)) == before - now
    assert measured_from(RULES, 205) == START + timedelta(days=20)
    assert washing(measured_from(RULES, 205)) == set()


@given(st.sampled_from(PEOPLE), MOMENTS, st.floats(0, 0.5), st.floats(0, 0.5))
def test_raising_the_share_moves_nobody_out(key: CustomerKey, moment: datetime, one: float, other: float) -> None:
    small, large = (GlobalHoldout(share=share) for share in sorted((one, other)))
    if turn(small, ACME, key, None, moment) is Turn.HELD_OUT:
        assert turn(large, ACME, key, None, moment) is Turn.HELD_OUT


@given(MOMENTS)
def test_every_moment_lies_in_its_period(moment: datetime) -> None:
    period = period_of(RULES, moment)
    assert period_start(RULES, period) <= moment < period_start(RULES, period + 1)


def test_an_excluded_tier_has_no_turn_and_no_wash_out() -> None:
    rules = RULES.model_copy(update={"exclude_tiers": ("VIP",)})
    for moment in (START, START - timedelta(days=1)):
        assert all(turn(rules, ACME, key, "VIP", moment) is Turn.NONE for key in PEOPLE)
        assert held(moment, rules) == held(moment)
    assert turn(rules, ACME, next(iter(held(START))), None, START) is Turn.HELD_OUT  # a tier not known excludes nobody


def test_accounts_draw_apart_and_without_a_share_nobody_is_held_out() -> None:
    assert {key for key in PEOPLE if turn(RULES, AccountId("brand-b"), key, None, START) is Turn.HELD_OUT} != held(
        START
    )
    assert held(START, GlobalHoldout()) == set()


def test_the_tiers_are_those_of_the_grid_and_a_wash_out_ends_before_the_next_turn() -> None:
    assert set(get_args(ValueTierName)) == {str(tier) for tier in ValueTier}
    with pytest.raises(ValidationError, match="expected the wash-out to be over before the next turn"):
        GlobalHoldout(share=0.1, rotation_days=28, washout_days=28)
