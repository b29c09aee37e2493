"""Runs a workflow's definition in moto's Step Functions interpreter, its functions replaced by plain callables."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend

Payload = dict[str, Any]
Function = Callable[[Payload], Any]


class FunctionFailed(Exception):
    """Raised by a function of a test: what Lambda reports as an unhandled error."""

    name = "FunctionFailed"


class ExecutionAlreadyExists(FunctionFailed):
    name = "StepFunctions.ExecutionAlreadyExistsException"


@dataclass
class Outcome:
    status: str
    error: str | None
    output: Any
    calls: list[tuple[str, Payload]]

    def payloads(self, folder: str) -> list[Payload]:
        return [payload for called, payload in self.calls if called == folder]

    def order(self) -> list[str]:
        """Folders in the order of their calls, a run of the same one counted once."""
        folders = [folder for folder, _ in self.calls]
        return [folder for place, folder in enumerate(folders) if place == 0 or folders[place - 1] != folder]


@dataclass
class Workflows:
    functions: Mapping[str, Function] = field(default_factory=dict)
    calls: list[tuple[str, Payload]] = field(default_factory=list)

    def run(
        self,
        definition: Mapping[str, Any],
        functions: Mapping[str, Function],
        manifest: list[Payload],
        given: Payload,
        *,
        accounts: list[Payload] | None = None,
        attempts: int = 0,
    ) -> Outcome:
        """`manifest` lies at the key `manifest.jsonl`, `accounts` at `accounts.jsonl`; `attempts` replaces the retries
        of each task, a second apart."""
        self.functions, self.calls = functions, []
        for key, lines in (("manifest.jsonl", manifest), ("accounts.jsonl", accounts or [])):
            boto3.client("s3").put_object(Bucket="lake", Key=key, Body=json.dumps(lines))
        states = boto3.client("stepfunctions")
        machine = states.create_state_machine(
            name="workflow", definition=_for_moto(definition, functions, attempts), roleArn=_role()
        )["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
        for _ in range(600):
            told = states.describe_execution(executionArn=execution)
            if told["status"] != "RUNNING":
                output = json.loads(told["output"]) if "output" in told else None
                return Outcome(told["status"], told.get("error"), output, self.calls)
            time.sleep(0.05)
        raise AssertionError("the execution did not end")

    def invoke(self, name: str, body: bytes | str, response_headers: dict[str, str]) -> bytes:
        folder = name.rsplit(":", 1)[-1]
        payload = json.loads(body)
        self.calls.append((folder, payload))
        try:
            return json.dumps(self.functions[folder](payload)).encode()
        except FunctionFailed as error:
            response_headers["x-amz-function-error"] = "Unhandled"
            return json.dumps({"errorType": error.name, "errorMessage": str(error)}).encode()


def _for_moto(definition: Mapping[str, Any], functions: Mapping[str, Function], attempts: int) -> str:
    """moto reads manifests that are a JSON array, and no JSON Lines; its percentages have a decimal point; it starts no
    executions from a state, so that the function `start_execution` does."""
    text = json.dumps(_with_starts(definition)).replace("JSONL", "JSON")
    text = text.replace("${lake}", "lake").replace("${results}", "results")
    text = text.replace('"ToleratedFailurePercentage": 100', '"ToleratedFailurePercentage": 100.0')
    for folder in functions:
        text = text.replace("${" + folder + "}", _function(folder))
    return json.dumps(_with_retries(json.loads(text), attempts))


def _with_retries(value: Any, attempts: int) -> Any:
    if isinstance(value, list):
        return [_with_retries(item, attempts) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("MaxAttempts") == 0:
        return value
    if "MaxAttempts" in value:
        return {"ErrorEquals": value["ErrorEquals"], "IntervalSeconds": 1, "MaxAttempts": attempts}
    return {name: _with_retries(item, attempts) for name, item in value.items()}


def _with_starts(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_starts(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("Resource") == "arn:aws:states:::states:startExecution":
        call = {"FunctionName": "${start_execution}", "Payload": value["Parameters"]}
        return {**value, "Resource": "arn:aws:states:::lambda:invoke", "Parameters": call}
    return {name: _with_starts(item) for name, item in value.items()}


def _function(folder: str) -> str:
    made = boto3.client("lambda").create_function(
        FunctionName=folder, Role=_role(), Runtime="python3.11", Handler="handler.handler", Code={"ZipFile": b"none"}
    )
    return str(made["FunctionArn"])


def _role() -> str:
    iam = boto3.client("iam")
    try:
        return str(iam.get_role(RoleName="workflow")["Role"]["Arn"])
    except iam.exceptions.NoSuchEntityException:
        return str(iam.create_role(RoleName="workflow", AssumeRolePolicyDocument="{}")["Role"]["Arn"])


@pytest.fixture
def workflows(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workflows]:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    runner = Workflows()

    def invoke(backend: Any, *call: Any) -> bytes:
        function_name, _, body, _, response_headers = call
        return runner.invoke(function_name, body, response_headers)

    monkeypatch.setattr(LambdaSimpleBackend, "invoke", invoke)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}):
        boto3.client("s3").create_bucket(Bucket="lake")
        yield runner
