"""Campaign: the loop that `launch_clock` drives from the first step to the report (docs/architecture.md, Workflows)."""

from typing import Any

from infra.workflows.prepare import LAUNCH, LINE
from infra.workflows.states import chunk_task, map_over_manifest, task

FUNCTIONS = ("launch_clock", "launch_plan", "launch_report")


def definition(*, chunks: int) -> dict[str, Any]:
    """`chunks`: how many run at a time. Nothing is caught: a failed execution is redriven from the failed state."""
    plan = map_over_manifest(
        "Plan",
        {"Plan chunk": chunk_task("launch_plan")},
        line=LINE,
        concurrency=chunks,
        adds={"step.$": "$.step", "mode": "live"},
    )
    return {
        "Comment": "For each step: wait until it is due, then plan it. After the evaluation window: report.",
        "StartAt": "Nothing planned yet",
        "States": {
            "Nothing planned yet": {
                "Type": "Pass",
                "Parameters": {**LAUNCH, "steps_planned": 0},
                "Next": "What is next",
            },
            "What is next": {
                **task("launch_clock", {**LAUNCH, "steps_planned.$": "$.steps_planned"}),
                "Next": "Act",
            },
            "Act": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.action", "StringEquals": "wait", "Next": "Wait"},
                    {"Variable": "$.action", "StringEquals": "plan", "Next": "Plan"},
                    {"Variable": "$.action", "StringEquals": "report", "Next": "Report"},
                ],
                "Default": "Unknown action",
            },
            "Wait": {"Type": "Wait", "TimestampPath": "$.wait_until", "Next": "What is next"},
            "Plan": {**plan, "Next": "Step planned"},
            "Step planned": {
                "Type": "Pass",
                "Parameters": {**LAUNCH, "steps_planned.$": "$.step"},
                "Next": "What is next",
            },
            "Report": {**task("launch_report", LAUNCH, keeps={}), "Next": "Finished"},
            "Finished": {"Type": "Succeed"},
            "Unknown action": {
                "Type": "Fail",
                "Error": "UnknownAction",
                "Cause": "launch_clock answered an action other than wait, plan or report.",
            },
        },
    }
