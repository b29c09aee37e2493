"""The training workflow takes each kind from its examples to the promotion, and goes back when something fails."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.workflows import train
from tests.workflow.conftest import FunctionFailed

RUNS = [
    {
        "kind": kind,
        "run_id": f"trn-{kind}",
        "as_of": "2026-11-22T01:00:00Z",
        "manifest": "accounts.jsonl",
        "accounts": 2,
        "reverts": False,
    }
    for kind in ("churn", "offer")
]
REVERT = [{"kind": "churn", "run_id": "rev-churn", "accounts": 0, "reverts": True}]


def told(payload: dict[str, Any], state: str) -> dict[str, Any]:
    return {"kind": payload["kind"], "run_id": payload["run_id"], "state": state}


def run(workflows: Any, request: dict[str, Any] | None = None, **replaced: Any) -> Any:
    functions = {
        "train_plan": lambda payload: {"runs": RUNS},
        "train_examples": lambda payload: {"rows": 10},
        "train_job": lambda payload: told(payload, "done"),
        "model_judge": lambda payload: told(payload, "promoting"),
        "model_revert": lambda payload: {"runs": REVERT},
        "model_roll": lambda payload: told(payload, "back" if payload["direction"] == "back" else "serving"),
        "model_finish": lambda payload: told(payload, "promoted"),
        **replaced,
    }
    accounts = [{"account_id": account_id} for account_id in ("acme", "bolt")]
    definition = train.definition(accounts=2, poll_seconds=0)
    return workflows.run(definition, functions, [], request or {"as_of": "now"}, accounts=accounts)


def states(*answers: str) -> Any:
    """A function that answers with one state after another."""
    left: Iterator[str] = iter(answers)
    return lambda payload: told(payload, next(left))


def only_churn(payload: dict[str, Any]) -> dict[str, Any]:
    return {"runs": RUNS[:1]}


def fails(payload: dict[str, Any]) -> dict[str, Any]:
    raise FunctionFailed("gone wrong")


def test_every_kind_learns_from_every_account_and_is_promoted(workflows: Any) -> None:
    outcome = run(workflows)

    assert outcome.status == "SUCCEEDED"
    (asked,) = outcome.payloads("train_plan")
    assert asked["request"] == {"as_of": "now"}
    assert asked["execution"]
    written = outcome.payloads("train_examples")
    assert sorted((one["kind"], one["account_id"]) for one in written) == [
        ("churn", "acme"),
        ("churn", "bolt"),
        ("offer", "acme"),
        ("offer", "bolt"),
    ]
    assert sorted(one["kind"] for one in outcome.payloads("model_finish")) == ["churn", "offer"]
    assert all("error" not in one for one in outcome.payloads("model_finish"))


def test_it_asks_until_the_job_and_the_endpoint_are_done(workflows: Any) -> None:
    outcome = run(
        workflows,
        train_plan=only_churn,
        train_job=states("running", "running", "done"),
        model_roll=states("updating", "updating", "serving", "retired"),
    )

    assert outcome.status == "SUCCEEDED"
    assert len(outcome.payloads("train_job")) == 3
    assert [one["direction"] for one in outcome.payloads("model_roll")] == ["forward"] * 3 + ["retire"]


def test_an_account_whose_examples_cannot_be_written_is_left_out(workflows: Any) -> None:
    def fails_for_acme(payload: dict[str, Any]) -> dict[str, Any]:
        return fails(payload) if payload["account_id"] == "acme" else {"rows": 10}

    outcome = run(workflows, train_plan=only_churn, train_examples=fails_for_acme)

    assert outcome.status == "SUCCEEDED"
    assert outcome.payloads("model_judge") == [{"kind": "churn", "run_id": "trn-churn"}]


def test_a_stage_without_accounts_has_nothing_to_learn_from(workflows: Any) -> None:
    nobody = {**RUNS[0], "accounts": 0}

    outcome = run(workflows, train_plan=lambda payload: {"runs": [nobody]}, train_job=states("nothing"))

    assert outcome.status == "SUCCEEDED"
    assert outcome.order() == ["train_plan", "train_job"]


def test_a_promotion_stands_when_old_models_cannot_be_deleted(workflows: Any) -> None:
    def cannot(payload: dict[str, Any]) -> dict[str, Any]:
        return fails(payload) if payload["direction"] == "retire" else told(payload, "serving")

    outcome = run(workflows, train_plan=only_churn, model_roll=cannot)

    assert outcome.status == "SUCCEEDED"
    assert [one.get("error") for one in outcome.payloads("model_finish")] == [None]


@pytest.mark.parametrize(("folder", "state"), [("model_judge", "refused"), ("train_job", "nothing")])
def test_what_is_not_promoted_moves_no_endpoint_and_is_no_failure(workflows: Any, folder: str, state: str) -> None:
    outcome = run(workflows, train_plan=only_churn, **{folder: states(state)})

    assert outcome.status == "SUCCEEDED"
    assert outcome.payloads("model_roll") == outcome.payloads("model_finish") == []


def test_a_failed_job_is_noted_and_fails_the_execution(workflows: Any) -> None:
    outcome = run(workflows, train_plan=only_churn, train_job=states("failed"))

    assert (outcome.status, outcome.error) == ("FAILED", "TrainingFailed")
    (noted,) = outcome.payloads("model_finish")
    assert noted["error"] == {"step": "training_job", "code": "TrainingJobFailed"}
    assert outcome.payloads("model_roll") == []


def test_an_endpoint_that_does_not_take_the_model_is_moved_back(workflows: Any) -> None:
    outcome = run(workflows, train_plan=only_churn, model_roll=states("updating", "failed", "updating", "back"))

    assert outcome.status == "FAILED"
    assert [one["direction"] for one in outcome.payloads("model_roll")] == ["forward", "forward", "back", "back"]
    (noted,) = outcome.payloads("model_finish")
    assert noted["error"] == {"step": "model_roll", "code": "EndpointWentBack"}


def test_a_champion_that_cannot_be_written_moves_the_endpoint_back(workflows: Any) -> None:
    def cannot(payload: dict[str, Any]) -> dict[str, Any]:
        return told(payload, "failed") if "error" in payload else fails(payload)

    outcome = run(workflows, train_plan=only_churn, model_finish=cannot)

    assert outcome.status == "FAILED"
    assert outcome.payloads("model_roll")[-1]["direction"] == "back"
    assert outcome.payloads("model_finish")[-1]["error"]["step"] == "model_finish"


def test_a_way_back_that_fails_is_told_apart(workflows: Any) -> None:
    outcome = run(workflows, train_plan=only_churn, model_roll=fails)

    assert outcome.status == "FAILED"
    assert outcome.payloads("model_finish")[-1]["error"]["step"] == "model_roll_back"


def test_one_kinds_failure_leaves_the_others_alone(workflows: Any) -> None:
    def offers_fail(payload: dict[str, Any]) -> dict[str, Any]:
        return fails(payload) if payload["kind"] == "offer" else told(payload, "promoting")

    outcome = run(workflows, model_judge=offers_fail)

    assert outcome.status == "FAILED"
    finished = {one["kind"]: one.get("error") for one in outcome.payloads("model_finish")}
    assert finished["churn"] is None
    assert finished["offer"]["step"] == "model_judge"


def test_a_revert_trains_nothing_and_moves_the_endpoint(workflows: Any) -> None:
    outcome = run(workflows, {"revert": True, "kind": "churn"})

    assert outcome.status == "SUCCEEDED"
    (asked,) = outcome.payloads("model_revert")
    assert asked["request"] == {"revert": True, "kind": "churn"}
    assert outcome.payloads("train_plan") == outcome.payloads("train_job") == []
    (finished,) = outcome.payloads("model_finish")
    assert finished == {"kind": "churn", "run_id": "rev-churn"}
