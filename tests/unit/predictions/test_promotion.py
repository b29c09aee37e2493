"""A model takes the champion's place only when it is better beyond chance, and every refusal says why."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.predictions.kinds import Kind
from winback.predictions.promotion import (
    Standing,
    UnreadableEvaluation,
    Verdict,
    earlier_model,
    judge,
    read_evaluation,
)

STANDING = Standing(champion="churn-old", compared_with="churn-old")
BETTER = {"value": 0.52, "difference": -0.02, "low": -0.03, "high": -0.01, "better": True}
SAME = {"value": 0.50, "difference": 0.0, "low": -0.01, "high": 0.01, "better": False}
WORSE = {"value": 0.48, "difference": 0.02, "low": 0.01, "high": 0.03, "better": False}


def content(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "churn",
        "schema_version": 1,
        "model_id": "churn-new",
        "trained_on": {"rows": 5000, "accounts": 3},
        "test": {"rows": 1000},
        "metric": "log_loss",
        "higher_is_better": False,
        "value": 0.5,
        "against": {"champion": BETTER, "recency": BETTER},
        "checks": {"calibration_slope": 1.02},
        "serves": "model",
        "reference": {"silence_days": {"edges": [30.0, 90.0], "shares": [0.2, 0.3, 0.5, 0.0]}},
        **changes,
    }


def verdict(standing: Standing = STANDING, **changes: Any) -> Verdict:
    return judge(read_evaluation(content(**changes)), Kind.CHURN, standing)


def test_a_model_better_than_the_champion_beyond_chance_is_promoted() -> None:
    found = verdict()
    assert found.promote
    (reason,) = found.reasons
    assert reason == (
        "better than the champion beyond chance: log loss 0.5000 against 0.5200, difference -0.0200, "
        "95 % interval -0.0300 to -0.0100, on 1000 rows"
    )


@pytest.mark.parametrize("against", [SAME, WORSE])
def test_a_model_that_is_not_shown_to_be_better_is_refused_with_the_figures(against: dict[str, Any]) -> None:
    found = verdict(against={"champion": against, "recency": BETTER})
    assert not found.promote
    assert "not better than the champion beyond chance: log loss" in found.reasons[0]
    assert f"{against['low']:+.4f} to {against['high']:+.4f}" in found.reasons[0]


def test_a_baseline_may_win_against_the_model_when_the_archive_beats_the_champion_by_serving_it() -> None:
    assert verdict(serves="recency", against={"champion": BETTER, "recency": SAME}).promote


def test_without_a_champion_every_baseline_is_to_be_beaten() -> None:
    none = Standing(champion=None, compared_with=None)
    assert verdict(none, against={"recency": BETTER, "p_alive": BETTER}).promote
    refused = verdict(none, against={"recency": BETTER, "p_alive": SAME})
    assert not refused.promote
    assert refused.reasons[0].startswith("not better than p alive beyond chance")


def test_without_anything_to_compare_with_nothing_is_promoted() -> None:
    assert "compared with nothing" in verdict(against={}).reasons[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "offer"}, "a model of offer"),
        ({"test": {"rows": 199}}, "too small to tell: 199 rows"),
        ({"checks": {"calibration_slope": 0.3}}, "calibration slope is 0.30"),
        ({"checks": {"calibration_slope": 2.5}}, "calibration slope is 2.50"),
        ({"model_id": "churn-old"}, "the champion itself"),
    ],
)
def test_what_else_speaks_against_a_model_is_said(changes: dict[str, Any], words: str) -> None:
    found = verdict(**changes)
    assert not found.promote
    assert any(words in reason for reason in found.reasons)


def test_all_reasons_are_given_at_once() -> None:
    assert len(verdict(test={"rows": 10}, against={"champion": WORSE}, checks={"calibration_slope": 9.0}).reasons) == 3


def test_a_champion_that_changed_during_the_training_was_not_compared_with() -> None:
    found = verdict(replace(STANDING, champion="churn-other"))
    assert found.reasons == (
        "the champion changed while it was trained: it was compared with churn-old, and churn-other serves now",
    )


def test_a_model_that_was_taken_out_of_service_does_not_come_back_by_itself() -> None:
    assert "taken out" in verdict(replace(STANDING, reverted={"churn-new"})).reasons[0]


def test_a_model_that_is_worse_for_many_accounts_is_refused_and_they_are_named() -> None:
    some = {f"shop-{number}": BETTER for number in range(9)}
    assert verdict(accounts={**some, "shop-9": WORSE}).promote
    refused = verdict(accounts={"shop-1": WORSE, "shop-2": BETTER})
    assert not refused.promote
    assert refused.reasons[0].endswith("1 of 2 accounts: shop-1")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"model_id": ""}, "model_id"),
        ({"schema_version": 2}, "schema_version"),
        ({"value": float("nan")}, "value"),
        ({"against": {"champion": {"difference": 1}}}, "against.champion"),
        ({"test": {}}, "test.rows"),
    ],
)
def test_an_evaluation_that_cannot_be_judged_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(UnreadableEvaluation, match=field):
        read_evaluation(content(**changes))


@given(
    low=st.floats(-1, 1),
    width=st.floats(0, 1),
    rows=st.integers(0, 2000),
    slope=st.floats(0.01, 5),
    better=st.booleans(),
)
def test_nothing_is_promoted_that_was_not_shown_to_be_better(
    low: float, width: float, rows: int, slope: float, better: bool
) -> None:
    against = {"difference": low, "low": low, "high": low + width, "better": better}
    found = verdict(against={"champion": against}, test={"rows": rows}, checks={"calibration_slope": slope})
    assert found.promote <= better
    assert found.reasons
    assert all(reason for reason in found.reasons)


def change(to: str, before: str | None, *, reverts: bool = False) -> dict[str, Any]:
    return {"to": to, "from": before, "reverts": reverts}


def test_reverting_goes_back_to_the_model_that_was_replaced() -> None:
    assert earlier_model([change("b", "a"), change("c", "b")], "c") == "b"


def test_reverting_again_goes_back_further_and_not_forth() -> None:
    log = [change("b", "a"), change("c", "b"), change("b", "c", reverts=True)]
    assert earlier_model(log, "b") == "a"


def test_the_first_model_replaced_none() -> None:
    assert earlier_model([], "a") is None
    assert earlier_model([change("b", "a"), change("a", "b", reverts=True)], "a") is None
