"""The job on Spark writes what the function writes: every object, every row, of an account that has everything."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws
from pyspark.sql import SparkSession

from local.tables import new_table
from tests.spark.accounts import AS_OF, write_made_up_account
from tests.spark.comparison import differing
from winback.accounts import Account, Sender
from winback.aws.computing import Computer
from winback.aws.imports import ImportStore
from winback.aws.lake import Lake
from winback.aws.lifts import LiftStore
from winback.aws.playbook import PlaybookStore
from winback.aws.refresh import Machine, Refresh
from winback.aws.snapshots import SnapshotStore
from winback.aws.spark_refresh import Engine, SparkRefresh
from winback.identifiers import AccountId, SnapshotId
from winback.spark.job import run
from winback.spark.request import SparkRequest

ACCOUNT = Account(
    account_id=AccountId("made-up"),
    name="Made-up",
    currency="EUR",
    key_salt="0" * 32,
    sender=Sender(name="Made-up", email="hello@example.com", postal_address="1 High Street"),
    public_url="https://example.com",
    trend_category="hats",
)
REFRESH = Refresh(ACCOUNT.account_id, SnapshotId("snp-0123456789ab"), AS_OF)


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        table = new_table("campaigns")
        yield Computer(
            Lake("lake"),
            SnapshotStore(table),
            ImportStore(table),
            PlaybookStore(table),
            LiftStore(table),
            Machine(memory_mb=2_000, threads=2),
        )


def test_an_account_with_everything(computer: Computer, spark: SparkSession, tmp_path: Path) -> None:
    """Returns, zero amounts, several orders a day, other currencies, newer versions, touches told twice, consents, and
    buyers of one season."""
    lake, own = tmp_path / "lake", tmp_path / "own"
    write_made_up_account(lake, ACCOUNT.account_id)
    for path in lake.rglob("*.*"):
        computer.lake.upload(path, path.relative_to(lake).as_posix())
    handed_over = SparkRefresh(computer, Engine.SPARK, 0).hand_over(REFRESH, ACCOUNT)
    request = SparkRequest.model_validate(computer.lake.read_json(f"{REFRESH.work}request.json"))
    assert handed_over["request"] == request.uri

    here = request.model_copy(update={"lake": f"{lake.as_uri()}/"})
    (lake / here.work).mkdir(parents=True)
    (lake / here.key).write_text(here.model_dump_json())
    run(spark, here.uri)
    answer = computer.compute(REFRESH, ACCOUNT)

    for name in ("customers.parquet", "calls.jsonl.gz"):
        computer.lake.download(f"{REFRESH.work}{name}", own / name)
    for name in ("rubric.json", "summary.json"):
        assert json.loads((lake / here.work / name).read_text()) == computer.lake.read_json(f"{REFRESH.work}{name}")
    with duckdb.connect() as duck:
        duck.execute(f"CREATE TABLE computed AS FROM read_parquet('{own / 'customers.parquet'}')")
        assert differing(duck, "computed", lake / here.work / "customers.parquet", key="customer_key") == {}
        seasonal = duck.execute("SELECT count(*) FILTER (WHERE seasonal), count(DISTINCT email_consent) FROM computed")
        assert seasonal.fetchall()[0] >= (20, 3)
    assert (lake / here.work / "calls.jsonl.gz").read_bytes() == (own / "calls.jsonl.gz").read_bytes()
    assert _parts(lake, here) == [
        (line["chunk"], line["rows"], computer.lake.read_rows(line["key"]))
        for line in computer.lake.read_rows(answer["manifest"])
    ]
    conversion = json.loads((lake / here.work / "summary.json").read_text())["conversion"]
    assert {foreign["currency"] for foreign in conversion["foreign"]} == {"JPY", "USD", "XXX"}
    assert _names(lake / here.work) == {
        "calls.jsonl.gz",
        "customers.parquet",
        "manifest.jsonl",
        "parts",
        "request.json",
        "rubric.json",
        "summary.json",
    }


def _parts(lake: Path, request: SparkRequest) -> list[tuple[int, int, list[dict[str, Any]]]]:
    lines = [json.loads(line) for line in (lake / request.work / "manifest.jsonl").read_text().splitlines()]
    return [
        (
            line["chunk"],
            line["rows"],
            [json.loads(row) for row in gzip.decompress((lake / line["key"]).read_bytes()).splitlines()],
        )
        for line in lines
    ]


def _names(folder: Path) -> set[str]:
    """Without the checksums that Hadoop's local file system puts beside files."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}
