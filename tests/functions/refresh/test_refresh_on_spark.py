"""A large account is handed over to Spark, and taken over when the job is done."""

import importlib
from typing import Any

import pytest

from tests.functions.refresh.conftest import Cloud
from winback.spark.request import SparkRequest, key_of


@pytest.fixture
def work(events: dict[str, Any]) -> dict[str, str]:
    return dict(events["refresh_compute"])


def _set(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    importlib.import_module("functions.refresh_compute.handler").settings.cache_clear()


def _requested(cloud: Cloud, answer: dict[str, Any]) -> SparkRequest:
    lake, key = key_of(answer["request"])
    assert lake == "s3://lake/"
    return SparkRequest.model_validate(cloud.lake.read_json(key))


def test_the_job_is_told_where_to_find_its_request_and_nothing_else(
    cloud: Cloud, work: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, REFRESH_ENGINE="spark")

    answer = cloud.call("refresh_compute", work)

    assert answer == {**work, "request": f"s3://lake/refresh/account=cdnow/{work['snapshot_id']}/request.json"}
    request = _requested(cloud, answer)
    assert (request.account_id, request.snapshot_id, request.currency) == (
        cloud.account.account_id,
        work["snapshot_id"],
        cloud.account.currency,
    )
    assert request.rubric is None
    assert [row.by_person for row in request.called]
    item = cloud.snapshot_item(work["snapshot_id"])
    assert item is not None
    assert item["state"] == "computing"


def test_the_rubric_in_force_goes_with_the_request(
    cloud: Cloud, work: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.refresh("snp-000000000001", "1997-10-01T00:00:00Z")
    _set(monkeypatch, REFRESH_ENGINE="spark")

    request = _requested(cloud, cloud.call("refresh_compute", {**work, "as_of": "1997-10-02T00:00:00Z"}))

    assert request.rubric is not None
    assert request.rubric.calibrated_at == "1997-10-01T00:00:00Z"


def test_a_done_job_is_answered_for_as_if_it_had_been_computed_here(
    cloud: Cloud, work: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, REFRESH_ENGINE="spark")
    handed_over = cloud.call("refresh_compute", work)
    prefix = f"refresh/account=cdnow/{work['snapshot_id']}/"
    cloud.lake.write_rows(f"{prefix}manifest.jsonl", [{"chunk": 0}, {"chunk": 1}])
    cloud.lake.write_json(f"{prefix}proposal.json", {"as_of": work["as_of"]})

    answer = cloud.call("refresh_compute", handed_over)

    assert answer == {**work, "manifest": f"{prefix}manifest.jsonl", "parts": 2}
    item = cloud.snapshot_item(work["snapshot_id"])
    assert item is not None
    assert item["state"] == "scoring"
    assert cloud.lake.read_json("rubrics/account=cdnow/proposed.json") == {"as_of": work["as_of"]}


@pytest.mark.parametrize("from_orders", ["1", "1000000000"])
def test_the_size_of_the_order_files_decides_before_any_snapshot_does(
    cloud: Cloud, work: dict[str, str], monkeypatch: pytest.MonkeyPatch, from_orders: str
) -> None:
    cloud.put_orders("bat-a", [{"order_id": "O1", "customer": "ann", "day": "1997-09-03", "amount": 100}])
    _set(monkeypatch, SPARK_FROM_ORDERS=from_orders)

    assert ("request" in cloud.call("refresh_compute", work)) is (from_orders == "1")


def test_the_latest_snapshot_counts_the_orders(
    cloud: Cloud, work: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.refresh("snp-000000000001", "1997-10-01T00:00:00Z")
    key = "snapshots/account=cdnow/snp-000000000001/summary.json"
    summary = cloud.lake.read_json(key)
    later = {**work, "as_of": "1997-10-02T00:00:00Z"}

    cloud.lake.write_json(key, {**summary, "total": {**summary["total"], "orders": 999_999}})
    assert "request" not in cloud.call("refresh_compute", later)

    cloud.lake.write_json(key, {**summary, "total": {**summary["total"], "orders": 1_000_000}})
    assert "request" in cloud.call("refresh_compute", later)


def test_a_stage_without_spark_computes_everything_itself(
    cloud: Cloud, work: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, REFRESH_ENGINE="lambda", SPARK_FROM_ORDERS="0")

    assert "parts" in cloud.call("refresh_compute", work)


def test_an_unknown_engine_is_refused(cloud: Cloud, work: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, REFRESH_ENGINE="hadoop")

    with pytest.raises(ValueError, match="hadoop"):
        cloud.call("refresh_compute", work)
