"""Drift beside a published snapshot: measured where it can be, and said where it cannot."""

import importlib
import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tests.functions.refresh.conftest import Cloud
from winback.aws.lake import drift_key
from winback.aws.watching import NotYetPublished
from winback.identifiers import AccountId

THEN, NOW = "1997-07-01T00:00:00Z", "1997-09-30T00:00:00Z"  # 91 days
CUSTOMERS = 300


@pytest.fixture
def watch(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], dict[str, Any]]:
    """Runs the function and returns drift.json."""
    monkeypatch.setenv("MODELS_BUCKET", "models")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Winback")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "refresh_watch")
    boto3.client("s3").create_bucket(Bucket="models")
    importlib.import_module("functions.refresh_watch.handler").settings.cache_clear()

    def run(snapshot_id: str, as_of: str) -> dict[str, Any]:
        work = {"account_id": "cdnow", "snapshot_id": snapshot_id, "as_of": as_of}
        answer = cloud.call("refresh_watch", work)
        found: dict[str, Any] = cloud.lake.read_json(drift_key(AccountId("cdnow"), snapshot_id))
        assert answer["alarming"] == bool(found["newly_shifted"] or found["newly_missed"])
        return found

    return run


def put_model(key: str, model_id: str, edges: list[float], shares: list[float]) -> None:
    reference = {"silence_days": {"edges": edges, "shares": shares}}
    body = json.dumps({"model_id": model_id, "reference": reference}).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("evaluation.json")
        entry.size = len(body)
        archive.addfile(entry, io.BytesIO(body))
    boto3.client("s3").put_object(Bucket="models", Key=key, Body=packed.getvalue())


def buy(cloud: Cloud, *, returning: int) -> None:
    """Everybody buys in June; the first `returning` customers again in August."""
    june = [{"order_id": f"a{n}", "customer": f"c{n}", "day": "1997-06-10", "amount": 1000} for n in range(CUSTOMERS)]
    august = [{"order_id": f"b{n}", "customer": f"c{n}", "day": "1997-08-10", "amount": 1000} for n in range(returning)]
    cloud.put_orders("june", june, received="1997-06-11")
    cloud.put_orders("august", august, received="1997-08-11")


def test_the_first_refreshes_say_that_nothing_can_be_measured_yet(cloud: Cloud, watch: Any) -> None:
    buy(cloud, returning=0)
    cloud.refresh("snp-00000000000a", THEN)
    found = watch("snp-00000000000a", THEN)
    assert found["inputs"] is None
    assert found["inputs_say"] == "not measurable: churn-1 brings no reference"
    assert found["calibration_says"] == "not measurable yet: there is no snapshot of about 91 days ago"


def test_forecasts_of_91_days_ago_are_held_against_who_purchased_since(cloud: Cloud, watch: Any) -> None:
    buy(cloud, returning=CUSTOMERS // 4)
    cloud.refresh("snp-00000000000a", THEN, probability=0.75)
    cloud.refresh("snp-00000000000b", NOW)
    found = watch("snp-00000000000b", NOW)["calibration"]
    assert (found["snapshot_id"], found["days"], found["customers"]) == ("snp-00000000000a", 91, CUSTOMERS)
    assert (found["forecast"], found["observed"], found["difference"]) == (0.75, 0.75, 0.0)
    assert not found["alarming"]


def test_forecasts_that_missed_alarm_and_say_what_to_do(cloud: Cloud, watch: Any) -> None:
    buy(cloud, returning=CUSTOMERS // 4)
    cloud.refresh("snp-00000000000a", THEN, probability=0.25)
    cloud.refresh("snp-00000000000b", NOW)
    found = watch("snp-00000000000b", NOW)["calibration"]
    assert found["alarming"]
    assert found["says"].startswith("more customers left than was forecast: +50.0 points")
    assert found["says"].endswith("Train again")


def test_forecasts_that_go_on_missing_wake_somebody_once(cloud: Cloud, watch: Any) -> None:
    buy(cloud, returning=CUSTOMERS // 4)
    cloud.refresh("snp-00000000000a", THEN, probability=0.25)
    cloud.refresh("snp-00000000000b", NOW)
    assert watch("snp-00000000000b", NOW)["newly_missed"]
    cloud.refresh("snp-00000000000c", "1997-10-01T00:00:00Z")
    found = watch("snp-00000000000c", "1997-10-01T00:00:00Z")
    assert (found["calibration"]["alarming"], found["newly_missed"]) == (True, False)


@pytest.mark.parametrize("key", ["churn/champion/model.tar.gz", "churn/models/churn-1/model.tar.gz"])
def test_inputs_are_held_against_the_model_that_gave_the_scores(cloud: Cloud, watch: Any, key: str) -> None:
    put_model("churn/champion/model.tar.gz", "churn-other", [], [1.0, 0.0])
    put_model(key, "churn-1", [50.0], [0.5, 0.5, 0.0])
    buy(cloud, returning=CUSTOMERS // 2)
    cloud.refresh("snp-00000000000b", NOW)
    (found,) = watch("snp-00000000000b", NOW)["inputs"]  # half silent since June, half since August: 51 days
    assert (found["input"], found["shift"]) == ("silence_days", "large")
    put_model(key, "churn-1", [60.0], [0.5, 0.5, 0.0])
    (found,) = watch("snp-00000000000b", NOW)["inputs"]
    assert found == {"input": "silence_days", "psi": 0.0, "shift": "none"}


def test_an_input_that_shifted_since_the_refresh_before_is_named(cloud: Cloud, watch: Any) -> None:
    put_model("churn/champion/model.tar.gz", "churn-1", [30.0], [1.0, 0.0, 0.0])
    buy(cloud, returning=0)
    cloud.refresh("snp-00000000000a", THEN)
    assert watch("snp-00000000000a", THEN)["newly_shifted"] == []
    cloud.refresh("snp-00000000000b", NOW)
    assert watch("snp-00000000000b", NOW)["newly_shifted"] == ["silence_days"]


def test_the_api_shows_drift_with_the_summary(cloud: Cloud, watch: Any) -> None:
    buy(cloud, returning=0)
    cloud.refresh("snp-00000000000a", THEN)
    assert "drift" not in cloud.get("/v1/snapshots/latest")[1]
    measured = watch("snp-00000000000a", THEN)
    for path in ("/v1/snapshots/latest", "/v1/snapshots/snp-00000000000a"):
        assert cloud.get(path)[1]["drift"] == measured


def test_what_is_not_published_is_not_measured(cloud: Cloud, watch: Any) -> None:
    with pytest.raises(NotYetPublished):
        watch("snp-0123456789ab", "1997-10-01T00:00:00Z")
