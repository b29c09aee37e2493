"""SageMaker's training jobs on this machine: runs the very scripts of `ml/` as the scikit-learn container does.

CreateTrainingJob and DescribeTrainingJob over the JSON protocol
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html). The script gets its channel in
`SM_CHANNEL_TRAIN`, its result's folder in `SM_MODEL_DIR`, and the hyperparameters as arguments; what it leaves there
becomes `model.tar.gz` under the job's output path. The job's role is asked for what the container would do with it.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.answers import Answer, error_answer, json_answer
from local.permissions import AccessDenied
from local.place import ACCOUNT, REGION
from ml import SHARED_CODE

_JOBS = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job"
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_OWN = "sagemaker_"
_SECONDS = 1800
_WORDS = 400  # of a script's last output in the failure reason

CheckCaller = Callable[[str, str, Sequence[str]], None]
CheckRole = Callable[[str, str, Sequence[str]], None]


class Trainings:
    """The jobs of this machine by name. Safe between threads."""

    def __init__(
        self, code: Mapping[str, Path], workspace: Path, *, s3: Any, check: CheckCaller, check_role: CheckRole
    ) -> None:
        """`code`: prefix of a job's name -> folder of the scripts in its submit directory, where that is an asset of a
        deployment; other jobs run what their submit directory holds.

        `check(authorization, action, resources)` and `check_role(role, action, resources)` raise AccessDenied.
        """
        self._code, self._workspace, self._s3 = dict(code), workspace, s3
        self._check, self._check_role = check, check_role
        self._jobs: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(1)  # this machine has two cores

    def handle(self, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """`target` as the header X-Amz-Target has it, `headers` by lower-case name."""
        request = json.loads(body or b"{}")
        name = str(request.get("TrainingJobName", ""))
        operation = target.rpartition(".")[2]
        if operation not in ("CreateTrainingJob", "DescribeTrainingJob"):
            return error_answer(400, "UnknownOperationException", f"{operation} is not served here")
        try:
            self._check(headers.get("authorization", ""), f"sagemaker:{operation}", [f"{_JOBS}/{name}"])
            return self._create(name, request) if operation == "CreateTrainingJob" else self._describe(name)
        except AccessDenied as denied:
            return error_answer(400, "AccessDeniedException", str(denied))

    def _create(self, name: str, request: dict[str, Any]) -> Answer:
        if not _NAME.fullmatch(name):
            return error_answer(400, "ValidationException", f"Value '{name}' at 'trainingJobName' does not fit")
        code = next((path for prefix, path in self._code.items() if name.startswith(prefix)), None)
        with self._lock:
            if name in self._jobs:
                return error_answer(400, "ResourceInUse", f"Training job names must be unique: {name}")
            self._jobs[name] = {
                **{field: value for field, value in request.items() if field != "Tags"},
                "TrainingJobArn": f"{_JOBS}/{name}",
                "TrainingJobStatus": "InProgress",
                "SecondaryStatus": "Starting",
                "CreationTime": time.time(),
            }
        self._workers.submit(self._run, name, request, code)
        return json_answer(200, {"TrainingJobArn": f"{_JOBS}/{name}"})

    def _describe(self, name: str) -> Answer:
        with self._lock:
            job = self._jobs.get(name)
        if job is None:
            return error_answer(400, "ValidationException", "Requested resource not found.")
        return json_answer(200, job)

    def _run(self, name: str, request: dict[str, Any], code: Path | None) -> None:
        try:
            artefact = self._train(name, request, code)
        except Exception as error:  # noqa: BLE001 whatever goes wrong, the job says so
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            ended: dict[str, Any] = {"TrainingJobStatus": "Failed", "FailureReason": f"AlgorithmError: {error}"}
        else:
            ended = {"TrainingJobStatus": "Completed", "ModelArtifacts": {"S3ModelArtifacts": artefact}}
        with self._lock:
            self._jobs[name].update(ended, SecondaryStatus=ended["TrainingJobStatus"])

    def _train(self, name: str, request: dict[str, Any], code: Path | None) -> str:
        folder = self._workspace / name
        source, model = folder / "code", folder / "model"
        model.mkdir(parents=True)
        given = {key: json.loads(value) for key, value in request["HyperParameters"].items()}
        if code is None:
            self._unpack(request["RoleArn"], str(given["sagemaker_submit_directory"]), source)
        else:
            source.mkdir()
            for script in (*code.glob("*.py"), *SHARED_CODE):
                shutil.copy(script, source)
        channels = {
            f"SM_CHANNEL_{channel['ChannelName'].upper()}": str(self._download(request["RoleArn"], channel, folder))
            for channel in request["InputDataConfig"]
        }
        arguments = [part for key, value in given.items() if not key.startswith(_OWN) for part in (f"--{key}", value)]
        done = subprocess.run(
            [sys.executable, str(given["sagemaker_program"]), *map(str, arguments)],
            cwd=source,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "SM_MODEL_DIR": str(model), **channels},
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        print(f"{name}: {done.stdout.strip()}", flush=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip()[-_WORDS:])
        output = str(request["OutputDataConfig"]["S3OutputPath"]).rstrip("/")
        return self._upload(request["RoleArn"], model, f"{output}/{name}/output/")

    def _unpack(self, role: str, uri: str, source: Path) -> None:
        bucket, key = _place(uri)
        self._check_role(role, "s3:GetObject", [f"arn:aws:s3:::{bucket}/{key}"])
        archive = source.with_suffix(".tar.gz")
        self._s3.download_file(bucket, key, str(archive))
        with tarfile.open(archive) as packed:
            packed.extractall(source, filter="data")

    def _download(self, role: str, channel: Mapping[str, Any], folder: Path) -> Path:
        bucket, prefix = _place(channel["DataSource"]["S3DataSource"]["S3Uri"])
        target = folder / "input" / str(channel["ChannelName"])
        target.mkdir(parents=True)
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                self._check_role(role, "s3:GetObject", [f"arn:aws:s3:::{bucket}/{entry['Key']}"])
                self._s3.download_file(bucket, entry["Key"], str(target / entry["Key"].rpartition("/")[2]))
        return target

    def _upload(self, role: str, model: Path, output: str) -> str:
        bucket, prefix = _place(output)
        key = f"{prefix}model.tar.gz"
        self._check_role(role, "s3:PutObject", [f"arn:aws:s3:::{bucket}/{key}"])
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for path in sorted(model.iterdir()):
                archive.add(path, path.name)
        self._s3.put_object(Bucket=bucket, Key=key, Body=packed.getvalue())
        return f"s3://{bucket}/{key}"


def _place(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")
