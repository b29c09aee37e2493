"""The few kinds of states that our workflows are made of, in Amazon States Language (JSONPath).

`${folder}` stands for the ARN of functions/{folder}, `${lake}` for the lake bucket, `${results}` for the prefix of what
its maps' children answer: the state machine substitutes them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

State = dict[str, Any]
States = dict[str, State]

# Kinds of errors, https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
_SERVICE_ERRORS = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
]
_RETRY = [
    {
        "ErrorEquals": _SERVICE_ERRORS,
        "IntervalSeconds": 2,
        "MaxAttempts": 6,
        "BackoffRate": 2,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    },
    {
        "ErrorEquals": ["States.TaskFailed", "States.Timeout"],
        "IntervalSeconds": 2,
        "MaxAttempts": 3,
        "BackoffRate": 3,
        "JitterStrategy": "FULL",
    },
]

# A job that failed for what it read would fail again: once more is for a worker that was lost, or capacity.
_JOB_RETRY = [
    {
        "ErrorEquals": ["States.TaskFailed", "States.Timeout"],
        "IntervalSeconds": 60,
        "MaxAttempts": 1,
        "JitterStrategy": "FULL",
    }
]


def task(folder: str, payload: Mapping[str, Any] | None = None, *, keeps: Mapping[str, str] | None = None) -> State:
    """Calls a function with `payload`, or with the state's whole input. Its answer becomes the state's output; with
    `keeps` only the fields that it selects, and with an empty `keeps` nothing: the input goes on."""
    given = {"Payload.$": "$"} if payload is None else {"Payload": dict(payload)}
    state: State = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "${" + folder + "}", **given},
        "Retry": _RETRY,
    }
    if keeps is None:
        return {**state, "OutputPath": "$.Payload"}
    if not keeps:
        return {**state, "ResultPath": None}
    return {**state, "ResultSelector": dict(keeps)}


def patiently(state: State) -> State:
    """Of a workflow that runs for weeks: what fails is tried again for some twenty minutes, so that it outlasts an
    outage of a table and nobody has to redrive it."""
    longer = {**_RETRY[-1], "MaxAttempts": 9, "MaxDelaySeconds": 300}
    return {**state, "Retry": [*_RETRY[:-1], longer]}


def chunk_task(folder: str) -> State:
    """The only state of a distributed map's child. Its output stays tiny, for the map collects those of all."""
    return {**task(folder, keeps={"chunk.$": "$.Payload.chunk"}), "End": True}


def spark_job(minutes: int) -> State:
    """Runs the job on EMR Serverless for the request at the URI `$.request`, and waits for it. The state's output is
    its input (https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr-serverless.html)."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::emr-serverless:startJobRun.sync",
        "Parameters": {
            "ApplicationId": "${spark_application}",
            "ExecutionRoleArn": "${spark_role}",
            "Name.$": "$.snapshot_id",
            "ExecutionTimeoutMinutes": minutes,
            "JobDriver": {
                "SparkSubmit": {
                    "EntryPoint": "${spark_entry}",
                    "EntryPointArguments.$": "States.Array($.request)",
                    "SparkSubmitParameters": "${spark_parameters}",
                }
            },
        },
        "Retry": _JOB_RETRY,
        "ResultPath": None,
    }


def successor(name: str, given: Mapping[str, Any], next_state: str) -> State:
    """Starts another execution of the same state machine, named as the path `name` says. That it runs already, or ran,
    is as good (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html)."""
    there = "StepFunctions.ExecutionAlreadyExistsException"
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn.$": "$$.StateMachine.Id", "Name.$": name, "Input": dict(given)},
        "Retry": [{"ErrorEquals": [there], "MaxAttempts": 0, "JitterStrategy": "FULL"}, *_RETRY],
        "Catch": [{"ErrorEquals": [there], "ResultPath": None, "Next": next_state}],
        "ResultPath": None,
        "Next": next_state,
    }


def map_over_manifest(
    label: str,
    states: States,
    *,
    line: Iterable[str],
    concurrency: int,
    adds: Mapping[str, Any] | None = None,
    tolerates: Mapping[str, int] | None = None,
) -> State:
    """A distributed map over the JSON Lines manifest at `$.manifest` of the lake. Each child gets the fields `line` of
    one line of it, and what `adds` selects. The state's output is its input.

    What the children answer goes into the lake: collected in the state it would have to fit into 256 KiB, also where
    the result is dropped afterwards (docs/decisions/2026-11-22-sizes-of-workflows.md).
    """
    return {
        "Type": "Map",
        "Label": label,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSONL"},
            "Parameters": {"Bucket": "${lake}", "Key.$": "$.manifest"},
        },
        "ItemSelector": {**{f"{field}.$": f"$$.Map.Item.Value.{field}" for field in line}, **(adds or {})},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": next(iter(states)),
            "States": states,
        },
        "MaxConcurrency": concurrency,
        **(tolerates or {"ToleratedFailureCount": 0}),
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "${lake}", "Prefix": "${results}"},
        },
        "ResultPath": None,
    }


def each_account(states: States, *, line: Iterable[str], concurrency: int, asks: str, failed: State) -> States:
    """One child execution an account of the list at `$.manifest` with its `$.accounts` lines, so that a failing account
    leaves the others alone. Afterwards the function `asks` says how many of the list failed: answers that the map
    collects would grow with the accounts."""
    # A child that could not even note its account's failure must not stop the others; the question finds it too.
    over_accounts = map_over_manifest(
        "Accounts", states, line=line, concurrency=concurrency, tolerates={"ToleratedFailurePercentage": 100}
    )
    return {
        "Any account": when_number("$.accounts", zero="Done", otherwise="Each account"),
        "Each account": {**over_accounts, "Next": "How many failed"},
        "How many failed": {**task(asks, {"ended.$": "$.manifest"}), "Next": "Did any fail"},
        "Did any fail": when_number("$.failed", zero="Done", otherwise="Some failed"),
        "Some failed": {"Type": "Fail", **failed},
        "Done": {"Type": "Succeed"},
    }


def failure(folder: str, next_state: str) -> State:
    """Notes which function failed and how: the error's name, not its text, which could be personal."""
    return {
        "Type": "Pass",
        "Parameters": {"step": folder, "code.$": "$.caught.Error"},
        "ResultPath": "$.error",
        "Next": next_state,
    }


def caught_by(state: State, next_state: str) -> State:
    return {**state, "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.caught", "Next": next_state}]}


def when_number(variable: str, *, zero: str, otherwise: str) -> State:
    return {
        "Type": "Choice",
        "Choices": [{"Variable": variable, "NumericEquals": 0, "Next": zero}],
        "Default": otherwise,
    }
