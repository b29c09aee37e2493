"""The functions of the training workflow on moto, with a SageMaker that can be told to fail."""

import importlib
import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.invocation import Invocation
from local.tables import new_table
from winback.aws.lake import Lake
from winback.aws.model_runs import Run, RunStore
from winback.aws.models import Archive, ModelBucket, champion_key, kept_key
from winback.predictions.kinds import Kind

CONTEXT = Invocation(memory_limit_in_mb=1024)
ENDPOINT = "winback-test-churn-serverless"
ALARM = "winback-test-churn-endpoint-errors"
FUNCTIONS = ("train_plan", "train_job", "model_judge", "model_revert", "model_roll", "model_finish")
BETTER = {"value": 0.52, "difference": -0.02, "low": -0.03, "high": -0.01, "better": True}
WORSE = {"value": 0.48, "difference": 0.02, "low": 0.01, "high": 0.03, "better": False}


def archive(model_id: str, against: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """A model archive; with `against` it was judged."""
    members: dict[str, Any] = {"model.json": {"model_id": model_id}}
    if against is not None:
        members["evaluation.json"] = {
            "kind": "churn",
            "schema_version": 1,
            "model_id": model_id,
            "trained_on": {"rows": 5000},
            "test": {"rows": 1000},
            "metric": "log_loss",
            "value": 0.5,
            "against": against,
            "checks": {"calibration_slope": 1.0},
            "serves": "model",
            **changes,
        }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as target:
        for name, content in members.items():
            body = json.dumps(content).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            target.addfile(entry, io.BytesIO(body))
    return packed.getvalue()


class Killed(RuntimeError):
    """The function died here."""


class SageMaker:
    """Jobs, models, configurations and one endpoint. An update takes one question until it is done."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.status = "InProgress"
        self.models: dict[str, Any] = {
            "first": {
                "ModelName": "first",
                "ExecutionRoleArn": "arn:aws:iam::1:role/winback-test-churn-endpoint-us-east-1",
                "PrimaryContainer": {
                    "Image": "image",
                    "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
                    "ModelDataUrl": "s3://models/churn/champion/model.tar.gz",
                },
            }
        }
        variant = {"VariantName": "AllTraffic", "ModelName": "first", "ServerlessConfig": {"MemorySizeInMB": 2048}}
        self.configs: dict[str, Any] = {"first": {"EndpointConfigName": "first", "ProductionVariants": [variant]}}
        self.endpoint = {"EndpointConfigName": "first", "EndpointStatus": "InService"}
        self.loaded: str | None = None
        """What the containers loaded when the endpoint was last moved; None: what lies there now."""
        self.pending: str | None = None
        self.updates: list[dict[str, Any]] = []
        self.goes_back = False
        """Whether SageMaker goes back to the old configuration by itself, as after an alarm."""
        self.answers_as: str | None = None
        self.dies_at: str | None = None
        """The call after whose effect the function is killed, once."""
        self.refuses: str | None = None

    def _did(self, call: str) -> None:
        if self.dies_at == call:
            self.dies_at = None
            raise Killed(call)

    def create_training_job(self, **request: Any) -> None:
        self.jobs[request["TrainingJobName"]] = request
        self._did("create_training_job")

    def describe_training_job(self, *, TrainingJobName: str) -> dict[str, str]:  # noqa: N803
        if TrainingJobName not in self.jobs:
            raise _refusal("Requested resource not found.")
        return {"TrainingJobStatus": self.status}

    def create_model(self, **request: Any) -> None:
        if self.refuses == "create_model":
            raise _refusal("The role cannot be assumed.")
        if request["ModelName"] in self.models:
            raise _refusal("Cannot create already existing model.")
        self.models[request["ModelName"]] = request
        self._did("create_model")

    def describe_model(self, *, ModelName: str) -> Any:  # noqa: N803
        return self.models[ModelName]

    def create_endpoint_config(self, **request: Any) -> None:
        if request["EndpointConfigName"] in self.configs:
            raise _refusal("Cannot create already existing endpoint configuration.")
        self.configs[request["EndpointConfigName"]] = request
        self._did("create_endpoint_config")

    def describe_endpoint_config(self, *, EndpointConfigName: str) -> Any:  # noqa: N803
        return self.configs[EndpointConfigName]

    def delete_model(self, *, ModelName: str) -> None:  # noqa: N803
        self._delete(self.models, ModelName)

    def delete_endpoint_config(self, *, EndpointConfigName: str) -> None:  # noqa: N803
        assert EndpointConfigName != self.endpoint["EndpointConfigName"], "it is in use"
        self._delete(self.configs, EndpointConfigName)

    def _delete(self, things: dict[str, Any], name: str) -> None:
        if name not in things:
            raise _refusal(f"Could not find {name}.")
        del things[name]

    def update_endpoint(self, **request: Any) -> None:
        assert self.endpoint["EndpointStatus"] == "InService"
        assert request["EndpointName"] == ENDPOINT
        self.updates.append(request)
        self.pending = request["EndpointConfigName"]
        self.endpoint["EndpointStatus"] = "Updating"
        self._did("update_endpoint")

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:  # noqa: N803
        seen = dict(self.endpoint)
        if self.pending is not None:
            if not self.goes_back or self.pending == "first":
                self.endpoint["EndpointConfigName"] = self.pending
                self.loaded = self._lies_there()
            self.endpoint["EndpointStatus"], self.pending = "InService", None
        return seen

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        assert request["EndpointName"] == ENDPOINT
        return {"Body": io.BytesIO(json.dumps({"model_id": self.answers_as or self.served}).encode())}

    @property
    def served(self) -> str:
        """The id of the model that the endpoint's containers loaded: a key that is written later is not seen."""
        return self.loaded or self._lies_there()

    def _lies_there(self) -> str:
        model = self.models[self.configs[self.endpoint["EndpointConfigName"]]["ProductionVariants"][0]["ModelName"]]
        bucket, key = model["PrimaryContainer"]["ModelDataUrl"].removeprefix("s3://").split("/", 1)
        return Archive(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()).model_id


def _refusal(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "Call")


class World:
    def __init__(self, campaigns: Any, sagemaker: SageMaker) -> None:
        self.sagemaker, self.campaigns = sagemaker, campaigns
        self.lake, self.s3 = Lake("lake"), boto3.client("s3")
        self.bucket = ModelBucket("models", self.s3)
        self.store = RunStore(campaigns)
        self.s3.put_object(Bucket="models", Key=champion_key(Kind.CHURN), Body=archive("churn-first"))

    def call(self, folder: str, event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = importlib.import_module(f"functions.{folder}.handler").handler(event, CONTEXT)
        return answer

    @property
    def champion(self) -> str:
        found = self.bucket.champion(Kind.CHURN)
        assert found is not None
        return found.model_id

    def run(self, run_id: str) -> Run:
        return self.store.get(Kind.CHURN, run_id)

    def plan(self, execution: str = "weekly", **request: Any) -> str:
        wanted = {"kind": "churn", "as_of": "2026-11-22T01:00:00Z", **request}
        (run,) = self.call("train_plan", {"request": wanted, "execution": execution})["runs"]
        return str(run["run_id"])

    def examples(self, run_id: str, train: int = 5000, test: int = 1000) -> None:
        prefix = f"training/churn/{run_id}/"
        for channel in ("train", "test"):
            self.lake.write_bytes(f"{prefix}{channel}/shop.csv", b"silence_days,churned\n1,0\n")
        self.lake.write_json(f"{prefix}counts/shop.json", {"train": train, "test": test})

    def train(self, run_id: str, content: bytes) -> str:
        """Starts the job, which leaves `content`, and judges it; returns the state."""
        event = {"kind": "churn", "run_id": run_id}
        self.sagemaker.status = "InProgress"
        assert self.call("train_job", event)["state"] == "running"
        (name,) = [name for name in self.sagemaker.jobs if name.startswith("winback-test-train-churn-")][-1:]
        self.s3.put_object(Bucket="lake", Key=f"training/churn/{run_id}/jobs/{name}/output/model.tar.gz", Body=content)
        self.sagemaker.status = "Completed"
        assert self.call("train_job", event)["state"] == "done"
        return str(self.call("model_judge", event)["state"])

    def judged(self, model_id: str, against: dict[str, Any], execution: str = "weekly") -> str:
        """A whole run as far as its judgement; returns its id."""
        run_id = self.plan(execution)
        self.examples(run_id)
        self.train(run_id, archive(model_id, {"champion": against}))
        return run_id

    def retire(self, run_id: str) -> None:
        answer = self.call("model_roll", {"kind": "churn", "run_id": run_id, "direction": "retire"})
        assert answer["state"] == "retired"

    def roll(self, run_id: str, direction: str = "forward") -> str:
        """As the workflow does: asks until the endpoint is where it should be."""
        for _ in range(10):
            state = str(self.call("model_roll", {"kind": "churn", "run_id": run_id, "direction": direction})["state"])
            if state != "updating":
                return state
        raise AssertionError("it never ends")

    def promote(self, run_id: str) -> Run:
        assert self.roll(run_id) == "serving"
        self.call("model_finish", {"kind": "churn", "run_id": run_id})
        return self.run(run_id)

    def give_up(self, run_id: str, step: str) -> Run:
        assert self.roll(run_id, "back") == "back"
        error = {"step": step, "code": "States.TaskFailed"}
        self.call("model_finish", {"kind": "churn", "run_id": run_id, "error": error})
        return self.run(run_id)

    def revert(self, execution: str = "by-hand", **request: Any) -> str:
        wanted = {"revert": True, "kind": "churn", **request}
        (run,) = self.call("model_revert", {"request": wanted, "execution": execution})["runs"]
        assert run["reverts"]
        return str(run["run_id"])

    def is_kept(self, model_id: str) -> bool:
        return bool(self.s3.list_objects_v2(Bucket="models", Prefix=kept_key(Kind.CHURN, model_id)).get("KeyCount", 0))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with mock_aws():
        environment = {
            "AWS_DEFAULT_REGION": "us-east-1",
            "WINBACK_STAGE": "test",
            "CAMPAIGNS_TABLE": "campaigns",
            "LAKE_BUCKET": "lake",
            "MODELS_BUCKET": "models",
            "TRAINING_ROLE_ARN": "arn:aws:iam::1:role/job",
            "TRAINING_IMAGE": "image",
            "CUSTOMER_KEY_ARN": "arn:aws:kms:us-east-1:1:key/k",
            "CHURN_CODE": "s3://code/churn",
            "OFFER_CODE": "s3://code/offer",
            "SEND_TIME_CODE": "s3://code/send-time",
            "CHURN_ENDPOINT": ENDPOINT,
            "OFFER_ENDPOINT": "winback-test-offer-serverless",
            "SEND_TIME_ENDPOINT": "winback-test-send-time-serverless",
            "BAKE_SECONDS": "600",
            "POWERTOOLS_METRICS_NAMESPACE": "Winback",
            "POWERTOOLS_SERVICE_NAME": "training",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        for bucket in ("lake", "models"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        campaigns = new_table("campaigns")
        for folder in FUNCTIONS:
            importlib.import_module(f"functions.{folder}.handler").settings.cache_clear()
        sagemaker, real = SageMaker(), boto3.client
        monkeypatch.setattr(
            boto3,
            "client",
            lambda name, **more: sagemaker if name.startswith("sagemaker") else real(name, **more),
        )
        yield World(campaigns, sagemaker)
