"""The campaign workflow is the loop that launch_clock drives."""

from collections.abc import Callable, Sequence
from typing import Any

from infra.workflows import campaign

LAUNCH = {"account_id": "acme", "launch_id": "lau-0123456789ab"}
CHUNKS = [{**LAUNCH, "chunk": chunk, "key": f"candidates/{chunk}", "rows": 3} for chunk in range(3)]
LONG_AGO = "2020-01-01T00:00:00Z"


def clock(*actions: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A launch_clock that answers these actions, one call after another."""
    coming = iter(actions)

    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        return {
            **payload,
            "action": next(coming),
            "wait_until": LONG_AGO,
            "step": payload["steps_planned"] + 1,
            "manifest": "manifest.jsonl",
        }

    return answer


def run(workflows: Any, *actions: str, chunks: Sequence[dict[str, Any]] = CHUNKS) -> Any:
    functions = {
        "launch_clock": clock(*actions),
        "launch_plan": lambda payload: {"chunk": payload["chunk"]},
        "launch_report": lambda payload: {},
    }
    return workflows.run(campaign.definition(chunks=2), functions, list(chunks), LAUNCH)


def test_it_plans_each_step_when_due_and_then_reports(workflows: Any) -> None:
    outcome = run(workflows, "wait", "plan", "wait", "wait", "plan", "wait", "report")

    assert outcome.status == "SUCCEEDED"
    assert [told["steps_planned"] for told in outcome.payloads("launch_clock")] == [0, 0, 1, 1, 1, 2, 2]
    planned = outcome.payloads("launch_plan")
    assert sorted((told["step"], told["chunk"]) for told in planned) == [(s, c) for s in (1, 2) for c in (0, 1, 2)]
    assert outcome.payloads("launch_report") == [LAUNCH]


def test_each_chunk_is_planned_live_with_the_line_of_its_manifest(workflows: Any) -> None:
    outcome = run(workflows, "plan", "report", chunks=CHUNKS[:1])

    assert outcome.payloads("launch_plan") == [{**CHUNKS[0], "step": 1, "mode": "live"}]


def test_a_cancelled_launch_is_reported_without_another_step(workflows: Any) -> None:
    outcome = run(workflows, "plan", "wait", "report")

    assert {told["step"] for told in outcome.payloads("launch_plan")} == {1}
    assert outcome.order()[-1] == "launch_report"


def test_an_action_that_it_does_not_know_fails_the_execution(workflows: Any) -> None:
    outcome = run(workflows, "dance")

    assert (outcome.status, outcome.error) == ("FAILED", "UnknownAction")
