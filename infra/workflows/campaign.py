"""Campaign: the loop that `launch_clock` drives from a launch's approval to its report (docs/architecture.md).

One fragment for each thing that it answers. Inputs and outputs are identifiers, numbers, times and keys of the lake.
"""

from typing import Any

from infra.workflows.prepare import LAUNCH, LINE
from infra.workflows.states import State, States, chunk_task, map_over_manifest, patiently, successor, task

FUNCTIONS = ("launch_clock", "launch_plan", "launch_evaluate", "launch_report")

EXECUTION = {"continuation.$": "$.continuation", "looks.$": "$.looks"}
DONE = {**LAUNCH, **EXECUTION, "moves_done.$": "$.moves_done_then"}


def definition(*, chunks: int) -> dict[str, Any]:
    """`chunks`: how many run at a time. Nothing is caught but that a successor runs already: a failed execution is
    redriven from the failed state."""
    actions = {
        "wait": "Wait",
        "plan": "Plan",
        "evaluate": "Evaluate",
        "continue": "Continue",
        "report": "Report",
        "stop": "Stopped",
    }
    return {
        "Comment": "Follows a launch: waits, asks its branches, plans its steps; after the evaluation: reports.",
        "StartAt": "Nothing asked yet",
        "States": {
            "Nothing asked yet": {
                "Type": "Pass",
                "Parameters": {
                    **LAUNCH,
                    "continuation.$": "$.continuation",
                    "looks": 0,
                    "moves_done.$": "$.moves_done",
                },
                "Next": "What is next",
            },
            "What is next": {
                **patiently(
                    task(
                        "launch_clock",
                        {
                            **LAUNCH,
                            **EXECUTION,
                            "moves_done.$": "$.moves_done",
                            "running_since.$": "$$.Execution.StartTime",
                        },
                    )
                ),
                "Next": "Act",
            },
            "Act": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.action", "StringEquals": action, "Next": state} for action, state in actions.items()
                ],
                "Default": "Unknown action",
            },
            **_wait(),
            **_plan(chunks),
            **_evaluate(chunks),
            **_continue(),
            **_report(),
            "Stopped": {"Type": "Succeed"},
            "Unknown action": {
                "Type": "Fail",
                "Error": "UnknownAction",
                "Cause": f"launch_clock answered an action other than {', '.join(actions)}.",
            },
        },
    }


def _wait() -> States:
    return {"Wait": {"Type": "Wait", "TimestampPath": "$.wait_until", "Next": "What is next"}}


def _plan(chunks: int) -> States:
    """A step: every chunk of the audience is planned live."""
    return _move("Plan", "launch_plan", chunks, {"step.$": "$.number", "mode": "live"})


def _evaluate(chunks: int) -> States:
    """A branch: every chunk's customers are asked, and their ways written down."""
    return _move("Evaluate", "launch_evaluate", chunks, {"branch.$": "$.number"})


def _move(label: str, folder: str, chunks: int, adds: dict[str, Any]) -> States:
    over_chunks: State = map_over_manifest(
        label, {f"{label} chunk": patiently(chunk_task(folder))}, line=LINE, concurrency=chunks, adds=adds
    )
    return {
        label: {**over_chunks, "Next": f"{label} done"},
        f"{label} done": {"Type": "Pass", "Parameters": DONE, "Next": "What is next"},
    }


def _continue() -> States:
    """The execution that follows the launch from now on. Its name makes it one, however often it is started:
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """
    given = {**LAUNCH, "continuation.$": "$.successor.continuation", "moves_done.$": "$.moves_done"}
    return {"Continue": successor("$.successor.name", given, "Stopped")}


def _report() -> States:
    return {"Report": {**patiently(task("launch_report", LAUNCH, keeps={})), "Next": "Stopped"}}
