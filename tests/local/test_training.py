"""Trained, judged, promoted and reverted in the local cloud, by the very scripts; an endpoint dies in a refresh."""

import csv
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.cloud import Cloud, WorkflowFailed, create_account
from local.datasets import customers_csv, orders_csv, purchases
from local.demo.store import Store
from ml.archive import pack
from ml.churn import train as script
from winback.aws.lake import Lake
from winback.aws.model_runs import Run, RunStore
from winback.aws.models import Archive, ModelBucket
from winback.instants import format_instant
from winback.predictions.kinds import Kind
from winback.predictions.probes import answered_model, probe_request

AS_OF, EARLIER = datetime(1998, 6, 1, tzinfo=UTC), datetime(1998, 1, 1, tzinfo=UTC)
CUSTOMERS = 1500


@dataclass(frozen=True)
class Lab:
    """A shop with a year and a half of orders, and what the models of the cloud are."""

    shop: Cloud
    runs: RunStore
    bucket: ModelBucket

    def start(self, **request: Any) -> Run:
        """Runs the workflow to its end; the run that it made."""
        before = {run["sk"] for run in self._items()}
        self.shop.run_workflow("train", {"kind": "churn", **request}, seconds=120)
        (fresh,) = {run["sk"] for run in self._items()} - before
        return self.runs.get(Kind.CHURN, fresh.removeprefix("run#"))

    @property
    def champion(self) -> str:
        found = self.bucket.champion(Kind.CHURN)
        assert found is not None
        return found.model_id

    @property
    def serving(self) -> str:
        """As the endpoint itself answers."""
        runtime = self.shop.session.client("sagemaker-runtime", endpoint_url=self.shop.state.models_url)
        body = probe_request(Kind.CHURN)
        answer = runtime.invoke_endpoint(
            EndpointName="winback-local-churn-serverless", Body=body, ContentType="application/json"
        )
        return answered_model(answer["Body"].read())

    def refresh(self) -> list[dict[str, Any]]:
        """The scores of a refresh."""
        snapshot = Store(self.shop.api).refresh(format_instant(AS_OF))
        lake = Lake(self.shop.lake_bucket, self.shop.client("s3"))
        work = f"refresh/account={self.shop.state.account_id}/{snapshot['snapshot_id']}/scores/"
        return [row for key in lake.list(work) for row in lake.read_rows(key)]

    def in_state(self, state: str) -> set[str]:
        return {item["run_id"] for item in self._items() if item["state"] == state}

    def _items(self) -> list[dict[str, Any]]:
        table = self.shop.table("campaigns")
        query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": "models#churn"}}
        return [item for item in table.query(**query)["Items"] if item["sk"].startswith("run#")]


@pytest.fixture(scope="module")
def lab(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The champion is a model that learned from shuffled labels, put in service by hand."""
    shop = replace(cloud, state=create_account(cloud.state, "lab-shop"))
    rows = [row for row in purchases() if int(row.customer_id) <= CUSTOMERS and row.on < AS_OF.date()]
    store = Store(shop.api)
    shop.clock.set(AS_OF)
    store.import_file("customers", customers_csv(sorted({row.customer_id for row in rows}), 7))
    store.import_file("orders", orders_csv(rows))
    lab = Lab(shop, RunStore(shop.table("campaigns")), ModelBucket(shop.models_bucket, shop.client("s3")))
    first = lab.champion
    weak = lab.bucket.keep(Kind.CHURN, _weak_model(lab, tmp_path_factory.mktemp("weak")))
    lab.start(revert=True, model_id=weak)
    assert (lab.champion, lab.serving) == (weak, weak)
    yield lab
    lab.start(revert=True, model_id=first)
    assert lab.champion == first


def _weak_model(lab: Lab, folder: Path, seed: int = 1) -> Archive:
    """By the very script, from rows whose labels mean nothing."""
    draw = random.Random(seed)
    fields = [*script.inputs.NAMES]
    (folder / "train").mkdir()
    with (folder / "train" / "rows.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["cut", "standing", *fields, "churned"])
        for _ in range(400):
            writer.writerow(["1997-07-01", "lapsed", *(draw.randint(1, 30) for _ in fields), draw.randint(0, 1)])
    script.main(["--train", str(folder / "train"), "--model-dir", str(folder / "model")])
    return Archive(pack(folder / "model"))


@pytest.fixture(scope="module")
def promoted(lab: Lab) -> Run:
    return lab.start(as_of=format_instant(AS_OF))


def test_a_better_model_is_trained_promoted_and_scores_come_from_it(lab: Lab, promoted: Run) -> None:
    assert (promoted.state, promoted.failed_step) == ("promoted", None), promoted
    assert promoted.reasons[0].startswith("better than the champion beyond chance: log loss")
    assert promoted.model_id == lab.champion == lab.serving
    assert promoted.test_rows is not None
    assert promoted.test_rows >= CUSTOMERS
    assert {row["model_id"] for row in lab.refresh() if row["source"] == "endpoint"} == {promoted.model_id}


def test_a_model_that_knows_less_is_refused_with_the_reason(lab: Lab, promoted: Run) -> None:
    refused = lab.start(as_of=format_instant(EARLIER))
    assert refused.state == "refused"
    assert refused.compared_with == promoted.model_id
    assert "not better than the champion beyond chance: log loss" in refused.reasons[0]
    assert lab.champion == lab.serving == promoted.model_id


def test_an_alarm_during_the_update_takes_it_back(lab: Lab, promoted: Run, tmp_path: Path) -> None:
    fresh = lab.bucket.keep(Kind.CHURN, _weak_model(lab, tmp_path, seed=2))
    watch = lab.shop.client("cloudwatch")
    alarm = {"AlarmName": "winback-local-churn-endpoint-errors", "StateReason": "a test"}
    watch.set_alarm_state(**alarm, StateValue="ALARM")
    before = lab.in_state("rolled_back")
    try:
        with pytest.raises(WorkflowFailed):
            lab.start(revert=True, model_id=fresh)
    finally:
        watch.set_alarm_state(**alarm, StateValue="OK")
    (went_back,) = lab.in_state("rolled_back") - before
    assert alarm["AlarmName"] in lab.runs.get(Kind.CHURN, went_back).reasons[-1]
    assert lab.champion == lab.serving == promoted.model_id


def test_an_endpoint_that_dies_in_the_middle_of_a_refresh_ends_no_refresh(lab: Lab, promoted: Run) -> None:
    with lab.shop.endpoint_down(after_calls=1):
        scores = lab.refresh()
    sources = Counter(row["source"] for row in scores)
    assert len(scores) == CUSTOMERS
    assert sources["endpoint"] == 500
    assert all(row["model_id"] == promoted.model_id for row in scores if row["source"] == "endpoint")
    assert set(sources) > {"endpoint"}


def test_reverting_brings_the_model_before_back(lab: Lab, promoted: Run) -> None:
    run = lab.start(revert=True)
    assert (run.state, run.reverts, run.replaces) == ("promoted", True, promoted.model_id)
    assert lab.champion == lab.serving == promoted.replaces
