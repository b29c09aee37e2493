"""The models bucket: archives are read without running anything, and a kept version never changes."""

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from winback.aws.models import Archive, ModelBucket, UnknownModel, kept_key
from winback.predictions.kinds import Kind


def packed(**members: Any) -> Archive:
    """Members by name, `__` standing for the dot."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as target:
        for name, content in members.items():
            text = json.dumps(content).encode()
            entry = tarfile.TarInfo(name.replace("__", "."))
            entry.size = len(text)
            target.addfile(entry, io.BytesIO(text))
    return Archive(body.getvalue())


@pytest.fixture
def bucket() -> Iterator[ModelBucket]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="models")
        yield ModelBucket("models", s3)


def test_a_model_is_named_by_its_evaluation_else_by_its_model_else_by_its_bytes() -> None:
    assert packed(evaluation__json={"model_id": "a"}, model__json={"model_id": "b"}).model_id == "a"
    assert packed(model__json={"model_id": "b"}).model_id == "b"
    nameless = packed(model__json={})
    assert nameless.model_id == nameless.model_id
    assert nameless.model_id.startswith("model-")


def test_a_member_that_is_a_link_is_no_file() -> None:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as target:
        entry = tarfile.TarInfo("model.json")
        entry.type, entry.linkname = tarfile.CHRTYPE, "/dev/zero"
        target.addfile(entry)
    with pytest.raises(ValueError, match="no file"):
        Archive(body.getvalue()).read_json("model.json")


def test_a_kept_version_stays_as_it_was_first_written(bucket: ModelBucket) -> None:
    first, second = packed(model__json={"model_id": "m", "v": 1}), packed(model__json={"model_id": "m", "v": 2})
    assert bucket.keep(Kind.OFFER, first) == bucket.keep(Kind.OFFER, second) == "m"
    assert bucket.kept(Kind.OFFER, "m") == first


def test_the_champion_is_written_from_what_is_kept_alone(bucket: ModelBucket) -> None:
    assert bucket.champion(Kind.CHURN) is None
    with pytest.raises(UnknownModel, match="only a kept model can be promoted"):
        bucket.crown(Kind.CHURN, "m")
    archive = packed(model__json={"model_id": "m"})
    bucket.keep(Kind.CHURN, archive)
    bucket.crown(Kind.CHURN, "m")
    assert bucket.champion(Kind.CHURN) == archive
    assert bucket.champion(Kind.OFFER) is None


def test_a_missing_object_that_s3_does_not_admit_is_looked_for_in_the_list() -> None:
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    key = kept_key(Kind.CHURN, "m")
    for listed, found in ((0, False), (1, True)):
        with Stubber(client) as stub:
            stub.add_client_error("get_object", "AccessDenied")
            stub.add_response("list_objects_v2", {"KeyCount": listed}, {"Bucket": "b", "Prefix": key, "MaxKeys": 1})
            with pytest.raises(ClientError if found else UnknownModel):
                ModelBucket("b", client).kept(Kind.CHURN, "m")
