import json
import subprocess
import sys

import pytest

from winback.identifiers import CustomerKey
from winback.predictions.offers.asking import GIVE_UP_AFTER, Question, ask_effects
from winback.predictions.offers.contract import OFFER_FEATURES
from winback.predictions.offers.effects import Effect, EffectSource
from winback.predictions.offers.priors import prior_effects
from winback.predictions.requests import EndpointUnavailable, RequestRefused

ARMS = ("none", "coupon")
PRIOR = prior_effects("Mass", "At Risk", ARMS)


def test_the_endpoint_s_answer_counts_and_an_arm_that_it_does_not_know_has_the_prior() -> None:
    asked = ask_effects(questions(2), ARMS, answers({"none": {"uplift": 0.1, "error": 0.01}, "coupon": None}))
    assert asked.failures == ()
    for found in asked.effects.values():
        assert found == {"none": Effect(0.1, 0.01, EffectSource.MODEL, "offer-1"), "coupon": PRIOR["coupon"]}


def test_without_an_answer_the_last_one_counts_marked_as_such_and_else_the_prior() -> None:
    earlier = {"none": Effect(0.2, 0.01, EffectSource.MODEL, "offer-0"), "coupon": Effect(9, 9, EffectSource.PRIOR)}
    asked = ask_effects(questions(2), ARMS, unavailable, last={CustomerKey("c0"): earlier})
    assert asked.failures == ("throttled",)
    assert asked.effects[CustomerKey("c0")] == {
        "none": Effect(0.2, 0.01, EffectSource.LAST, "offer-0"),
        "coupon": PRIOR["coupon"],
    }
    assert asked.effects[CustomerKey("c1")] == PRIOR


def test_after_some_failures_the_endpoint_is_left_alone() -> None:
    calls = []

    def invoke(body: bytes) -> bytes:
        calls.append(body)
        raise EndpointUnavailable("cold")

    asked = ask_effects(questions(500 * (GIVE_UP_AFTER + 2)), ARMS, invoke)
    assert len(calls) == len(asked.failures) == GIVE_UP_AFTER
    assert len(asked.effects) == 500 * (GIVE_UP_AFTER + 2)


def test_a_refused_request_is_not_hidden() -> None:
    def refuse(_: bytes) -> bytes:
        raise RequestRefused("purchases: missing")

    with pytest.raises(RequestRefused):
        ask_effects(questions(1), ARMS, refuse)


def test_what_planning_imports_needs_neither_numpy_nor_duckdb() -> None:
    modules = ["allocation", "asking", "contract", "effects", "policy", "priors", "records"]
    imports = "; ".join(f"import winback.predictions.offers.{name}" for name in modules)
    check = f"{imports}; import sys; print(sorted({{'numpy', 'duckdb', 'scipy'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def questions(number: int) -> list[Question]:
    features = dict.fromkeys(OFFER_FEATURES, 1)
    return [Question(CustomerKey(f"c{n}"), features, "Mass", "At Risk") for n in range(number)]


def answers(arms: dict[str, object]):  # type: ignore[no-untyped-def]
    def invoke(body: bytes) -> bytes:
        rows = [{"arms": arms} for _ in json.loads(body)["rows"]]
        return json.dumps({"schema_version": 1, "model_id": "offer-1", "rows": rows}).encode()

    return invoke


def unavailable(_: bytes) -> bytes:
    raise EndpointUnavailable("throttled")
