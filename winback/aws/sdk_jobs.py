"""Training jobs that a person starts from their own machine, by the SageMaker Python SDK (version 3, `ModelTrainer`).

https://sagemaker.readthedocs.io/en/stable/. The SDK is installed in an environment of its own (`make sagemaker`), so it
is imported only where a job is started. The job is what the training workflow starts (winback/aws/trainings.py): the
scikit-learn container's own script mode, and not the SDK's, which puts an entry point of its own before the script.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from winback.aws.trainings import PROGRAM

CONTAINER_VERSION = "1.9-0"
"""Of the scikit-learn image that the deployed stack trains and serves in, too."""
_BASE = "winback-{kind}-laptop"
_MAX_SECONDS = 3 * 3600
_POLL_SECONDS = 5
_CONFIG = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
"""Without it the SDK reports each call, with the account's number, to a bucket of AWS."""


class JobFailed(RuntimeError):
    """There is no model; the text says why."""


@dataclass(frozen=True)
class Place:
    role_arn: str
    """What the job may touch: the bucket, the image and its log."""
    bucket: str
    instance_type: str


@dataclass(frozen=True)
class Result:
    job: str
    uri: str
    archive: Path


def train(
    kind: str,
    *,
    code: Path,
    channels: Mapping[str, Path],
    hyperparameters: Mapping[str, str | int | float],
    place: Place,
    target: Path,
) -> Result:
    """Uploads `code` (a tar.gz with train.py at its root) and the channels' folders, runs the job while the SDK shows
    how it is, and downloads its model.tar.gz to `target`. Raises JobFailed."""
    # The SDK asks IAM whether the role may do everything a notebook may, which a narrow role may not. The job itself
    # fails where the role lacks something.
    os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
    from boto3.exceptions import Boto3Error  # noqa: PLC0415
    from sagemaker.core.utils.exceptions import SageMakerCoreError  # noqa: PLC0415

    try:
        return _train(kind, code=code, channels=channels, hyperparameters=hyperparameters, place=place, target=target)
    except (BotoCoreError, ClientError, Boto3Error, SageMakerCoreError, ValueError) as error:
        raise JobFailed(str(error)) from error


def _train(
    kind: str,
    *,
    code: Path,
    channels: Mapping[str, Path],
    hyperparameters: Mapping[str, str | int | float],
    place: Place,
    target: Path,
) -> Result:
    import boto3  # noqa: PLC0415
    from sagemaker.core import image_uris  # noqa: PLC0415
    from sagemaker.core.helper.session_helper import Session  # noqa: PLC0415
    from sagemaker.core.shapes import OutputDataConfig, StoppingCondition  # noqa: PLC0415
    from sagemaker.core.training.configs import Compute, InputData  # noqa: PLC0415
    from sagemaker.train import ModelTrainer  # noqa: PLC0415

    boto_session = boto3.Session()
    if boto_session.region_name is None:
        raise JobFailed("no region is configured: set AWS_DEFAULT_REGION, or `region` of your profile")
    s3 = boto_session.client("s3")
    try:
        s3.head_bucket(Bucket=place.bucket)  # or the SDK would make the bucket
    except ClientError as error:
        raise JobFailed(f"the bucket {place.bucket} cannot be used: {error.response['Error']['Message']}") from error
    session = Session(boto_session, default_bucket=place.bucket, sagemaker_config=_CONFIG)
    base = _BASE.format(kind=kind.replace("_", "-"))
    digest = hashlib.sha256(code.read_bytes()).hexdigest()[:16]
    program = {
        "sagemaker_program": PROGRAM,
        "sagemaker_submit_directory": session.upload_data(str(code), place.bucket, f"{base}/code/{digest}"),
        **hyperparameters,
    }
    trainer = ModelTrainer(
        sagemaker_session=session,
        role=place.role_arn,
        base_job_name=base,
        training_image=image_uris.retrieve(
            "sklearn",
            boto_session.region_name,
            version=CONTAINER_VERSION,
            py_version="py3",
            instance_type=place.instance_type,
            image_scope="training",
        ),
        compute=Compute(instance_type=place.instance_type, instance_count=1, volume_size_in_gb=20),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=_MAX_SECONDS),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{place.bucket}/{base}/jobs"),
        hyperparameters={name: json.dumps(value) for name, value in program.items()},
    )
    inputs = [InputData(channel_name=name, data_source=str(folder)) for name, folder in channels.items()]
    trainer.train(input_data_config=inputs, wait=False, logs=False)
    job = trainer._latest_training_job  # as the SDK's own example reads it
    job.wait(poll=_POLL_SECONDS)
    if job.training_job_status != "Completed":
        raise JobFailed(f"the job {job.training_job_name} ended {job.training_job_status}, without a model")
    uri = str(job.model_artifacts.s3_model_artifacts)
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    s3.download_file(bucket, key, str(target))
    return Result(job.training_job_name, uri, target)
