"""Endpoints are made and moved on this machine as SageMaker does it, and go back as it does."""

import io
import json
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from local.endpoints import Container, Endpoints
from local.hosting import Hosting
from local.permissions import AccessDenied

SCRIPT = """
import json, pathlib
def model_fn(folder):
    return json.loads((pathlib.Path(folder) / "model.json").read_text())["name"]
def input_fn(body, content_type):
    return body
def predict_fn(data, model):
    return model
def output_fn(prediction, accept):
    return prediction, "text/plain"
"""
ENDPOINT = "winback-local-churn-serverless"
ALARM = "churn-endpoint-errors"


def archive(name: str, script: str = SCRIPT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as target:
        for member, text in (("model.json", json.dumps({"name": name})), ("code/inference.py", script)):
            entry = tarfile.TarInfo(member)
            entry.size = len(text)
            target.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


class World:
    def __init__(self, folder: Path) -> None:
        self.objects = {"churn/models/new/model.tar.gz": archive("new")}
        self.alarm, self.denied = "OK", set[str]()
        first = folder / "first.tar.gz"
        first.write_bytes(archive("first"))
        container = Container(ENDPOINT, first, folder)
        self.endpoints = Endpoints({ENDPOINT: container}, check=self._check)
        self.hosting = Hosting(
            self.endpoints, folder, s3=self, cloudwatch=self, check=self._check, check_role=self._check
        )

    def _check(self, who: str, action: str, resources: Sequence[str]) -> None:
        if action in self.denied:
            raise AccessDenied(f"{who} may not {action} on {resources}")

    def download_file(self, bucket: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.objects[key])

    def describe_alarms(self, *, AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N803
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": self.alarm} for name in AlarmNames]}

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        assert self.hosting.serves(f"SageMaker.{operation}")
        answer = self.hosting.handle(f"SageMaker.{operation}", {"authorization": "me"}, json.dumps(request).encode())
        body: dict[str, Any] = json.loads(answer.body)
        return body

    def make(self, name: str = "next", key: str = "churn/models/new/model.tar.gz") -> None:
        current = self.call("DescribeEndpoint", EndpointName=ENDPOINT)["EndpointConfigName"]
        (variant,) = self.call("DescribeEndpointConfig", EndpointConfigName=current)["ProductionVariants"]
        served = self.call("DescribeModel", ModelName=variant["ModelName"])
        container = {**served["PrimaryContainer"], "ModelDataUrl": f"s3://models/{key}"}
        role = served["ExecutionRoleArn"]
        self.call("CreateModel", ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
        self.call("CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=[{**variant, "ModelName": name}])

    def move(self, config: str = "next") -> dict[str, Any]:
        rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ALARM}]}}
        self.call("UpdateEndpoint", EndpointName=ENDPOINT, EndpointConfigName=config, DeploymentConfig=rollback)
        for _ in range(400):
            seen = self.call("DescribeEndpoint", EndpointName=ENDPOINT)
            if seen["EndpointStatus"] != "Updating":
                return seen
            time.sleep(0.01)
        raise AssertionError("it did not end")

    @property
    def served(self) -> str:
        return self.endpoints.handle("POST", f"/endpoints/{ENDPOINT}/invocations", {}, b"1").body.decode()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_update_serves_the_new_model_and_an_update_back_the_old_one(world: World) -> None:
    world.make()
    assert world.move() == {"EndpointName": ENDPOINT, "EndpointConfigName": "next", "EndpointStatus": "InService"}
    assert world.served == "new"
    assert world.move(f"{ENDPOINT}-first")["EndpointConfigName"] == f"{ENDPOINT}-first"
    assert world.served == "first"


def test_an_alarm_or_a_container_that_does_not_start_takes_the_update_back(world: World) -> None:
    world.make()
    world.alarm = "ALARM"
    seen = world.move()
    assert (seen["EndpointConfigName"], world.served) == (f"{ENDPOINT}-first", "first")
    assert ALARM in seen["FailureReason"]
    world.alarm = "OK"
    world.objects["churn/models/new/model.tar.gz"] = archive("new", "raise RuntimeError('broken')")
    world.make("broken", "churn/models/new/model.tar.gz")
    seen = world.move("broken")
    assert (seen["EndpointConfigName"], world.served) == (f"{ENDPOINT}-first", "first")
    assert "broken" in seen["FailureReason"]


def test_a_role_that_may_not_read_the_model_serves_nothing_of_it(world: World) -> None:
    world.make()
    world.denied = {"s3:GetObject"}
    assert "s3:GetObject" in world.move()["FailureReason"]
    assert world.served == "first"


def test_names_are_used_once_and_unknown_ones_refused(world: World) -> None:
    world.make()
    again = world.call("CreateModel", ModelName="next")
    assert again["__type"] == "ValidationException"
    assert "already existing" in json.dumps(again)
    unknown = world.call("UpdateEndpoint", EndpointName=ENDPOINT, EndpointConfigName="nothing")
    assert unknown["__type"] == "ValidationException"


def test_a_caller_without_permission_is_refused(world: World) -> None:
    world.denied = {"sagemaker:UpdateEndpoint"}
    refused = world.call("UpdateEndpoint", EndpointName=ENDPOINT, EndpointConfigName=f"{ENDPOINT}-first")
    assert refused["__type"] == "AccessDeniedException"


def test_an_endpoint_can_go_down_after_some_calls(world: World) -> None:
    world.endpoints.handle("POST", f"/_control/endpoints/{ENDPOINT}/kill/2", {}, b"")
    answers = [world.endpoints.handle("POST", f"/endpoints/{ENDPOINT}/invocations", {}, b"1").status for _ in range(3)]
    assert answers == [200, 200, 503]
