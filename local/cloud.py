"""A handle to a running local cloud, for the demo and tests: clients, API, clock, workflows, queues, kills."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from local.emulator import PROCESS, workers
from local.mail.client import MailClient
from local.place import ACCESS_KEY, ACCOUNT, REGION, STAGE, Place, State, place_of, read_state
from local.processes import kill
from winback.aws.clock import TableClock
from winback.instants import format_instant

CHURN_ENDPOINT = f"winback-{STAGE}-churn-serverless"
SENDER_DOMAIN = "mail.example.com"
_POLL_SECONDS = 0.25


class FunctionFailed(RuntimeError):
    """A function raised; the text is its error message, which for a denied call names the permission."""


class WorkflowFailed(RuntimeError):
    """A workflow ended badly; the text names the state that failed and its error."""


class TimedOut(RuntimeError):
    """What was waited for did not come."""


def name_of(thing: str) -> str:
    """`sends` -> `winback-local-sends`; underscores become dashes. Names in full stay."""
    prefix = f"winback-{STAGE}-"
    return thing if thing.startswith(prefix) else prefix + thing.replace("_", "-")


def endpoint_name(kind: str) -> str:
    return name_of(f"{kind}-serverless")


def new_secret() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Cloud:
    """One running local cloud."""

    state: State

    @cached_property
    def session(self) -> boto3.session.Session:
        return boto3.session.Session(
            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=self.state.secret_key, region_name=REGION
        )

    def client(self, service: str) -> Any:
        """A boto3 client as the account's root."""
        config = Config(read_timeout=300, retries={"total_max_attempts": 2})
        return self.session.client(service, endpoint_url=self.state.endpoint_url, config=config)  # type: ignore[call-overload]

    def table(self, name: str) -> Any:
        """`campaigns` -> the table resource."""
        resource = self.session.resource("dynamodb", endpoint_url=self.state.endpoint_url)
        return resource.Table(name_of(name))

    @property
    def lake_bucket(self) -> str:
        return f"{name_of('lake')}-{ACCOUNT}-{REGION}"

    @property
    def models_bucket(self) -> str:
        return f"{name_of('models')}-{ACCOUNT}-{REGION}"

    def seed_champions(self, archives: Mapping[str, Path]) -> None:
        """What the deployment's custom resource does in AWS: each kind's first model, unless there is a champion."""
        s3 = self.client("s3")
        for kind, archive in archives.items():
            place = {"Bucket": self.models_bucket, "Key": f"{kind}/champion/model.tar.gz"}
            if s3.list_objects_v2(Bucket=place["Bucket"], Prefix=place["Key"]).get("KeyCount", 0) == 0:
                s3.put_object(**place, Body=archive.read_bytes())

    @cached_property
    def api(self) -> httpx.Client:
        """The REST API with the account's key: `cloud.api.post("/v1/orders:batch", json=...)`."""
        return self.api_client(self.state.api_key)

    def api_client(self, key: str) -> httpx.Client:
        return httpx.Client(base_url=self.state.api_url, headers={"x-api-key": key}, timeout=60)

    @cached_property
    def mail(self) -> MailClient:
        """The SES recorder and its simulated recipients."""
        return MailClient(self.state.mail_url)

    @cached_property
    def clock(self) -> TableClock:
        return TableClock(self.table("campaigns"))

    def set_clock(self, now: datetime) -> None:
        """Moves every function's clock and the recorder's. Recipients react when `mail.advance` is called."""
        self.clock.set(now)
        self.mail.set_clock(now)

    @cached_property
    def _lambda(self) -> Any:
        return self.client("lambda")

    def invoke(self, function: str, payload: Any) -> Any:
        """Calls a function by its folder's name and returns its result. Raises FunctionFailed."""
        answer = self._lambda.invoke(FunctionName=name_of(function), Payload=json.dumps(payload).encode())
        result = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise FunctionFailed(f"{name_of(function)}: {result.get('errorMessage', result)}")
        return result

    def logs(self, function: str) -> list[str]:
        """What a function has logged, oldest first within each stream."""
        logs, group = self.client("logs"), f"/aws/lambda/{name_of(function)}"
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        return [
            event["message"].rstrip()
            for stream in streams
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]

    def tick_feeder(self, now: datetime) -> Any:
        """What the EventBridge rule does each minute, with `now` as the event's time."""
        event = {"source": "aws.events", "detail-type": "Scheduled Event", "time": format_instant(now), "detail": {}}
        return self.invoke("feeder", event)

    def run_workflow(self, workflow: str, payload: Mapping[str, Any], *, seconds: float = 600) -> Any:
        """Starts a workflow, waits for its end and returns its output. Raises WorkflowFailed, TimedOut."""
        steps = self.client("stepfunctions")
        machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name_of(workflow)}"
        execution = steps.start_execution(stateMachineArn=machine, input=json.dumps(payload))["executionArn"]
        return self.wait_workflow(execution, seconds=seconds)

    def wait_workflow(self, execution: str, *, seconds: float = 600) -> Any:
        """Waits for a started execution and returns its output. Raises WorkflowFailed, TimedOut."""
        steps = self.client("stepfunctions")
        for _ in _until(seconds, f"execution {execution.rsplit(':', 1)[-1]} to end"):
            seen = steps.describe_execution(executionArn=execution)
            if seen["status"] == "SUCCEEDED":
                return json.loads(seen.get("output") or "null")
            if seen["status"] != "RUNNING":
                raise WorkflowFailed(_failure(seen, steps.get_execution_history(executionArn=execution)["events"]))
        raise AssertionError("unreachable")

    def queue_url(self, queue: str) -> str:
        url: str = self._sqs.get_queue_url(QueueName=name_of(queue))["QueueUrl"]
        return url

    @cached_property
    def _sqs(self) -> Any:
        return self.client("sqs")

    def queue_depth(self, queue: str) -> int:
        """Messages waiting, in flight and delayed."""
        names = ["", "NotVisible", "Delayed"]
        wanted = [f"ApproximateNumberOfMessages{name}" for name in names]
        answer = self._sqs.get_queue_attributes(QueueUrl=self.queue_url(queue), AttributeNames=wanted)
        return sum(int(answer["Attributes"].get(name, 0)) for name in wanted)

    def wait_drained(self, *queues: str, seconds: float = 300) -> None:
        """Waits until the queues are empty, in flight included. Raises TimedOut, naming what is left."""
        deadline = time.monotonic() + seconds
        while depths := {queue: depth for queue in queues if (depth := self.queue_depth(queue))}:
            if time.monotonic() > deadline:
                raise TimedOut(f"queues not empty after {seconds:.0f} s: {depths}")
            time.sleep(_POLL_SECONDS)

    def kill_function_workers(self, function: str) -> int:
        """SIGKILL to every worker process of a function, as a lost machine would; returns how many it hit."""
        emulator = self.state.process(PROCESS)
        return sum(kill(worker) for worker in workers(emulator, name_of(function)))

    @contextmanager
    def endpoint_down(self, endpoint: str = CHURN_ENDPOINT, *, after_calls: int = 0) -> Iterator[None]:
        """Within the block the model endpoint answers 503, at once or when it has answered some calls more."""
        self._endpoint(endpoint, f"kill/{after_calls}" if after_calls else "kill")
        try:
            yield
        finally:
            self._endpoint(endpoint, "restore")

    def endpoint_invocations(self, endpoint: str = CHURN_ENDPOINT) -> int:
        counts: dict[str, int] = httpx.get(f"{self.state.models_url}/_control/counts").json()["invocations"]
        return counts[endpoint]

    def _endpoint(self, endpoint: str, verb: str) -> None:
        httpx.post(f"{self.state.models_url}/_control/endpoints/{endpoint}/{verb}").raise_for_status()


def connect(place: Place | None = None) -> Cloud:
    """The local cloud that runs in a folder (`build/local` or WINBACK_LOCAL_DIR). Raises NotRunning."""
    return Cloud(read_state(place or place_of()))


def create_account(state: State, account_id: str, **overrides: Any) -> State:
    """Creates an account through the deployed function; returns the state with the API's URL and the fresh key."""
    cloud = Cloud(state)
    api_url = find_api_url(cloud)
    created = cloud.invoke("admin_accounts", {**account_request(account_id, api_url), **overrides})
    return replace(state, api_url=api_url, account_id=account_id, api_key=created["api_key"])


def account_request(account_id: str, api_url: str) -> dict[str, Any]:
    """A complete request to `admin_accounts`."""
    return {
        "account_id": account_id,
        "name": account_id.replace("-", " ").title(),
        "currency": "USD",
        "time_zone": "America/New_York",
        "sender": {
            "name": account_id.replace("-", " ").title(),
            "email": f"hello@{SENDER_DOMAIN}",
            "postal_address": "1 Example Street, Springfield, IL 62701",
        },
        "public_url": api_url,
    }


def find_api_url(cloud: Cloud) -> str:
    """The REST API's URL on this machine: names under execute-api do not resolve here."""
    gateway = cloud.client("apigateway")
    apis = gateway.get_rest_apis(limit=100)["items"]
    ours = [api for api in apis if api["name"].startswith(f"winback-{STAGE}")]
    if len(ours) != 1:
        raise LookupError(f"expected one REST API named winback-{STAGE}…, found {[api['name'] for api in apis]}")
    [stage] = gateway.get_stages(restApiId=ours[0]["id"])["item"]
    return f"{cloud.state.endpoint_url}/_aws/execute-api/{ours[0]['id']}/{stage['stageName']}"


def _until(seconds: float, what: str) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(_POLL_SECONDS)
    raise TimedOut(f"waited {seconds:.0f} s for {what}")


def _failure(execution: Mapping[str, Any], events: list[dict[str, Any]]) -> str:
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    state = entered[-1] if entered else "(start)"
    workflow = execution["stateMachineArn"].rsplit(":", 1)[-1]
    cause = execution.get("cause", "")
    return f"{workflow} {execution['status']} in state {state}: {execution.get('error', '')} {cause}"
