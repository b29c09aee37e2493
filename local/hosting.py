"""SageMaker's control plane of endpoints on this machine: models, configurations, and endpoints that are moved.

CreateModel, CreateEndpointConfig, UpdateEndpoint and what describes them, over the JSON protocol
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html). An update loads the model's archive
from S3 into a container of its own while the old one answers, shifts the calls to it, and goes back when the container
does not start or an alarm of the request's AutoRollbackConfiguration is in alarm at the end of the baking period.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.answers import Answer, error_answer, json_answer
from local.endpoints import VARIANT, Container, Endpoints
from local.permissions import AccessDenied
from local.place import ACCOUNT, REGION

_ARNS = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role"
Check = Callable[[str, str, Sequence[str]], None]
Named = dict[str, dict[str, Any]]


class NotPossible(Exception):
    """A request that SageMaker refuses as a ValidationException."""


class Hosting:
    """Safe between threads."""

    def __init__(
        self, endpoints: Endpoints, workspace: Path, *, s3: Any, cloudwatch: Any, check: Check, check_role: Check
    ) -> None:
        """Each endpoint that there is has a model and a configuration, as a deployment of the stack makes them.

        `check(authorization, action, resources)` and `check_role(role, action, resources)` raise AccessDenied.
        """
        self._serving, self._workspace, self._s3, self._cloudwatch = endpoints, workspace, s3, cloudwatch
        self._check, self._check_role = check, check_role
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(2)
        self._containers: dict[str, Container] = {}
        self._models: Named = {}
        self._configs: Named = {}
        self._endpoints: Named = {}
        for name in endpoints.names:
            first = f"{name}-first"
            self._models[first] = _first_model(first, name)
            self._configs[first] = {"EndpointConfigName": first, "ProductionVariants": [_variant(first)]}
            self._endpoints[name] = {"EndpointConfigName": first, "EndpointStatus": "InService"}
            self._containers[first] = endpoints.container(name)
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "CreateModel": self._create_model,
            "DescribeModel": lambda asked: self._known(self._models, asked["ModelName"]),
            "CreateEndpointConfig": self._create_config,
            "DescribeEndpointConfig": lambda asked: self._known(self._configs, asked["EndpointConfigName"]),
            "DeleteModel": lambda asked: self._delete(self._models, asked["ModelName"]),
            "DeleteEndpointConfig": lambda asked: self._delete(self._configs, asked["EndpointConfigName"]),
            "UpdateEndpoint": self._update,
            "DescribeEndpoint": self._describe,
        }

    def serves(self, target: str) -> bool:
        return target.rpartition(".")[2] in self._operations

    def handle(self, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """`target` as the header X-Amz-Target has it, `headers` by lower-case name."""
        request, operation = json.loads(body or b"{}"), target.rpartition(".")[2]
        try:
            self._check(headers.get("authorization", ""), f"sagemaker:{operation}", _resources(request))
            with self._lock:
                return json_answer(200, self._operations[operation](request))
        except AccessDenied as denied:
            return error_answer(400, "AccessDeniedException", str(denied))
        except NotPossible as refused:
            return error_answer(400, "ValidationException", str(refused))

    def _create_model(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ModelName"]
        if name in self._models:
            raise NotPossible(f'Cannot create already existing model "{_ARNS}:model/{name}".')
        self._models[name] = request
        return {"ModelArn": f"{_ARNS}:model/{name}"}

    def _create_config(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["EndpointConfigName"]
        if name in self._configs:
            raise NotPossible(
                f'Cannot create already existing endpoint configuration "{_ARNS}:endpoint-config/{name}".'
            )
        for variant in request["ProductionVariants"]:
            self._known(self._models, variant["ModelName"])
        self._configs[name] = request
        return {"EndpointConfigArn": f"{_ARNS}:endpoint-config/{name}"}

    def _update(self, request: dict[str, Any]) -> dict[str, Any]:
        name, config = request["EndpointName"], request["EndpointConfigName"]
        endpoint = self._known(self._endpoints, name)
        self._known(self._configs, config)
        if endpoint["EndpointStatus"] != "InService":
            raise NotPossible(f"Cannot update in-progress endpoint {name}.")
        endpoint["EndpointStatus"] = "Updating"
        self._workers.submit(self._move, name, config, request.get("DeploymentConfig", {}))
        return {"EndpointArn": f"{_ARNS}:endpoint/{name}"}

    def _describe(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["EndpointName"]
        return {"EndpointName": name, **self._known(self._endpoints, name)}

    def _move(self, name: str, config: str, deployment: Mapping[str, Any]) -> None:
        before = self._serving.container(name)
        ended: dict[str, Any] = {"EndpointStatus": "InService", "EndpointConfigName": config}
        try:
            self._serving.replace(name, self._container(config))
            self._watch(deployment)
        except Exception as error:  # noqa: BLE001 whatever goes wrong, the old fleet goes on
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            self._serving.replace(name, before)
            ended = {"EndpointStatus": "InService", "FailureReason": str(error)}
        with self._lock:
            self._endpoints[name].update(ended)

    def _container(self, config: str) -> Container:
        model = self._models[self._configs[config]["ProductionVariants"][0]["ModelName"]]
        name = model["ModelName"]
        if name not in self._containers:
            parts = urlsplit(model["PrimaryContainer"]["ModelDataUrl"])
            bucket, key = parts.netloc, parts.path.lstrip("/")
            self._check_role(model["ExecutionRoleArn"], "s3:GetObject", [f"arn:aws:s3:::{bucket}/{key}"])
            archive = self._workspace / f"{name}.tar.gz"
            self._s3.download_file(bucket, key, str(archive))
            self._containers[name] = Container(name, archive, self._workspace)
        return self._containers[name]

    def _watch(self, deployment: Mapping[str, Any]) -> None:
        policy = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
        time.sleep(policy.get("WaitIntervalInSeconds", 0))
        names = [alarm["AlarmName"] for alarm in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])]
        if names:
            alarms = self._cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
            if raised := [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]:
                raise NotPossible(f"One or more configured alarm(s) tripped: {', '.join(raised)}")

    def _delete(self, things: Named, name: str) -> dict[str, Any]:
        self._known(things, name)
        del things[name]
        return {}

    @staticmethod
    def _known(things: Named, name: str) -> dict[str, Any]:
        if name not in things:
            raise NotPossible(f"Could not find {name!r}.")
        return things[name]


def _resources(request: Mapping[str, Any]) -> list[str]:
    """What the caller must be allowed to touch; an update names the endpoint and the configuration."""
    kinds = {"ModelName": "model", "EndpointConfigName": "endpoint-config", "EndpointName": "endpoint"}
    return [f"{_ARNS}:{kind}/{request[field]}" for field, kind in kinds.items() if field in request]


def _variant(model: str) -> dict[str, Any]:
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 10}
    return {"VariantName": VARIANT, "ModelName": model, "ServerlessConfig": serverless}


def _first_model(name: str, endpoint: str) -> dict[str, Any]:
    """With the role that the deployment made for the endpoint's containers."""
    kind = endpoint.rpartition("-")[0]
    container = {"Image": "local", "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}
    return {
        "ModelName": name,
        "ExecutionRoleArn": f"{_ROLE}/{kind}-endpoint-{REGION}",
        "PrimaryContainer": container,
    }
