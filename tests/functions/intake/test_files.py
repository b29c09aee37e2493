import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.functions.intake.conftest import EVENTS, NOW, Intake
from winback.aws import customers as customers_module
from winback.aws import keys
from winback.aws.imports import ImportStore
from winback.aws.lake import Lake
from winback.aws.orders import Activity
from winback.aws.suppressions import SuppressionList
from winback.aws.tables import Accounts, batch_get
from winback.campaigns.launch import LaunchState
from winback.identifiers import AccountId, LaunchId, SendId, customer_key

ORDERS = """customer_id,order_id,ordered_at,amount
ann,o1,2026-11-20T10:00:00Z,12.50
bob,o2,2026-11-20T11:00:00Z,3
ann,o3,2026-11-21,-2
,o4,2026-11-20,1
bob,o2,2026-11-20T11:00:00Z,3.00
"""
COUNTS = ("read", "accepted", "duplicates", "rejected")
CUSTOMERS = "customer_id,email,email_consent\nann,ann@example.com,granted\nbob,bob@example.com,denied\ncat,nobody,\n"


def counts(job: Any) -> tuple[int, ...]:
    return tuple(job[name] for name in COUNTS)


def lake_orders(intake: Intake, tmp_path: Path, account: str = "acme") -> list[Any]:
    found = []
    for number, key in enumerate(intake.lake.list(f"orders/account={account}/")):
        path = intake.lake.download(key, tmp_path / f"{number}.parquet")
        found += duckdb.read_parquet(str(path)).fetchall()
    return found


def test_an_uploaded_file_ends_up_in_the_lake(intake: Intake, tmp_path: Path) -> None:
    job = intake.run("orders", ORDERS)
    assert job["state"] == "finished"
    assert counts(job) == (5, 3, 1, 1)
    assert job["rejects_by_reason"] == {"customer_id: missing": 1}
    (key,) = intake.lake.list("orders/")
    assert key == f"orders/account=acme/received=2026-11-21/{job['import_id']}.parquet"
    rows = duckdb.read_parquet(str(intake.lake.download(key, tmp_path / "orders.parquet")))
    assert rows.columns == [
        "order_id",
        "customer_id",
        "customer_key",
        "ordered_at",
        "amount_minor",
        "currency",
        "discount_minor",
        "cost_minor",
        "lines",
        "discount_codes",
        "fingerprint",
        "received_at",
    ]
    found = {row[0]: row for row in rows.fetchall()}
    assert set(found) == {"o1", "o2", "o3"}
    assert found["o1"][2] == customer_key(f"{0:032x}", "ann")
    assert found["o1"][4:6] == (1250, "EUR")
    assert found["o1"][11] == NOW.replace(tzinfo=None)


def test_rejects_can_be_read_with_line_field_and_reason(intake: Intake) -> None:
    job = intake.run("orders", ORDERS)
    assert job["rejects_url"].startswith("https://")
    (reject,) = intake.lake.read_rows(f"rejects/account=acme/{job['import_id']}.jsonl.gz")
    assert (reject["line"], reject["field"]) == (5, "customer_id")
    assert "missing" in reject["reason"]
    assert json.loads(reject["row"])["order_id"] == "o4"


def test_the_sample_event_is_what_the_worker_takes(intake: Intake) -> None:
    event = json.loads((EVENTS / "import_worker.json").read_text())
    from functions.import_worker.handler import handler

    assert handler(event, intake.context) == {"batchItemFailures": []}, (
        "an upload that belongs to no import is no failure"
    )


def test_the_same_event_again_changes_nothing(intake: Intake) -> None:
    job = intake.run("orders", ORDERS)
    before = intake.everything()
    intake.set_clock(NOW + timedelta(days=1))
    intake.work(job["import_id"])
    assert intake.read(job["import_id"]) | {"rejects_url": ""} == job | {"rejects_url": ""}
    assert intake.everything() == before


@pytest.mark.parametrize(("kind", "content", "known"), [("orders", ORDERS, 3), ("customers", CUSTOMERS, 2)])
def test_the_same_file_as_a_new_import_is_all_duplicates(intake: Intake, kind: str, content: str, known: int) -> None:
    first = intake.run(kind, content)
    before = intake.everything()
    intake.set_clock(NOW + timedelta(days=1))
    again = intake.run(kind, content)
    assert again["accepted"] == 0
    assert again["duplicates"] == first["duplicates"] + known
    after = intake.everything()
    assert after["customers"] == before["customers"]
    assert {key for key in after["objects"] if "rejects/" not in key} == {
        key for key in before["objects"] if "rejects/" not in key
    }


@pytest.mark.parametrize("owner_and_method", [(Lake, "upload"), (Activity, "raise_to"), (ImportStore, "finish")])
def test_an_import_of_orders_killed_anywhere_and_retried_ends_the_same(
    intake: Intake, break_at: Callable[..., Any], owner_and_method: tuple[type, str]
) -> None:
    intake.launch(NOW - timedelta(days=5))
    import_id = intake.start("orders")["import_id"]
    intake.upload(import_id, ORDERS)
    mend = break_at(*owner_and_method)
    assert intake.work(import_id)["batchItemFailures"]
    assert intake.read(import_id)["state"] == "processing"
    mend()
    intake.set_clock(NOW + timedelta(days=2))
    assert intake.work(import_id) == {"batchItemFailures": []}
    job = intake.read(import_id)
    assert counts(job) == (5, 3, 1, 1)
    assert list(intake.lake.list("orders/")) == [f"orders/account=acme/received=2026-11-21/{import_id}.parquet"]
    ann = intake.customers.get_item(Key=keys.activity(AccountId("acme"), customer_key(f"{0:032x}", "ann")))
    assert ann["Item"]["last_order_at"] == "2026-11-20T10:00:00Z"


@pytest.mark.parametrize("owner_and_method", [(Lake, "upload"), (ImportStore, "finish")])
def test_an_import_of_customers_killed_anywhere_and_retried_ends_the_same(
    intake: Intake, break_at: Callable[..., Any], owner_and_method: tuple[type, str]
) -> None:
    import_id = intake.start("customers")["import_id"]
    intake.upload(import_id, CUSTOMERS)
    mend = break_at(*owner_and_method)
    assert intake.work(import_id)["batchItemFailures"]
    before = intake.everything()["customers"]
    mend()
    intake.work(import_id)
    assert counts(intake.read(import_id)) == (3, 2, 0, 1)
    assert intake.everything()["customers"] == before
    rows = intake.lake.read_rows(f"customers/account=acme/received=2026-11-21/{import_id}.jsonl.gz")
    assert [row["customer_id"] for row in rows] == ["ann", "bob"]


def test_a_changed_order_is_a_new_version(intake: Intake, tmp_path: Path) -> None:
    intake.run("orders", ORDERS)
    intake.set_clock(NOW + timedelta(hours=1))
    job = intake.run("orders", ORDERS.replace("12.50", "13.50"))
    assert counts(job) == (5, 1, 3, 1)
    assert sorted(row[4] for row in lake_orders(intake, tmp_path) if row[0] == "o1") == [1250, 1350]
    intake.set_clock(NOW + timedelta(hours=2))
    assert counts(intake.run("orders", ORDERS)) == (5, 1, 3, 1), "changed back: the latest version counts"


def test_only_changed_customers_are_written(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    intake.run("customers", CUSTOMERS)
    key = keys.profile(AccountId("acme"), customer_key(f"{0:032x}", "bob"))
    bob = intake.customers.get_item(Key=key)["Item"]
    assert bob["consent"] == {"email": {"state": "denied", "at": "2026-11-21T09:30:00Z"}}
    intake.set_clock(NOW + timedelta(hours=1))
    job = intake.run("customers", CUSTOMERS.replace("ann@", "anna@"))
    assert counts(job) == (3, 1, 1, 1)
    assert intake.customers.get_item(Key=key)["Item"] == bob


@pytest.mark.parametrize("kind", ["file", "batch"])
@pytest.mark.parametrize("times", [1, 2])
def test_an_unsubscribe_while_a_profile_is_being_replaced_is_not_lost(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, kind: str, times: int
) -> None:
    intake.run("customers", CUSTOMERS)
    acme = Accounts(intake.campaigns).get(AccountId("acme"))
    ann = acme.customer_key("ann")
    send = SendId(AccountId("acme"), LaunchId("lau-000000000001"), 1, ann)
    calls = []

    def read_just_before(*arguments: Any, **options: Any) -> Any:
        found = batch_get(*arguments, **options)
        calls.append(len(found))
        # The batch reads once more at its start, to tell what is new.
        if (2 if kind == "batch" else 1) <= len(calls) < (2 if kind == "batch" else 1) + times:
            at = NOW + timedelta(seconds=len(calls))
            assert SuppressionList(intake.customers).unsubscribe(acme, ann, "email", at=at, send_id=send)
        return found

    monkeypatch.setattr(customers_module, "batch_get", read_just_before)
    if kind == "file":
        job = intake.run("customers", CUSTOMERS.replace("ann@", "anna@"))
        assert counts(job) == (3, 1, 1, 1)
    else:
        consent = {"email": {"state": "granted", "at": "2026-11-21T08:00:00Z"}}
        body = {"customers": [{"customer_id": "ann", "email": "anna@example.com", "consent": consent}]}
        assert intake.call("POST", "/v1/customers:batch", body)[1]["counts"]["accepted"] == 1
    profile = intake.customers.get_item(Key=keys.profile(AccountId("acme"), ann))["Item"]
    assert profile["email"] == "anna@example.com"
    assert (profile["consent"]["email"]["state"], profile["consent"]["email"]["source"]) == ("denied", "unsubscribe")


def test_an_unsubscribe_survives_the_next_upload_of_the_same_consent(intake: Intake) -> None:
    intake.run("customers", CUSTOMERS)
    key = keys.profile(AccountId("acme"), customer_key(f"{0:032x}", "ann"))
    denied = {"state": "denied", "at": "2026-11-22T00:00:00Z", "source": "unsubscribe"}
    intake.customers.update_item(
        Key=key, UpdateExpression="SET consent.email = :d", ExpressionAttributeValues={":d": denied}
    )
    intake.set_clock(NOW + timedelta(days=3))
    intake.run("customers", CUSTOMERS.replace("ann@", "anna@"))
    ann = intake.customers.get_item(Key=key)["Item"]
    assert ann["email"] == "anna@example.com"
    assert ann["consent"]["email"] == denied


@pytest.mark.parametrize(
    ("content", "more", "reason"),
    [
        (b"\xff\xfe\x00\x01", {}, "UTF-16"),
        ("a,b\n1,2\n", {}, "no column customer_id"),
        (gzip.compress(ORDERS.encode())[:-9], {}, "gzip but broken"),
        (ORDERS, {"format": "parquet"}, "not Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_fails_with_its_reason_and_is_not_tried_again(
    intake: Intake, content: Any, more: dict[str, str], reason: str
) -> None:
    job = intake.run("orders", content, **more)
    assert job["state"] == "failed"
    assert reason in job["reason"]
    assert list(intake.lake.list("orders/")) == []


SECOND = "customer_id,order_id,ordered_at,amount\ncat,p1,2026-11-20,7\n"


def test_of_two_uploads_before_the_start_the_later_is_the_file(intake: Intake) -> None:
    import_id = intake.start("orders")["import_id"]
    intake.upload(import_id, ORDERS)
    first = intake.etag(import_id)
    intake.upload(import_id, SECOND)
    assert intake.work(import_id, etag=first) == {"batchItemFailures": []}
    assert intake.read(import_id)["state"] == "awaiting_upload"
    intake.work(import_id)
    assert counts(intake.read(import_id)) == (1, 1, 0, 0)


def test_an_upload_while_another_is_read_does_not_become_part_of_it(
    intake: Intake, break_at: Callable[..., Any]
) -> None:
    import_id = intake.start("orders")["import_id"]
    intake.upload(import_id, ORDERS)
    first = intake.etag(import_id)
    mend = break_at(ImportStore, "finish")
    assert intake.work(import_id)["batchItemFailures"]
    mend()
    before = intake.everything()
    intake.upload(import_id, SECOND)
    assert intake.work(import_id) == {"batchItemFailures": []}, "the second upload's event is left alone"
    assert intake.read(import_id)["state"] == "processing"
    assert intake.everything() == before
    intake.work(import_id, etag=first)
    job = intake.read(import_id)
    assert job["state"] == "failed", "the first file cannot be read any more"
    assert "start a new import" in job["reason"]
    assert intake.everything() == before


def test_accounts_never_see_each_others_imports(intake: Intake, tmp_path: Path) -> None:
    ours = intake.run("orders", ORDERS)
    status, body = intake.call("GET", f"/v1/imports/{ours['import_id']}", account="other")
    assert (status, body["error"]["code"]) == (404, "unknown_import")
    theirs = intake.run("orders", ORDERS, account="other")
    assert counts(theirs) == counts(ours), "orders of one account are no duplicates of another's"
    assert {row[2] for row in lake_orders(intake, tmp_path, "other")}.isdisjoint(
        {row[2] for row in lake_orders(intake, tmp_path / "ours", "acme")}
    )


def test_an_upload_under_another_accounts_import_is_left_alone(intake: Intake) -> None:
    ours = intake.start("orders")["import_id"]
    intake.upload(ours, ORDERS, account="other")
    intake.work(ours, account="other")
    assert intake.read(ours)["state"] == "awaiting_upload"
    assert list(intake.lake.list("orders/")) == []


def test_activity_is_written_only_while_a_launch_may_stop_on_it(intake: Intake) -> None:
    intake.run("orders", ORDERS)
    assert intake.customers.scan()["Items"] == []
    intake.launch(NOW - timedelta(hours=22), LaunchState.FINISHED)
    intake.run("orders", ORDERS.replace("o1", "p1"))
    assert intake.customers.scan()["Items"] == []
    intake.launch(NOW - timedelta(hours=22, minutes=40))  # 2026-11-20T10:50
    intake.run("orders", ORDERS.replace("o1", "q1").replace("o2", "q2").replace("o3", "q3"))
    (bob,) = intake.customers.scan()["Items"]
    assert bob["last_order_at"] == "2026-11-20T11:00:00Z", "a return and an order before the launch do not count"


def test_activity_only_ever_rises(intake: Intake) -> None:
    activity = Activity(intake.customers, intake.campaigns)
    ann = customer_key("salt", "ann")
    later, earlier = datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    assert activity.raise_to(AccountId("acme"), {ann: later}) == 1
    assert activity.raise_to(AccountId("acme"), {ann: earlier}) == 0
    assert intake.customers.get_item(Key=keys.activity(AccountId("acme"), ann))["Item"]["last_order_at"].startswith(
        "2026-05-02"
    )


def test_many_customers_are_written_in_parallel_and_completely(intake: Intake) -> None:
    rows = "".join(f"c{i},c{i}@example.com,granted\n" for i in range(234))
    job = intake.run("customers", "customer_id,email,email_consent\n" + rows)
    assert counts(job) == (234, 234, 0, 0)
    total, arguments = 0, {}
    while True:
        page = intake.customers.scan(Select="COUNT", **arguments)
        total += page["Count"]
        if "LastEvaluatedKey" not in page:
            break
        arguments = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert total == 234
