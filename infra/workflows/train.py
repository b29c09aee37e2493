"""Train: each kind of model learns from all accounts, is judged, and takes the champion's place only when it is better.
The same workflow brings an earlier model back."""

from typing import Any

from infra.workflows.states import State, States, caught_by, failure, map_over_manifest, task

FUNCTIONS = (
    "train_plan",
    "train_examples",
    "train_job",
    "model_judge",
    "model_revert",
    "model_roll",
    "model_finish",
)

_RUN = {"kind.$": "$.kind", "run_id.$": "$.run_id"}
_ASKED = {"request.$": "$", "execution.$": "$$.Execution.Id"}


def definition(*, accounts: int, poll_seconds: int) -> dict[str, Any]:
    """`accounts`: how many write their examples at a time; `poll_seconds`: between two questions after a training job
    or an endpoint that is being moved."""
    return {
        "Comment": "Examples of all accounts -> a training job a kind -> judged -> promoted only when better.",
        "StartAt": "Train or revert",
        "States": {
            "Train or revert": {
                "Type": "Choice",
                "Choices": [
                    {
                        "And": [
                            {"Variable": "$.revert", "IsPresent": True},
                            {"Variable": "$.revert", "BooleanEquals": True},
                        ],
                        "Next": "Find the model before",
                    }
                ],
                "Default": "Plan",
            },
            "Plan": {**task("train_plan", _ASKED), "Next": "Each kind"},
            "Find the model before": {**task("model_revert", _ASKED), "Next": "Each kind"},
            "Each kind": _each_kind(accounts, poll_seconds),
            "Did any fail": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.failed", "BooleanEquals": True, "Next": "Some run failed"}],
                "Default": "Done",
            },
            "Some run failed": {
                "Type": "Fail",
                "Error": "TrainingFailed",
                "Cause": "The run of at least one kind failed; its item says at which step. Its champion stays.",
            },
            "Done": {"Type": "Succeed"},
        },
    }


def _each_kind(accounts: int, poll_seconds: int) -> State:
    """One child execution a kind, so that a failing kind leaves the others alone."""
    return {
        "Type": "Map",
        "Label": "Kinds",
        "ItemsPath": "$.runs",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "What is asked",
            "States": {
                "What is asked": {
                    "Type": "Choice",
                    "Choices": [
                        {"Variable": "$.reverts", "BooleanEquals": True, "Next": "Roll out"},
                        {"Variable": "$.accounts", "NumericEquals": 0, "Next": "Train"},
                    ],
                    "Default": "Examples",
                },
                **_learn(accounts, poll_seconds),
                **_promote(poll_seconds),
            },
        },
        "MaxConcurrency": 3,
        "ToleratedFailureCount": 0,
        "ResultSelector": {"failed.$": "States.ArrayContains($, 'failed')"},
        "Next": "Did any fail",
    }


def _learn(accounts: int, poll_seconds: int) -> States:
    return {
        "Examples": {
            **caught_by(_examples(accounts), "Examples failed"),
            "Next": "Train",
        },
        "Train": {**caught_by(task("train_job", _RUN), "Train failed"), "Next": "How is the job"},
        "How is the job": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.state", "StringEquals": "done", "Next": "Judge"},
                {"Variable": "$.state", "StringEquals": "nothing", "Next": "Kind done"},
                {"Variable": "$.state", "StringEquals": "failed", "Next": "Job failed"},
            ],
            "Default": "Wait for the job",
        },
        "Wait for the job": {"Type": "Wait", "Seconds": poll_seconds, "Next": "Train"},
        "Judge": {**caught_by(task("model_judge", _RUN), "Judge failed"), "Next": "Is it better"},
        "Is it better": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.state", "StringEquals": "promoting", "Next": "Roll out"}],
            "Default": "Kind done",
        },
        "Kind done": {"Type": "Pass", "Result": "done", "End": True},
        "Examples failed": failure("train_examples", "Note the failure"),
        "Train failed": failure("train_job", "Note the failure"),
        "Judge failed": failure("model_judge", "Note the failure"),
        "Job failed": {
            "Type": "Pass",
            "Result": {"step": "training_job", "code": "TrainingJobFailed"},
            "ResultPath": "$.error",
            "Next": "Note the failure",
        },
    }


def _examples(accounts: int) -> State:
    """One account after another would take as long as all of them together. One whose examples cannot be written is
    left out, of which the function's alarm tells: it must not keep all others from new models."""
    one_account: States = {
        "Write examples": {
            **caught_by(task("train_examples", keeps={"rows.$": "$.Payload.rows"}), "Left out"),
            "End": True,
        },
        "Left out": {"Type": "Pass", "Result": {"rows": 0}, "End": True},
    }
    adds = {**_RUN, "as_of.$": "$.as_of"}
    return map_over_manifest("Accounts", one_account, line=("account_id",), concurrency=accounts, adds=adds)


def _promote(poll_seconds: int) -> States:
    forward, back = {**_RUN, "direction": "forward"}, {**_RUN, "direction": "back"}
    return {
        "Roll out": {**caught_by(task("model_roll", forward), "Roll out failed"), "Next": "Does it serve"},
        "Does it serve": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.state", "StringEquals": "serving", "Next": "Finish"},
                {"Variable": "$.state", "StringEquals": "failed", "Next": "It does not serve"},
            ],
            "Default": "Wait for the endpoint",
        },
        "Wait for the endpoint": {"Type": "Wait", "Seconds": poll_seconds, "Next": "Roll out"},
        "Finish": {**caught_by(task("model_finish", _RUN, keeps={}), "Finish failed"), "Next": "Retire old ones"},
        # The new champion serves: what earlier ones left behind fails no promotion. The function's own alarm tells.
        "Retire old ones": {
            **caught_by(task("model_roll", {**_RUN, "direction": "retire"}, keeps={}), "Kind done"),
            "Next": "Kind done",
        },
        "It does not serve": {
            "Type": "Pass",
            "Result": {"step": "model_roll", "code": "EndpointWentBack"},
            "ResultPath": "$.error",
            "Next": "Roll back",
        },
        "Roll out failed": failure("model_roll", "Roll back"),
        "Finish failed": failure("model_finish", "Roll back"),
        "Roll back": {
            **caught_by(task("model_roll", back, keeps={"state.$": "$.Payload.state"}), "Roll back failed"),
            "ResultPath": "$.back",
            "Next": "Is it back",
        },
        "Is it back": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.back.state", "StringEquals": "back", "Next": "Note the failure"}],
            "Default": "Wait for the way back",
        },
        "Wait for the way back": {"Type": "Wait", "Seconds": poll_seconds, "Next": "Roll back"},
        "Roll back failed": failure("model_roll_back", "Note the failure"),
        "Note the failure": {
            **task("model_finish", {**_RUN, "error.$": "$.error"}, keeps={}),
            "Next": "Kind failed",
        },
        "Kind failed": {"Type": "Pass", "Result": "failed", "End": True},
    }
