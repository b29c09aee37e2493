"""Training jobs on this machine: the contract of SageMaker's control plane around a real script."""

import io
import json
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from local.permissions import AccessDenied
from local.trainings import Trainings

SCRIPT = """
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
options = parser.parse_args()
rows = (pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]) / "customers.csv").read_text()
if "bad" in rows:
    raise SystemExit("a bad row")
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "result.txt").write_text(f"{options.seed} {rows}")
"""
JOB = "winback-local-archetypes-arc-1"
REQUEST: dict[str, Any] = {
    "TrainingJobName": JOB,
    "RoleArn": "arn:aws:iam::000000000000:role/job",
    "HyperParameters": {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": '"s3://a/b"', "seed": "7"},
    "InputDataConfig": [
        {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://lake/archetypes/arc-1/train/"}}}
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://lake/archetypes/arc-1/jobs/"},
}


class Bucket:
    """As much of an S3 client as a job needs."""

    def __init__(self, rows: str) -> None:
        self.objects = {"archetypes/arc-1/train/customers.csv": rows.encode()}

    def get_paginator(self, operation: str) -> "Bucket":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        return [{"Contents": [{"Key": key} for key in self.objects if key.startswith(Prefix)]}]

    def download_file(self, bucket: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.objects[key])

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.objects[Key] = Body


class World:
    def __init__(self, folder: Path, rows: str = "rows") -> None:
        code = folder / "code"
        code.mkdir()
        (code / "train.py").write_text(SCRIPT)
        self.bucket = Bucket(rows)
        self.denied: set[str] = set()
        self.trainings = Trainings(
            {"winback-local-archetypes": code},
            folder / "work",
            s3=self.bucket,
            check=self._check,
            check_role=self._check,
        )

    def _check(self, who: str, action: str, resources: Sequence[str]) -> None:
        if action in self.denied:
            raise AccessDenied(f"{who} may not {action} on {resources}")

    def call(self, operation: str, **request: Any) -> tuple[int, dict[str, Any]]:
        answer = self.trainings.handle(f"SageMaker.{operation}", {"authorization": "me"}, json.dumps(request).encode())
        return answer.status, json.loads(answer.body)

    def ended(self, name: str = JOB) -> dict[str, Any]:
        for _ in range(400):
            job = self.call("DescribeTrainingJob", TrainingJobName=name)[1]
            if job["TrainingJobStatus"] != "InProgress":
                return job
            time.sleep(0.05)
        raise AssertionError("the job did not end")


def test_a_job_runs_the_script_and_leaves_its_archive(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.call("CreateTrainingJob", **REQUEST)[0] == 200
    job = world.ended()
    assert job["TrainingJobStatus"] == "Completed", job
    key = f"archetypes/arc-1/jobs/{JOB}/output/model.tar.gz"
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": f"s3://lake/{key}"}
    with tarfile.open(fileobj=io.BytesIO(world.bucket.objects[key])) as archive:
        result = archive.extractfile("result.txt")
        assert result is not None
        assert result.read() == b"7 rows"


def test_a_failing_script_fails_its_job_with_its_last_words(tmp_path: Path) -> None:
    world = World(tmp_path, rows="bad")
    world.call("CreateTrainingJob", **REQUEST)
    job = world.ended()
    assert job["TrainingJobStatus"] == "Failed"
    assert "a bad row" in job["FailureReason"]


def test_a_name_is_used_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.call("CreateTrainingJob", **REQUEST)
    assert world.call("CreateTrainingJob", **REQUEST)[1]["__type"] == "ResourceInUse"
    world.ended()


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject"])
def test_a_job_whose_role_may_not_touch_the_lake_fails(tmp_path: Path, action: str) -> None:
    world = World(tmp_path)
    world.denied = {action}
    world.call("CreateTrainingJob", **REQUEST)
    assert action in world.ended()["FailureReason"]


def test_a_caller_without_permission_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.denied = {"sagemaker:CreateTrainingJob"}
    assert world.call("CreateTrainingJob", **REQUEST)[1]["__type"] == "AccessDeniedException"


def test_a_job_that_nobody_created_is_unknown(tmp_path: Path) -> None:
    status, answer = World(tmp_path).call("DescribeTrainingJob", TrainingJobName=JOB)
    assert (status, answer["__type"]) == (400, "ValidationException")


def test_a_job_of_nobodys_deployment_runs_what_its_submit_directory_holds(tmp_path: Path) -> None:
    world = World(tmp_path)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(tmp_path / "code" / "train.py", "train.py")
    world.bucket.objects["code/sourcedir.tar.gz"] = packed.getvalue()
    by_hand = {"sagemaker_submit_directory": '"s3://lake/code/sourcedir.tar.gz"'}
    output = {"S3OutputPath": "s3://lake/jobs"}  # SageMaker takes it with a slash at its end or without
    changed = {"HyperParameters": {**REQUEST["HyperParameters"], **by_hand}, "OutputDataConfig": output}
    world.call("CreateTrainingJob", **{**REQUEST, **changed, "TrainingJobName": "by-hand"})
    job = world.ended("by-hand")
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": "s3://lake/jobs/by-hand/output/model.tar.gz"}, job
    assert job["SecondaryStatus"] == "Completed"
    assert job["TrainingJobArn"].endswith(":training-job/by-hand")
