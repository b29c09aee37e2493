"""The archetypes workflow's functions, one after another, with the real script in place of SageMaker's container."""

import importlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.invocation import Invocation
from local.tables import new_table
from ml.archetypes import train as script
from winback.aws import keys
from winback.aws.account_lists import write_list
from winback.aws.archetype_runs import RunStore
from winback.aws.archetypes import job_name
from winback.aws.lake import Lake
from winback.aws.snapshots import SnapshotState, SnapshotStore
from winback.identifiers import AccountId

ACCOUNT = AccountId("cd-shop")
CONTEXT = Invocation(memory_limit_in_mb=1024)
_SNAPSHOT = """SELECT md5(n::VARCHAR) AS customer_key,
    CASE WHEN n % 3 = 0 THEN 'Champions' WHEN n % 3 = 1 THEN 'Rising' ELSE 'Long Gone' END AS segment,
    (CASE n % 3 WHEN 0 THEN 10 WHEN 1 THEN 60 ELSE 300 END + n % 7)::INTEGER AS silence_days,
    (CASE n % 3 WHEN 0 THEN 40 WHEN 1 THEN 8 ELSE 1 END + n % 2)::INTEGER AS purchases,
    ((CASE n % 3 WHEN 0 THEN 400000 WHEN 1 THEN 40000 ELSE 4000 END) * (1 + n % 5 / 20))::BIGINT AS net_minor
FROM range({customers}) AS numbers(n)"""


class SageMaker:
    """A client whose jobs run the real script at once."""

    def __init__(self, lake: Lake, folder: Path) -> None:
        self.lake, self.folder = lake, folder
        self.jobs: dict[str, str] = {}
        self.requests: list[dict[str, Any]] = []

    def create_training_job(self, **request: Any) -> None:
        name = request["TrainingJobName"]
        if name in self.jobs:
            raise ClientError({"Error": {"Code": "ResourceInUse", "Message": "no"}}, "CreateTrainingJob")
        self.requests.append(request)
        prefix = request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"].split("/", 3)[3]
        rows = self.folder / name / "train"
        for key in self.lake.list(prefix):
            self.lake.download(key, rows / key.rpartition("/")[2])
        script.main(["--train", str(rows), "--model-dir", str(self.folder / name / "model")])
        packed = self.folder / name / "model.tar.gz"
        with tarfile.open(packed, mode="w:gz") as archive:
            for path in (self.folder / name / "model").iterdir():
                archive.add(path, path.name)
        output = request["OutputDataConfig"]["S3OutputPath"].split("/", 3)[3]
        self.lake.upload(packed, f"{output}{name}/output/model.tar.gz")
        self.jobs[name] = "Completed"

    def describe_training_job(self, *, TrainingJobName: str) -> dict[str, str]:  # noqa: N803
        return {"TrainingJobStatus": self.jobs[TrainingJobName]}


class World:
    def __init__(self, lake: Lake, campaigns: Any, sagemaker: SageMaker, folder: Path) -> None:
        self.lake, self.campaigns, self.sagemaker, self.folder = lake, campaigns, sagemaker, folder
        self.runs = RunStore(campaigns)

    def snapshot(self, customers: int) -> None:
        prefix = "snapshots/account=cd-shop/snp-0123456789ab/"
        path = self.folder / "customers.parquet"
        with duckdb.connect() as connection:
            connection.sql(_SNAPSHOT.format(customers=customers)).write_parquet(str(path))
        self.lake.upload(path, f"{prefix}customers.parquet")
        item = {"snapshot_id": "snp-0123456789ab", "as_of": "2026-01-01T00:00:00Z", "prefix": prefix}
        self.campaigns.put_item(Item={**keys.snapshot(ACCOUNT), **item, "state": SnapshotState.PUBLISHED.value})
        assert SnapshotStore(self.campaigns).latest(ACCOUNT) is not None

    def call(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = importlib.import_module(f"functions.archetypes_{name}.handler").handler(event, CONTEXT)
        return answer

    def latest(self, account: str = "cd-shop") -> tuple[int, Any]:
        """What the API answers: status and body."""
        sample = json.loads(Path("events/api_segments.json").read_text())
        context = {**sample["requestContext"], "httpMethod": "GET", "authorizer": {"account_id": account}}
        request = {"path": "/v1/archetypes/latest", "httpMethod": "GET", "body": None, "requestContext": context}
        answer = importlib.import_module("functions.api_segments.handler").handler({**sample, **request}, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    def count_failed(self, *runs: dict[str, Any]) -> int:
        """What the workflow is told at its end of a list of these runs."""
        key = write_list(self.lake, "archetypes", "lst-1", runs)["manifest"]
        return int(self.call("plan", {"ended": key})["failed"])

    def run(self, run_id: str) -> dict[str, Any]:
        started = self.call("train", {"account_id": "cd-shop", "run_id": run_id})
        assert started["state"] == "training"
        done = self.call("check", started)
        assert done["state"] == "done"
        assert self.call("finish", done) == {"state": "finished"}
        assert self.count_failed(started) == 0
        result: dict[str, Any] = self.lake.read_json(f"archetypes/account=cd-shop/{run_id}/result.json")
        return result


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    with mock_aws():
        environment = {
            "AWS_DEFAULT_REGION": "us-east-1",
            "WINBACK_STAGE": "test",
            "CAMPAIGNS_TABLE": "campaigns",
            "LAKE_BUCKET": "lake",
            "TRAINING_ROLE_ARN": "arn:aws:iam::1:role/job",
            "TRAINING_IMAGE": "image",
            "ARCHETYPES_CODE": "s3://assets/code.tar.gz",
            "CUSTOMERS_TABLE": "customers",
            "REFRESH_WORKFLOW_ARN": "arn:aws:states:us-east-1:1:stateMachine:refresh",
            "CUSTOMER_KEY_ARN": "arn:aws:kms:us-east-1:1:key/k",
            "POWERTOOLS_METRICS_NAMESPACE": "Winback",
            "POWERTOOLS_SERVICE_NAME": "archetypes",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="lake")
        campaigns = new_table("campaigns")
        lake = Lake("lake")
        sagemaker = SageMaker(lake, tmp_path)
        modules = [
            importlib.import_module(f"functions.{name}.handler")
            for name in ("archetypes_plan", "archetypes_train", "archetypes_check", "archetypes_finish", "api_segments")
        ]
        for module in modules:
            for cached in ("settings", "client"):
                if hasattr(module, cached):
                    getattr(module, cached).cache_clear()
        real = boto3.client
        monkeypatch.setattr(
            boto3, "client", lambda name, **more: sagemaker if name == "sagemaker" else real(name, **more)
        )
        yield World(lake, campaigns, sagemaker, tmp_path)


def test_a_first_run_lays_clusters_beside_segments_and_has_no_drift(world: World) -> None:
    world.snapshot(360)
    result = world.run("arc-0123456789ab")
    rows = {row["segment"]: row for row in result["reconciliation"]["rows"]}
    assert rows["Champions"]["concentrated"]
    assert rows["Champions"]["strongest"] == "Power Shoppers"
    assert result["drift"] is None
    latest = world.runs.get(ACCOUNT)
    assert latest is not None
    assert (latest.run_id, latest.state, latest.alarming) == ("arc-0123456789ab", "finished", False)


def test_a_second_run_is_compared_with_the_first(world: World) -> None:
    world.snapshot(360)
    world.run("arc-00000000000a")
    result = world.run("arc-00000000000b")
    assert [shift["share_change"] for shift in result["drift"]["shifts"]] == [0.0, 0.0, 0.0]
    assert all(shift["kept"] == 1.0 for shift in result["drift"]["shifts"])


def test_the_api_shows_the_latest_finished_run(world: World) -> None:
    world.snapshot(360)
    assert world.latest()[1]["error"]["code"] == "no_archetypes"
    world.run("arc-00000000000a")
    second = world.run("arc-00000000000b")
    world.call("train", {"account_id": "cd-shop", "run_id": "arc-00000000000c"})
    assert world.latest() == (200, second)
    assert world.latest("other")[0] == 404


def test_a_repeated_attempt_finds_its_own_job_and_stores_the_same(world: World) -> None:
    world.snapshot(360)
    first = world.run("arc-0123456789ab")
    assert world.run("arc-0123456789ab") == first
    assert len(world.sagemaker.requests) == 1


def test_the_job_gets_no_more_than_keys_and_features(world: World) -> None:
    world.snapshot(360)
    world.run("arc-0123456789ab")
    (request,) = world.sagemaker.requests
    assert request["HyperParameters"]["sagemaker_program"] == '"train.py"'
    assert request["OutputDataConfig"]["KmsKeyId"] == request["ResourceConfig"]["VolumeKmsKeyId"]
    heading = world.lake.read_bytes("archetypes/account=cd-shop/arc-0123456789ab/train/customers.csv").split(b"\n")[0]
    assert heading.startswith(b"customer_key,silence_days,purchases,net_minor")


@pytest.mark.parametrize("customers", [None, 99])
def test_without_enough_customers_nothing_is_started(world: World, customers: int | None) -> None:
    if customers is not None:
        world.snapshot(customers)
    event = json.loads(Path("events/archetypes_train.json").read_text())
    assert world.call("train", event)["state"] == "nothing"
    assert world.sagemaker.requests == []
    assert world.count_failed(event) == 0


def test_a_failure_is_written_on_its_run(world: World) -> None:
    world.snapshot(360)
    started = world.call("train", {"account_id": "cd-shop", "run_id": "arc-0123456789ab"})
    world.call("finish", {**started, "error": {"step": "training_job", "code": "TrainingJobFailed"}})
    run = world.runs.get(ACCOUNT, "arc-0123456789ab")
    assert run is not None
    assert (run.state, run.failed_step) == ("failed", "training_job")
    assert world.runs.get(ACCOUNT) is None


def test_a_run_that_failed_before_it_could_start_is_written_down_too(world: World) -> None:
    event = json.loads(Path("events/archetypes_train.json").read_text())
    assert world.count_failed(event) == 1
    world.call("finish", {**event, "error": {"step": "archetypes_train", "code": "States.TaskFailed"}})
    run = world.runs.get(ACCOUNT, event["run_id"])
    assert run is not None
    assert (run.state, run.failed_step) == ("failed", "archetypes_train")
    assert world.count_failed(event) == 1


def test_the_plan_says_where_its_accounts_are_and_not_who(world: World) -> None:
    for number in range(10, 40):
        world.campaigns.put_item(Item={"pk": "accounts", "sk": f"shop-{number}"})
    plan = world.call("plan", {})
    assert plan["accounts"] == 30
    assert len(json.dumps(plan)) < 100
    lines = world.lake.read_rows(plan["manifest"])
    assert [line["account_id"] for line in lines] == [f"shop-{number}" for number in range(10, 40)]
    assert len({line["run_id"] for line in lines}) == 30


def test_two_accounts_that_choose_the_same_run_have_a_job_each(world: World) -> None:
    world.snapshot(360)
    names = {job_name("test", AccountId(account), "arc-0123456789ab") for account in ("cd-shop", "a" * 30)}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)
    started = world.call("train", {"account_id": "cd-shop", "run_id": "arc-0123456789ab"})
    assert started["job"] in names
