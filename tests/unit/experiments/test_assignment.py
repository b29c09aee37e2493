import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.accounts.global_holdout import GlobalHoldout
from winback.experiments.assignment import Arm, arm, assignment_salt, unit_interval, variant
from winback.experiments.chi_square import chi_square_tail
from winback.experiments.global_holdout import Turn, turn
from winback.identifiers import AccountId, CampaignId, CustomerKey

salts = st.text(max_size=40)
customer_keys = st.text("0123456789abcdef", min_size=32, max_size=32).map(CustomerKey)
shares = st.floats(0, 1)


def people(count: int) -> list[CustomerKey]:
    return [CustomerKey(f"{number:032x}") for number in range(count)]


@given(salts, customer_keys)
def test_a_place_is_within_the_unit_interval_and_always_the_same(salt: str, key: CustomerKey) -> None:
    assert 0 <= unit_interval(salt, key) < 1
    assert unit_interval(salt, key) == unit_interval(salt, key)


def test_a_place_never_changes_between_releases() -> None:
    assert unit_interval("cmp-0123456789ab:holdout", CustomerKey("0" * 32)) == 0.8573442205255567


@given(salts, customer_keys, shares, shares)
def test_raising_the_share_moves_nobody_out_of_the_holdout(
    salt: str, key: CustomerKey, one: float, other: float
) -> None:
    small, large = sorted((one, other))
    assert not (arm(salt, key, small) is Arm.HOLDOUT and arm(salt, key, large) is Arm.TREATMENT)


@given(salts, customer_keys)
def test_a_share_of_nothing_holds_out_nobody_and_a_share_of_all_everybody(salt: str, key: CustomerKey) -> None:
    assert arm(salt, key, 0) is Arm.TREATMENT
    assert arm(salt, key, 1) is Arm.HOLDOUT


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_the_share_of_held_out_customers_is_the_one_asked_for(share: float) -> None:
    everyone = people(20_000)
    held_out = sum(arm("cmp-0123456789ab:holdout", key, share) is Arm.HOLDOUT for key in everyone)
    deviations = (held_out - share * len(everyone)) / math.sqrt(share * (1 - share) * len(everyone))
    assert abs(deviations) < 4


def independence(one: list[str], other: list[str]) -> float:
    """p value of Pearson's test of independence of two assignments of the same customers."""
    rows, columns, cells = Counter(one), Counter(other), Counter(zip(one, other, strict=True))
    distance = sum(
        (cells[row, column] - rows[row] * columns[column] / len(one)) ** 2 / (rows[row] * columns[column] / len(one))
        for row in rows
        for column in columns
    )
    return chi_square_tail(distance, (len(rows) - 1) * (len(columns) - 1))


def test_campaigns_their_holdouts_their_experiments_and_the_global_holdout_are_independent_of_each_other() -> None:
    everyone, campaign, other = people(20_000), CampaignId("cmp-00000000000a"), CampaignId("cmp-00000000000b")
    rules, moment = GlobalHoldout(share=0.3), datetime(2026, 11, 21, tzinfo=UTC)
    shares = {"a": 2, "b": 1, "c": 1}
    assignments = {
        "holdout": [str(arm(assignment_salt(campaign, "holdout"), key, 0.3)) for key in everyone],
        "another campaign's": [str(arm(assignment_salt(other, "holdout"), key, 0.3)) for key in everyone],
        "subject": [variant(assignment_salt(campaign, "experiment:subject"), key, shares) for key in everyone],
        "timing": [variant(assignment_salt(campaign, "experiment:timing"), key, shares) for key in everyone],
        "global": [str(turn(rules, AccountId("acme"), key, None, moment) is Turn.HELD_OUT) for key in everyone],
        "global before": [
            str(turn(rules, AccountId("acme"), key, None, moment - timedelta(days=182)) is Turn.HELD_OUT)
            for key in everyone
        ],
    }
    for one, other_one in combinations(assignments, 2):
        assert independence(assignments[one], assignments[other_one]) > 0.001, (one, other_one)
    assert independence(assignments["subject"], assignments["subject"]) < 1e-9


def test_variants_come_in_proportion_to_their_weights() -> None:
    counts = Counter(variant("salt", key, {"a": 3, "never": 0, "b": 1}) for key in people(20_000))
    assert counts["never"] == 0
    assert abs(counts["a"] - 15_000) / math.sqrt(20_000 * 3 / 16) < 4


@given(salts, st.permutations(people(20)), st.integers(1, 20))
def test_an_arm_does_not_depend_on_who_else_takes_part_or_in_which_order(
    salt: str, order: list[CustomerKey], size: int
) -> None:
    alone = {key: arm(salt, key, 0.3) for key in people(20)}
    assert {key: arm(salt, key, 0.3) for key in order[:size]} == {key: alone[key] for key in order[:size]}


def test_impossible_shares_and_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="not within 0 and 1"):
        arm("salt", CustomerKey("0" * 32), 1.2)
    with pytest.raises(ValueError, match="variant weights"):
        variant("salt", CustomerKey("0" * 32), {"a": 0})
