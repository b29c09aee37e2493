"""Store events by batch and by file: each once, into the lake, and an unsubscription into the profile too."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from tests.functions.intake.conftest import NOW, Intake
from winback.accounts.channels import ChannelName
from winback.aws import keys
from winback.aws.contacts import ContactBook
from winback.aws.customers import ProfileStore
from winback.aws.events import EventMarkers
from winback.aws.lake import Lake
from winback.identifiers import AccountId, CustomerKey, customer_key

ACME, SALT = AccountId("acme"), f"{0:032x}"
KINDS = ("visited", "carted", "wishlisted", "searched", "subscribed", "opened", "clicked", "sent", "delivered")
FILE = """customer_id,kind,at,channel,event_id
ann,visited,2026-11-20T10:00:00Z,web,
ann,visited,2026-11-20T10:00:00Z,web,
bob,opened,2026-11-19,email,e1
bob,bought,2026-11-19,,
"""


def event(**more: Any) -> dict[str, Any]:
    return {"customer_id": "ann", "kind": "visited", "at": "2026-11-20T10:00:00Z"} | more


def post(intake: Intake, *items: Any, account: str = "acme") -> list[str]:
    status, body = intake.call("POST", "/v1/events:batch", {"events": list(items)}, account=account)
    assert status == 200, body
    found = [result["status"] for result in body["results"]]
    assert body["counts"] == {name: found.count(name) for name in ("accepted", "duplicate", "rejected")}
    return found


def rows(intake: Intake) -> list[dict[str, Any]]:
    return [row for key in intake.lake.list("engagement/") if key.endswith(".gz") for row in intake.lake.read_rows(key)]


def consent(intake: Intake, customer: str = "ann") -> Any:
    found = intake.customers.get_item(Key=keys.profile(ACME, customer_key(SALT, customer)))
    return {name: stated["state"] for name, stated in found["Item"]["consent"].items()} if "Item" in found else None


def contacts(intake: Intake) -> list[dict[str, str]]:
    key = keys.contacts(ACME, CustomerKey(customer_key(SALT, "ann")))
    found: list[dict[str, str]] = intake.performance.get_item(Key=key).get("Item", {"recent": []})["recent"]
    return found


def state_customer(intake: Intake, **channels: tuple[str, str]) -> None:
    stated = {name: {"state": state, "at": at} for name, (state, at) in channels.items()}
    body = {"customers": [{"customer_id": "ann", "email": "ann@example.com", "consent": stated}]}
    assert intake.call("POST", "/v1/customers:batch", body)[0] == 200


def test_events_are_touches_in_the_lake_under_the_customer_key(intake: Intake) -> None:
    assert post(intake, *[event(kind=kind, channel="web") for kind in KINDS]) == ["accepted"] * len(KINDS)
    (key,) = intake.lake.list("engagement/")
    assert key.startswith("engagement/account=acme/received=2026-11-21/bat-")
    found = rows(intake)
    assert {row["kind"] for row in found} == set(KINDS)
    assert set(found[0]) == {"customer_key", "kind", "channel", "at", "touch_id", "by_machine"}
    assert {(row["customer_key"], row["at"], row["by_machine"]) for row in found} == {
        (customer_key(SALT, "ann"), "2026-11-20T10:00:00Z", False)
    }


def test_each_event_is_answered_by_itself(intake: Intake) -> None:
    status, body = intake.call(
        "POST",
        "/v1/events:batch",
        {"events": [event(event_id="e1"), event(event_id="e1"), event(event_id="e1", kind="carted"), event(), event()]},
    )
    assert status == 200
    assert [(result["id"], result["status"]) for result in body["results"]] == [
        ("e1", "accepted"),
        ("e1", "duplicate"),
        ("e1", "rejected"),
        (None, "accepted"),
        (None, "duplicate"),
    ]
    assert body["results"][2]["errors"][0]["field"] == "event_id"


def test_an_unknown_kind_is_rejected_naming_those_there_are(intake: Intake) -> None:
    _, body = intake.call("POST", "/v1/events:batch", {"events": [event(kind="bought"), event(at="2026-11-23")]})
    first, second = body["results"]
    assert (first["status"], first["errors"][0]["field"]) == ("rejected", "kind")
    assert all(kind in first["errors"][0]["expected"] for kind in (*KINDS, "unsubscribed"))
    assert (second["status"], second["errors"][0]["field"]) == ("rejected", "at")


def test_the_same_events_again_are_duplicates_and_change_nothing(intake: Intake) -> None:
    items = [event(event_id="e1"), event(), event(kind="unsubscribed", channel="email")]
    assert post(intake, *items) == ["accepted"] * 3
    before = intake.everything()
    intake.set_clock(NOW + timedelta(days=1))
    assert post(intake, *reversed(items)) == ["duplicate"] * 3
    assert intake.everything() == before
    assert post(intake, items[0], event(at="2026-11-20T10:00:01Z")) == ["duplicate", "accepted"]


def test_markers_of_events_age_out(intake: Intake) -> None:
    post(intake, event())
    (marker,) = [item for item in intake.customers.scan()["Items"] if item["sk"] == "event"]
    assert marker["expires_at"] == int((NOW + timedelta(days=35)).timestamp())


@pytest.mark.parametrize(
    "owner_and_method",
    [(Lake, "write_rows"), (ProfileStore, "deny"), (ContactBook, "add_touches"), (EventMarkers, "mark")],
)
def test_a_batch_of_events_that_broke_off_ends_the_same_when_it_is_repeated(
    intake: Intake, break_at: Callable[..., Any], owner_and_method: tuple[type, str]
) -> None:
    state_customer(intake, email=("granted", "2026-01-01"))
    items = [event(kind="sent", channel="sms"), event(kind="unsubscribed", channel="email")]
    mend = break_at(*owner_and_method)
    with pytest.raises(ConnectionError):
        post(intake, *items)
    mend()
    assert post(intake, *items) == ["accepted"] * 2
    assert len(rows(intake)) == 2
    assert consent(intake) == {"email": "denied"}
    assert [entry["channel"] for entry in contacts(intake)] == ["sms"]


def test_accounts_share_no_events(intake: Intake) -> None:
    assert post(intake, event(event_id="e1")) == post(intake, event(event_id="e1"), account="other") == ["accepted"]
    first, second = rows(intake)
    assert first["touch_id"] != second["touch_id"]
    assert first["customer_key"] != second["customer_key"]


def test_a_file_of_events_is_accounted_for_row_by_row(intake: Intake, tmp_path: Any) -> None:
    job = intake.run("events", FILE)
    assert (job["state"], job["read"], job["accepted"], job["duplicates"], job["rejected"]) == ("finished", 4, 2, 1, 1)
    assert job["rejects_by_reason"] == {"kind: not a kind": 1}
    (key,) = intake.lake.list("engagement/")
    assert key == f"engagement/account=acme/received=2026-11-21/{job['import_id']}.parquet"
    table = duckdb.read_parquet(str(intake.lake.download(key, tmp_path / "events.parquet")))
    assert table.columns == ["customer_key", "kind", "channel", "at", "touch_id", "by_machine"]
    assert {row[:2] for row in table.fetchall()} == {
        (customer_key(SALT, "ann"), "visited"),
        (customer_key(SALT, "bob"), "opened"),
    }


def test_a_file_knows_the_events_of_files_and_batches_but_not_our_own_sends(intake: Intake) -> None:
    assert post(intake, event(channel="web")) == ["accepted"]
    intake.lake.write_rows("engagement/account=acme/received=2026-11-20/exp-1.jsonl.gz", [{"touch_id": "t"}])
    first = intake.run("events", FILE)
    assert (first["accepted"], first["duplicates"]) == (1, 2)
    second = intake.run("events", FILE)
    assert (second["accepted"], second["duplicates"], second["rejected"]) == (0, 3, 1)
    assert len([key for key in intake.lake.list("engagement/") if "/imp-" in key]) == 1


@pytest.mark.parametrize("owner_and_method", [(Lake, "upload"), (ProfileStore, "deny")])
def test_an_import_of_events_killed_anywhere_and_retried_ends_the_same(
    intake: Intake, break_at: Callable[..., Any], owner_and_method: tuple[type, str]
) -> None:
    state_customer(intake, email=("granted", "2026-01-01"))
    import_id = intake.start("events")["import_id"]
    intake.upload(import_id, "customer_id,kind,at,channel\nann,unsubscribed,2026-11-20,\nann,sent,2026-11-20,email\n")
    mend = break_at(*owner_and_method)
    assert intake.work(import_id) != {"batchItemFailures": []}
    mend()
    assert intake.work(import_id) == {"batchItemFailures": []}
    job = intake.read(import_id)
    assert (job["state"], job["accepted"], job["duplicates"]) == ("finished", 2, 0)
    assert consent(intake) == {channel.value: "denied" for channel in ChannelName}
    assert [entry["channel"] for entry in contacts(intake)] == ["email"]


def test_who_left_elsewhere_is_not_written_to_any_more(intake: Intake) -> None:
    state_customer(intake, email=("granted", "2026-11-01"), sms=("granted", "2026-11-01"))
    post(intake, event(kind="unsubscribed", channel="email"))
    assert consent(intake) == {"email": "denied", "sms": "granted"}
    state_customer(intake, email=("granted", "2026-11-01"), sms=("granted", "2026-11-02"))
    assert consent(intake)["email"] == "denied", "what was said before the customer left says nothing"
    state_customer(intake, email=("granted", "2026-11-21"))
    assert consent(intake)["email"] == "granted"


def test_an_old_unsubscription_does_not_lift_a_later_consent(intake: Intake) -> None:
    state_customer(intake, email=("granted", "2026-11-20T12:00:00Z"))
    post(intake, event(kind="unsubscribed", channel="email"))
    assert consent(intake) == {"email": "granted"}
    post(intake, event(kind="unsubscribed", channel="email", at="2026-11-20T12:00:00Z"))
    assert consent(intake) == {"email": "denied"}, "of one instant the denial counts"


def test_events_make_no_profile(intake: Intake) -> None:
    post(intake, event(kind="visited"), event(kind="subscribed", channel="email"))
    assert consent(intake) is None


def test_who_left_before_an_undated_consent_was_imported_is_not_written_to(intake: Intake) -> None:
    intake.run("customers", "customer_id,email,email_consent\nann,ann@example.com,granted\n")
    assert consent(intake) == {"email": "granted"}
    post(intake, event(kind="unsubscribed", channel="email", at="2020-01-01"))
    assert consent(intake) == {"email": "denied"}


@pytest.mark.parametrize("told", ["by batch", "by file"])
def test_who_left_before_the_store_told_of_them_is_not_written_to(intake: Intake, told: str) -> None:
    if told == "by batch":
        post(intake, event(kind="unsubscribed"))
    else:
        intake.run("events", "customer_id,kind,at\nann,unsubscribed,2026-11-20T10:00:00Z\n")
    state_customer(intake, email=("granted", "2026-11-01"), sms=("granted", "2026-11-21"))
    assert consent(intake) == {channel.value: "denied" for channel in ChannelName} | {"sms": "granted"}


def test_what_other_tools_sent_lately_is_a_contact_once_told_by_batch_or_file(intake: Intake) -> None:
    sent = event(kind="sent", channel="email", at="2026-11-20T12:00:00Z", event_id="e1")
    post(intake, sent, event(kind="sent", at="2026-11-19"), event(kind="sent", channel="web"), event(kind="opened"))
    post(intake, sent, event(kind="sent", channel="email", at="2026-10-01"))
    file = "customer_id,kind,at,channel,event_id\nann,sent,2026-11-20T12:00:00Z,email,e1\nann,sent,2026-11-18,push,e2\n"
    intake.run("events", file + "ann,sent,2026-01-18,push,e3\n")
    assert [(entry["at"][:10], entry["channel"]) for entry in contacts(intake)] == [
        ("2026-11-18", "push"),
        ("2026-11-19", ""),
        ("2026-11-20", "email"),
    ]


def test_subscribing_elsewhere_is_no_consent(intake: Intake) -> None:
    state_customer(intake, email=("denied", "2026-01-01"))
    post(intake, event(kind="subscribed", channel="email"))
    assert consent(intake) == {"email": "denied"}
