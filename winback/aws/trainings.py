"""SageMaker training jobs of the prebuilt scikit-learn container: start one, ask how it is, fetch its result.

CreateTrainingJob and DescribeTrainingJob:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html. Script mode: the container unpacks
`sagemaker_submit_directory` and runs `sagemaker_program` of it, with the other hyperparameters as arguments
(https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html).
"""

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from winback.aws.lake import Lake

PROGRAM = "train.py"
_VOLUME_GB = 20
_MAX_SECONDS = 3 * 3600


class JobState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class TrainingPlace:
    """What every job of a kind has in common."""

    role_arn: str
    image: str
    code: str
    """S3 URI of a tar.gz with `train.py` and its neighbours at its root."""
    key_arn: str
    instance_type: str = "ml.m5.xlarge"


class TrainingJobs:
    def __init__(self, client: Any, bucket: str, place: TrainingPlace) -> None:
        self._client, self._bucket, self._place = client, bucket, place

    def start(
        self,
        name: str,
        *,
        channels: Mapping[str, str],
        output: str,
        hyperparameters: Mapping[str, str | int | float],
    ) -> None:
        """Starts the job on what lies under the S3 URIs of `channels`; harmless when it was started already.

        The script finds channel `train` in the folder that SM_CHANNEL_TRAIN names, and so on. Its result will be
        `{output}{name}/output/model.tar.gz`.
        """
        place = self._place
        program: dict[str, str | int | float] = {
            "sagemaker_program": PROGRAM,
            "sagemaker_submit_directory": place.code,
            **hyperparameters,
        }
        try:
            self._client.create_training_job(
                TrainingJobName=name,
                RoleArn=place.role_arn,
                AlgorithmSpecification={"TrainingImage": place.image, "TrainingInputMode": "File"},
                # The container reads hyperparameters as JSON texts.
                HyperParameters={key: json.dumps(value) for key, value in program.items()},
                InputDataConfig=[_channel(channel, uri) for channel, uri in channels.items()],
                OutputDataConfig={"S3OutputPath": f"s3://{self._bucket}/{output}", "KmsKeyId": place.key_arn},
                ResourceConfig={
                    "InstanceType": place.instance_type,
                    "InstanceCount": 1,
                    "VolumeSizeInGB": _VOLUME_GB,
                    "VolumeKmsKeyId": place.key_arn,
                },
                StoppingCondition={"MaxRuntimeInSeconds": _MAX_SECONDS},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceInUse":  # a repeated attempt finds its own job
                raise

    def state(self, name: str) -> JobState:
        return job_state(self._client, name)

    def uri(self, prefix: str) -> str:
        """Of a prefix of the lake."""
        return f"s3://{self._bucket}/{prefix}"

    @staticmethod
    def result_key(name: str, output: str) -> str:
        return f"{output}{name}/output/model.tar.gz"


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def job_state(client: Any, name: str) -> JobState:
    """`Stopped` counts as failed: there is no result."""
    status = client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
    if status == "Completed":
        return JobState.DONE
    return JobState.RUNNING if status in ("InProgress", "Stopping") else JobState.FAILED


def fetch_result(lake: Lake, key: str, folder: Path) -> Path:
    """Downloads a job's model.tar.gz and unpacks it below `folder`; returns where."""
    return unpack(lake.download(key, folder / "model.tar.gz"), folder / "model")


def unpack(archive: Path, folder: Path) -> Path:
    """A model.tar.gz into `folder`. Raises tarfile.FilterError for a name that leads out of it."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder
