"""The prepare workflow freezes the audience, plans every step on trial, and says so when it fails."""

from typing import Any

import pytest

from infra.workflows import prepare
from tests.workflow.conftest import FunctionFailed

LAUNCH = {"account_id": "acme", "launch_id": "lau-0123456789ab"}
CHUNKS = [{**LAUNCH, "chunk": chunk, "key": f"candidates/{chunk}", "rows": 3} for chunk in range(2)]


def run(workflows: Any, *, chunks: int = 2, offers: int = 0, attempts: int = 0, **replaced: Any) -> Any:
    functions = {
        "launch_candidates": lambda payload: {
            **payload,
            "manifest": "manifest.jsonl",
            "chunks": chunks,
            "steps": [1, 2],
            "offers": offers,
        },
        "launch_enrol": lambda payload: {"chunk": payload["chunk"]},
        "launch_offers": lambda payload: payload,
        "launch_plan": lambda payload: {"chunk": payload["chunk"]},
        "launch_summary": lambda payload: {},
        **replaced,
    }
    return workflows.run(prepare.definition(chunks=2), functions, CHUNKS, LAUNCH, attempts=attempts)


def test_it_enrols_every_chunk_before_it_plans_any(workflows: Any) -> None:
    outcome = run(workflows)

    assert outcome.status == "SUCCEEDED"
    assert outcome.order() == ["launch_candidates", "launch_enrol", "launch_plan", "launch_summary"]
    assert sorted(told["chunk"] for told in outcome.payloads("launch_enrol")) == [0, 1]


def test_offers_are_chosen_once_for_the_whole_audience_before_any_step_is_planned(workflows: Any) -> None:
    outcome = run(workflows, offers=2)

    assert outcome.order() == ["launch_candidates", "launch_enrol", "launch_offers", "launch_plan", "launch_summary"]
    assert outcome.payloads("launch_offers") == [LAUNCH]


def test_the_steps_of_a_chunk_are_planned_one_after_another(workflows: Any) -> None:
    outcome = run(workflows)

    planned = outcome.payloads("launch_plan")
    assert all(told["mode"] == "dry_run" for told in planned)
    for chunk in (0, 1):
        assert [told["step"] for told in planned if told["chunk"] == chunk] == [1, 2]


def test_the_summary_gets_the_launch_and_its_steps(workflows: Any) -> None:
    assert run(workflows).payloads("launch_summary") == [{**LAUNCH, "steps": [1, 2]}]


def test_an_audience_of_nobody_is_summarised_at_once(workflows: Any) -> None:
    outcome = run(workflows, chunks=0)

    assert outcome.status == "SUCCEEDED"
    assert outcome.order() == ["launch_candidates", "launch_summary"]


def test_a_failure_marks_the_launch_with_the_function_and_the_errors_name_alone(workflows: Any) -> None:
    def fails(payload: dict[str, Any]) -> None:
        raise FunctionFailed("jane@example.com is not an address")

    outcome = run(workflows, launch_candidates=fails)

    assert (outcome.status, outcome.error) == ("FAILED", "PreparationFailed")
    told = outcome.payloads("launch_summary")[-1]
    assert told == {**LAUNCH, "error": {"step": "launch_candidates", "code": "FunctionFailed"}}


@pytest.mark.parametrize(("state", "folder"), [("Enrol", "launch_enrol"), ("Plan", "launch_plan")])
def test_a_failed_chunk_fails_its_map_and_names_the_function(state: str, folder: str) -> None:
    """On the definition: moto's distributed maps succeed whatever their children do."""
    states = prepare.definition(chunks=2)["States"]

    (caught,) = states[state]["Catch"]
    assert states[state]["ToleratedFailureCount"] == 0
    assert caught["ErrorEquals"] == ["States.ALL"]
    assert states[caught["Next"]]["Parameters"]["step"] == folder
    assert states[caught["Next"]]["Next"] == "Mark launch failed"


def test_a_function_that_fails_once_is_tried_again(workflows: Any) -> None:
    failures = iter([True])

    def fails_once(payload: dict[str, Any]) -> dict[str, Any]:
        if next(failures, False):
            raise FunctionFailed("a worker was killed")
        return {**payload, "manifest": "manifest.jsonl", "chunks": 0, "steps": [1]}

    outcome = run(workflows, attempts=2, launch_candidates=fails_once)

    assert outcome.status == "SUCCEEDED"
    assert len(outcome.payloads("launch_candidates")) == 2
