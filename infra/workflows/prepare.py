"""Prepare: a launch's audience is frozen and its steps planned on trial, for a person to approve."""

from typing import Any

from infra.workflows.states import State, caught_by, chunk_task, failure, map_over_manifest, task, when_number

FUNCTIONS = ("launch_candidates", "launch_enrol", "launch_offers", "launch_plan", "launch_summary")

LINE = ("account_id", "launch_id", "chunk", "key", "rows")
LAUNCH = {"account_id.$": "$.account_id", "launch_id.$": "$.launch_id"}


def definition(*, chunks: int) -> dict[str, Any]:
    """`chunks`: how many run at a time."""
    return {
        "Comment": "Candidates -> frozen audience -> offers -> dry run of every step -> awaiting approval.",
        "StartAt": "Find candidates",
        "States": {
            "Find candidates": {
                **caught_by(task("launch_candidates", LAUNCH), "Candidates failed"),
                "Next": "Anyone at all",
            },
            "Anyone at all": when_number("$.chunks", zero="Summarise", otherwise="Enrol"),
            "Enrol": {
                **caught_by(
                    map_over_manifest(
                        "Enrol", {"Enrol chunk": chunk_task("launch_enrol")}, line=LINE, concurrency=chunks
                    ),
                    "Enrol failed",
                ),
                "Next": "Any offers",
            },
            "Any offers": when_number("$.offers", zero="Plan", otherwise="Choose offers"),
            "Choose offers": {**caught_by(task("launch_offers", LAUNCH, keeps={}), "Offers failed"), "Next": "Plan"},
            "Plan": {**caught_by(_plan(chunks), "Plan failed"), "Next": "Summarise"},
            "Summarise": {
                **caught_by(task("launch_summary", {**LAUNCH, "steps.$": "$.steps"}, keeps={}), "Summary failed"),
                "Next": "Awaiting approval",
            },
            "Awaiting approval": {"Type": "Succeed"},
            "Candidates failed": failure("launch_candidates", "Mark launch failed"),
            "Enrol failed": failure("launch_enrol", "Mark launch failed"),
            "Offers failed": failure("launch_offers", "Mark launch failed"),
            "Plan failed": failure("launch_plan", "Mark launch failed"),
            "Summary failed": failure("launch_summary", "Mark launch failed"),
            "Mark launch failed": {
                **task("launch_summary", {**LAUNCH, "error.$": "$.error"}, keeps={}),
                "Next": "Preparation failed",
            },
            "Preparation failed": {
                "Type": "Fail",
                "Error": "PreparationFailed",
                "Cause": "The launch could not be prepared; it is marked failed with the step and the error's name.",
            },
        },
    }


def _plan(chunks: int) -> State:
    """Each child plans all steps of its chunk, in order: a later step's cap sees the earlier ones."""
    steps: State = {
        "Type": "Map",
        "ItemsPath": "$.steps",
        "ItemSelector": {
            **{f"{field}.$": f"$.{field}" for field in LINE},
            "step.$": "$$.Map.Item.Value",
            "mode": "dry_run",
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "Plan chunk",
            "States": {"Plan chunk": chunk_task("launch_plan")},
        },
        "MaxConcurrency": 1,
        "ResultSelector": {"chunk.$": "$[0].chunk"},
        "End": True,
    }
    return map_over_manifest(
        "Plan", {"Plan every step": steps}, line=LINE, concurrency=chunks, adds={"steps.$": "$.steps"}
    )
