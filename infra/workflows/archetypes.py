"""Archetypes: a training job clusters each account's customers, and what it found is laid beside the segments."""

from typing import Any

from infra.workflows.states import States, caught_by, each_account, failure, task

FUNCTIONS = ("archetypes_plan", "archetypes_train", "archetypes_check", "archetypes_finish")


def definition(*, accounts: int, poll_seconds: int) -> dict[str, Any]:
    """`accounts`: how many run at a time; `poll_seconds`: between two questions after the training job."""
    return {
        "Comment": "Features of each account's latest snapshot -> clusters -> reconciliation and drift.",
        "StartAt": "Choose accounts",
        "States": {
            "Choose accounts": {**task("archetypes_plan"), "Next": "Any account"},
            **each_account(
                _one_account(poll_seconds),
                line=("account_id", "run_id"),
                concurrency=accounts,
                asks="archetypes_plan",
                failed={
                    "Error": "ArchetypesFailed",
                    "Cause": "The run of at least one account failed; its item says at which step.",
                },
            ),
        },
    }


def _one_account(poll_seconds: int) -> States:
    run = {"account_id.$": "$.account_id", "run_id.$": "$.run_id"}
    return {
        "Train": {**caught_by(task("archetypes_train", run), "Train failed"), "Next": "Anything to cluster"},
        "Anything to cluster": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.state", "StringEquals": "nothing", "Next": "Account done"}],
            "Default": "Wait",
        },
        "Wait": {"Type": "Wait", "Seconds": poll_seconds, "Next": "Check"},
        "Check": {**caught_by(task("archetypes_check"), "Check failed"), "Next": "How is it"},
        "How is it": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.state", "StringEquals": "done", "Next": "Finish"},
                {"Variable": "$.state", "StringEquals": "failed", "Next": "Job failed"},
            ],
            "Default": "Wait",
        },
        "Finish": {**caught_by(task("archetypes_finish", keeps={}), "Finish failed"), "Next": "Account done"},
        "Account done": {"Type": "Pass", "Result": "done", "End": True},
        "Train failed": failure("archetypes_train", "Mark run failed"),
        "Check failed": failure("archetypes_check", "Mark run failed"),
        "Finish failed": failure("archetypes_finish", "Mark run failed"),
        "Job failed": {
            "Type": "Pass",
            "Result": {"step": "training_job", "code": "TrainingJobFailed"},
            "ResultPath": "$.error",
            "Next": "Mark run failed",
        },
        "Mark run failed": {
            **task("archetypes_finish", {**run, "error.$": "$.error"}, keeps={}),
            "Next": "Account failed",
        },
        "Account failed": {"Type": "Pass", "Result": "failed", "End": True},
    }
