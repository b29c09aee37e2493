import json
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from winback.aws.clock import SystemClock
from winback.aws.snapshots import PublishingElsewhere, SnapshotStore
from winback.aws.tables import Accounts
from winback.features import SCORED
from winback.identifiers import AccountId, SnapshotId

FIRST, SECOND, THIRD = "snp-000000000001", "snp-000000000002", "snp-000000000003"
ORDERS = [
    {"customer": "ann", "order_id": "1", "day": "1997-09-20", "amount": 9000},
    {"customer": "ann", "order_id": "2", "day": "1997-09-10", "amount": 8000},
    {"customer": "bob", "order_id": "3", "day": "1997-01-20", "amount": 1000},
    {"customer": "eve", "order_id": "4", "day": "1997-02-20", "amount": -500},
]


def test_the_workflow_starts_with_the_named_account_and_keeps_its_snapshot_id(cloud: Any, events: Any) -> None:
    started = cloud.call("refresh_start", events["refresh_start"])
    assert started["accounts"] == 1
    assert cloud.lake.read_rows(started["manifest"]) == [events["refresh_compute"]]


def test_without_an_account_all_are_refreshed_as_of_now(cloud: Any) -> None:
    (only,) = cloud.lake.read_rows(cloud.call("refresh_start", {})["manifest"])
    assert (only["account_id"], only["as_of"]) == ("cdnow", "1997-10-01T00:00:00Z")
    assert only["snapshot_id"].startswith("snp-")


def test_what_the_start_answers_does_not_grow_with_the_accounts(cloud: Any) -> None:
    few = cloud.call("refresh_start", {})
    for number in range(10, 40):
        Accounts(cloud.campaigns).put(cloud.account.model_copy(update={"account_id": f"shop-{number}"}))
    many = cloud.call("refresh_start", {})
    assert many["accounts"] == 31
    assert len(json.dumps(many)) == len(json.dumps(few)) + 1


def test_at_the_end_whatever_has_no_published_snapshot_failed(cloud: Any) -> None:
    Accounts(cloud.campaigns).put(cloud.account.model_copy(update={"account_id": "other"}))
    started = cloud.call("refresh_start", {"as_of": "1997-10-01T00:00:00Z"})
    assert cloud.call("refresh_start", {"ended": started["manifest"]}) == {"failed": 2}
    ours, others = cloud.lake.read_rows(started["manifest"])
    for account in (ours, others):
        cloud.call("refresh_compute", account)
    cloud.call("refresh_publish", ours)
    assert cloud.call("refresh_start", {"ended": started["manifest"]}) == {"failed": 1}
    cloud.call("refresh_publish", others)
    assert cloud.call("refresh_start", {"ended": started["manifest"]}) == {"failed": 0}


def test_a_refresh_ends_in_a_snapshot_and_one_segment_item_a_buyer(cloud: Any, events: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    computed = cloud.call("refresh_compute", events["refresh_compute"])
    assert computed["parts"] == 1
    parts = cloud.lake.read_rows(cloud.lake.read_rows(computed["manifest"])[0]["key"])
    assert {row["customer_key"] for row in parts} == {cloud.account.customer_key(who) for who in ("ann", "bob")}
    assert tuple(parts[0]["features"]) == SCORED
    cloud.score(computed["manifest"], 0.25)

    assert cloud.call("refresh_publish", events["refresh_publish"]) == {"customers": 2, "changed": 2}

    ann = cloud.segment_of("ann")
    assert (ann["segment"], ann["family"], ann["lapsed"]) == ("Big Spenders", "Heroes", False)
    assert (float(ann["churn_probability"]), ann["score_source"]) == (0.25, "endpoint")
    assert cloud.segment_of("eve") is None
    latest = cloud.snapshot_item()
    assert (latest["state"], latest["customers"], latest["as_of"]) == ("published", 2, "1997-10-01T00:00:00Z")
    summary = cloud.lake.read_json(f"{latest['prefix']}summary.json")
    assert (summary["total"]["customers"], summary["returns_only"]["customers"]) == (2, 1)
    assert cloud.lake.read_json(f"{latest['prefix']}rubric.json")["rhythm"]["source"] == "prior"


def test_the_published_file_names_customers_by_key_only(cloud: Any, tmp_path: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    path = cloud.lake.download(f"{cloud.snapshot_item()['prefix']}customers.parquet", tmp_path / "customers.parquet")
    columns = [column[0] for column in duckdb.connect().read_parquet(str(path)).description]
    assert "customer_key" in columns
    assert "customer_id" not in columns


def test_the_latest_version_of_an_order_counts(cloud: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    withdrawn = {"customer": "ann", "order_id": "1", "day": "1997-09-20", "amount": -1, "fingerprint": "g"}
    cloud.put_orders("batch-2", [{**withdrawn, "received_at": "1997-09-30T00:00:00Z"}], "1997-09-30")
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    assert cloud.lake.read_json(f"{cloud.snapshot_item()['prefix']}summary.json")["total"]["net_minor"] == 18000
    cloud.put_orders("batch-3", [{**withdrawn, "received_at": "1997-10-02T00:00:00Z"}], "1997-10-02")
    cloud.refresh(SECOND, "1997-10-01T00:00:00Z")
    assert cloud.lake.read_json(f"{cloud.snapshot_item()['prefix']}summary.json")["total"]["net_minor"] == 8999


def test_orders_in_another_currency_are_left_out_and_counted(cloud: Any) -> None:
    cloud.put_orders("batch-1", [*ORDERS, {**ORDERS[0], "order_id": "9", "currency": "EUR"}])
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    summary = cloud.lake.read_json(f"{cloud.snapshot_item()['prefix']}summary.json")
    assert summary["conversion"]["foreign"] == [
        {"currency": "EUR", "converted": 0, "carried": 0, "left_out": {"no rates": 1}}
    ]
    assert summary["total"]["net_minor"] == 18000


def test_an_account_without_orders_gets_an_empty_snapshot(cloud: Any) -> None:
    work = {"account_id": "cdnow", "snapshot_id": FIRST, "as_of": "1997-10-01T00:00:00Z"}
    assert cloud.call("refresh_compute", work)["parts"] == 0
    assert cloud.call("refresh_publish", work) == {"customers": 0, "changed": 0}


def test_only_changed_customers_are_written_again(cloud: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    assert cloud.refresh(SECOND, "1997-10-02T00:00:00Z", 0.29) == {"customers": 2, "changed": 0}
    assert cloud.segment_of("ann")["snapshot_id"] == FIRST
    # A month later ann is silent for longer than her threshold; bob stays lost.
    assert cloud.refresh(THIRD, "1997-12-20T00:00:00Z") == {"customers": 2, "changed": 1}
    assert (cloud.segment_of("ann")["snapshot_id"], cloud.segment_of("ann")["family"]) == (THIRD, "Slipping")
    assert cloud.segment_of("bob")["snapshot_id"] == FIRST
    migrations = cloud.lake.read_json(f"{cloud.snapshot_item()['prefix']}summary.json")["migrations"]
    figures = {"customers": 1, "net_minor_before": 17000, "net_minor_now": 17000}
    assert {"from_segment": "Big Spenders", "to_segment": "Slipping VIPs", **figures} in migrations


def test_a_score_that_moves_into_another_tenth_is_written(cloud: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z", 0.25)
    assert cloud.refresh(SECOND, "1997-10-02T00:00:00Z", 0.35)["changed"] == 2
    assert float(cloud.segment_of("bob")["churn_probability"]) == 0.35


def test_without_an_endpoint_a_customer_keeps_the_last_score_until_it_purchases(cloud: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z", 0.25)
    cloud.put_orders("batch-2", [{"customer": "bob", "order_id": "9", "day": "1997-10-02", "amount": 700}])
    cloud.refresh(SECOND, "1997-10-05T00:00:00Z", None)
    ann, bob = cloud.segment_of("ann"), cloud.segment_of("bob")
    assert (float(ann["churn_probability"]), ann["score_source"]) == (0.25, "last_scores")
    assert [reason["feature"] for reason in ann["churn_reasons"]] == ["silence_ratio"]
    assert bob["score_source"] == "heuristic"
    assert "churn_reasons" not in bob
    cloud.refresh(THIRD, "1997-11-05T00:00:00Z", None)
    assert cloud.segment_of("ann")["score_source"] == "heuristic"  # 35 days are too many


def test_scores_left_over_of_an_attempt_with_more_parts_repeat_nobody(cloud: Any, tmp_path: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    work = {"account_id": "cdnow", "snapshot_id": FIRST, "as_of": "1997-10-01T00:00:00Z"}
    cloud.score(cloud.call("refresh_compute", work)["manifest"])
    scores = f"refresh/account=cdnow/{FIRST}/scores/part-0000"
    left = [{**row, "churn_probability": 0.5} for row in cloud.lake.read_rows(f"{scores}0.jsonl.gz")]
    cloud.lake.write_rows(f"{scores}1.jsonl.gz", left)
    assert cloud.call("refresh_publish", work) == {"customers": 2, "changed": 2}
    path = cloud.lake.download(f"{cloud.snapshot_item()['prefix']}customers.parquet", tmp_path / "customers.parquet")
    with duckdb.connect() as db:
        found = db.execute("SELECT count(*), max(churn_probability) FROM read_parquet(?)", [str(path)]).fetchall()
    assert found == [(2, 0.25)]


def test_a_customer_whose_purchases_were_withdrawn_loses_the_segment(cloud: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    cloud.put_orders("batch-2", [{**ORDERS[2], "amount": -1, "received_at": "1997-10-02T00:00:00Z"}], "1997-10-02")
    assert cloud.refresh(SECOND, "1997-10-03T00:00:00Z") == {"customers": 1, "changed": 1}
    assert cloud.segment_of("bob") is None


def test_thresholds_stay_for_a_quarter_and_are_then_read_again(cloud: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    for snapshot_id, as_of, calibrated in (
        (SECOND, "1997-11-01T00:00:00Z", "1997-10-01T00:00:00Z"),
        (THIRD, "1998-03-01T00:00:00Z", "1998-03-01T00:00:00Z"),
    ):
        cloud.refresh(snapshot_id, as_of)
        rubric = cloud.lake.read_json(f"{cloud.snapshot_item(snapshot_id)['prefix']}rubric.json")
        assert rubric["calibrated_at"] == calibrated


def test_a_backfill_changes_neither_the_latest_snapshot_nor_customers(cloud: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    ann = cloud.segment_of("ann")
    assert cloud.refresh(SECOND, "1997-09-15T00:00:00Z") == {"customers": 2, "changed": 0}
    assert cloud.snapshot_item()["snapshot_id"] == FIRST
    assert cloud.snapshot_item(SECOND)["state"] == "published"
    assert cloud.segment_of("ann") == ann
    rubric = cloud.lake.read_json(f"{cloud.snapshot_item(SECOND)['prefix']}rubric.json")
    assert rubric["calibrated_at"] == "1997-09-15T00:00:00Z"


def test_publishing_twice_changes_nothing(cloud: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    first = cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    before = cloud.customers.scan()["Items"], cloud.campaigns.scan()["Items"]
    work = {"account_id": "cdnow", "snapshot_id": FIRST, "as_of": "1997-10-01T00:00:00Z"}
    assert cloud.call("refresh_publish", work) == first
    assert (cloud.customers.scan()["Items"], cloud.campaigns.scan()["Items"]) == before


def test_publishing_that_was_killed_is_taken_up_again_with_the_same_result(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.put_orders("batch-1", ORDERS)
    with monkeypatch.context() as patched:
        patched.setattr(SnapshotStore, "finish", _killed)
        with pytest.raises(_Killed):
            cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    assert cloud.snapshot_item() is None
    work = {"account_id": "cdnow", "snapshot_id": FIRST, "as_of": "1997-10-01T00:00:00Z"}
    assert cloud.call("refresh_publish", work) == {"customers": 2, "changed": 2}
    assert cloud.snapshot_item()["snapshot_id"] == FIRST
    assert cloud.snapshot_item("publishing") is None


def test_what_an_abandoned_snapshot_left_behind_is_put_right_by_the_next(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    with monkeypatch.context() as patched:
        patched.setattr(SnapshotStore, "finish", _killed)
        with pytest.raises(_Killed):
            cloud.refresh(SECOND, "1997-12-20T00:00:00Z")
    assert cloud.segment_of("ann")["family"] == "Slipping"

    # The third snapshot has ann where the latest published one has her; yet her item says otherwise.
    with pytest.raises(PublishingElsewhere):
        cloud.refresh(THIRD, "1997-10-05T00:00:00Z")
    later = datetime.now(UTC) + timedelta(hours=1)
    monkeypatch.setattr(SystemClock, "now", lambda self, event=None: later)
    cloud.refresh(THIRD, "1997-10-05T00:00:00Z")
    assert (cloud.segment_of("ann")["family"], cloud.segment_of("ann")["snapshot_id"]) == ("Heroes", THIRD)
    assert cloud.snapshot_item("publishing") is None


def test_a_failed_refresh_says_at_which_step(cloud: Any, events: Any) -> None:
    failed = {**events["refresh_publish"], "error": {"step": "refresh_score", "code": "States.TaskFailed"}}
    cloud.call("refresh_publish", failed)
    item = cloud.snapshot_item(failed["snapshot_id"])
    assert (item["state"], item["failed_step"]) == ("failed", "refresh_score")


def test_a_late_failure_does_not_undo_a_published_snapshot(cloud: Any, events: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    failed = {**events["refresh_publish"], "snapshot_id": FIRST, "error": {"step": "refresh_publish", "code": "x"}}
    cloud.call("refresh_publish", failed)
    store = SnapshotStore(cloud.campaigns)
    assert store.get(AccountId("cdnow"), SnapshotId(FIRST)).state == "published"  # type: ignore[union-attr]


class _Killed(RuntimeError):
    pass


def _killed(*_: Any) -> None:
    raise _Killed
