"""The campaign workflow is the loop that launch_clock drives."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest

from infra.workflows import campaign
from tests.workflow.conftest import ExecutionAlreadyExists, FunctionFailed

IDS = {"account_id": "acme", "launch_id": "lau-0123456789ab"}
GIVEN = {**IDS, "continuation": 0, "moves_done": 0}
CHUNKS = [{**IDS, "chunk": chunk, "key": f"candidates/{chunk}", "rows": 3, "first": "a"} for chunk in range(3)]
SUCCESSOR = "lau-0123456789ab-1"
LONG_AGO = "2020-01-01T00:00:00Z"


def clock(*actions: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A launch_clock that answers these actions, one call after another; the number of a move is how many were made."""
    coming = iter(actions)

    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        return {
            **{name: payload[name] for name in ("account_id", "launch_id", "continuation", "moves_done")},
            "looks": payload["looks"] + 1,
            "action": next(coming),
            "number": payload["moves_done"] + 1,
            "wait_until": LONG_AGO,
            "moves_done_then": payload["moves_done"] + 1,
            "manifest": "manifest.jsonl",
            "successor": {"name": SUCCESSOR, "continuation": 1},
        }

    return answer


def run(
    workflows: Any,
    *actions: str,
    chunks: Sequence[dict[str, Any]] = CHUNKS,
    attempts: int = 0,
    started: Collection[str] = (),
    around: Callable[[str, Callable[[Any], Any]], Callable[[Any], Any]] = lambda _, function: function,
) -> Any:
    functions: dict[str, Callable[[Any], Any]] = {
        "launch_clock": clock(*actions),
        "launch_plan": lambda payload: {"chunk": payload["chunk"]},
        "launch_evaluate": lambda payload: {"chunk": payload["chunk"]},
        "launch_report": lambda payload: {},
    }

    def start_execution(payload: Any) -> dict[str, Any]:
        if payload["Name"] in started:
            raise ExecutionAlreadyExists(payload["Name"])
        return {}

    functions["start_execution"] = start_execution
    wrapped = {folder: around(folder, function) for folder, function in functions.items()}
    return workflows.run(campaign.definition(chunks=2), wrapped, list(chunks), GIVEN, attempts=attempts)


def test_it_makes_each_move_when_due_and_then_reports(workflows: Any) -> None:
    outcome = run(workflows, "wait", "plan", "wait", "evaluate", "plan", "wait", "report")

    assert outcome.status == "SUCCEEDED"
    assert [told["moves_done"] for told in outcome.payloads("launch_clock")] == [0, 0, 1, 1, 2, 3, 3]
    assert [told["looks"] for told in outcome.payloads("launch_clock")] == list(range(7))
    planned = outcome.payloads("launch_plan")
    assert sorted((told["step"], told["chunk"]) for told in planned) == [(s, c) for s in (1, 3) for c in (0, 1, 2)]
    asked = outcome.payloads("launch_evaluate")
    assert sorted((told["branch"], told["chunk"]) for told in asked) == [(2, 0), (2, 1), (2, 2)]
    assert outcome.payloads("launch_report") == [IDS]


def test_each_chunk_is_planned_live_with_the_line_of_its_manifest_and_a_stopped_launch_is_not_reported(
    workflows: Any,
) -> None:
    outcome = run(workflows, "plan", "stop", chunks=CHUNKS[:1])

    line = {name: value for name, value in CHUNKS[0].items() if name != "first"}
    assert outcome.payloads("launch_plan") == [{**line, "step": 1, "mode": "live"}]
    assert (outcome.status, outcome.payloads("launch_report")) == ("SUCCEEDED", [])


@pytest.mark.parametrize("there", [False, True])
def test_a_successor_gets_the_progress_and_it_is_as_good_if_it_was_started_before(workflows: Any, there: bool) -> None:
    outcome = run(workflows, "plan", "continue", chunks=CHUNKS[:1], started={SUCCESSOR} if there else set())

    assert outcome.status == "SUCCEEDED"
    (asked,) = outcome.payloads("start_execution")
    assert asked["Name"] == SUCCESSOR
    assert asked["Input"] == {**IDS, "continuation": 1, "moves_done": 1}
    assert asked["StateMachineArn"].endswith(":stateMachine:workflow")


def test_whatever_task_dies_once_every_move_is_made_and_reported(workflows: Any) -> None:
    seen: set[tuple[str, Any, Any]] = set()

    def dies_first(folder: str, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def call(payload: Any) -> Any:
            place = (folder, payload.get("chunk"), payload.get("moves_done"))
            if place not in seen:
                seen.add(place)
                raise FunctionFailed("a worker was killed")
            return function(payload)

        return call

    outcome = run(workflows, "plan", "report", chunks=CHUNKS[:2], attempts=2, around=dies_first)

    assert outcome.status == "SUCCEEDED"
    assert {told["chunk"] for told in outcome.payloads("launch_plan")} == {0, 1}
    assert len(outcome.payloads("launch_plan")) == 4, "each chunk twice"
    assert len(outcome.payloads("launch_report")) == 2


def test_an_action_that_it_does_not_know_fails_the_execution(workflows: Any) -> None:
    outcome = run(workflows, "dance")

    assert (outcome.status, outcome.error) == ("FAILED", "UnknownAction")


def test_a_failed_chunk_fails_the_execution_so_that_it_can_be_redriven_from_there() -> None:
    """On the definition: moto's distributed maps succeed whatever their children do."""
    states = campaign.definition(chunks=2)["States"]

    for state in ("Plan", "Evaluate"):
        assert states[state]["ToleratedFailureCount"] == 0
        assert "Catch" not in states[state]


@pytest.mark.parametrize("state", ["Nothing asked yet", "What is next", "Plan", "Evaluate", "Continue", "Report"])
def test_only_identifiers_numbers_times_and_keys_go_in_and_out(state: str) -> None:
    """What a history shows for 90 days. The answers of functions are held to the same names by their own tests."""
    known = {
        "account_id",
        "launch_id",
        "continuation",
        "moves_done",
        "looks",
        "running_since",
        "FunctionName",
        "Payload",
    }
    known |= {"chunk", "key", "rows", "step", "branch", "mode", "Input", "Name", "StateMachineArn"}

    def names(value: Any) -> set[str]:
        if not isinstance(value, dict):
            return set()
        return {name.removesuffix(".$") for name in value}.union(*(names(inner) for inner in value.values()))

    told = campaign.definition(chunks=2)["States"][state]
    assert names(told.get("Parameters")) | names(told.get("ItemSelector")) <= known
