"""The prepare workflow's functions: candidates, enrolment, dry-run plan, summary."""

import json
from typing import Any

import pytest

from winback.accounts import Sender
from winback.accounts.brand import Brand
from winback.aws import keys
from winback.aws.launches import LaunchStore
from winback.aws.tables import Accounts
from winback.campaigns.launch import LaunchState
from winback.identifiers import AccountId


def fixed_launch(cloud: Any) -> Any:
    """The launch that the sample payloads name."""
    launch = cloud.launch(cloud.new_launch()).model_copy(
        update={
            "launch_id": "lau-000000000001",
            "prefix": "launches/account=acme/lau-000000000001/",
            "state": LaunchState.DRAFT,
            "dry_run": None,
            "chunks": None,
            "version": 1,
        }
    )
    LaunchStore(cloud.campaigns).create(type(launch).model_validate(launch.model_dump()))
    return cloud.launch("lau-000000000001")


def test_the_sample_payloads_prepare_a_launch_from_end_to_end(cloud: Any) -> None:
    fixed_launch(cloud)
    found = cloud.invoke("launch_candidates", cloud.event("launch_candidates"))
    assert found["chunks"] == 2
    assert found["steps"] == [1, 2]
    for chunk in (0, 1):
        enrol = cloud.event("launch_enrol")
        key = enrol["key"].replace("chunk-00000", f"chunk-0000{chunk}")
        assert cloud.invoke("launch_enrol", {**enrol, "chunk": chunk, "key": key}) == {"chunk": chunk}
        for step in (1, 2):
            plan = {**cloud.event("launch_plan"), "chunk": chunk, "key": key, "step": step, "mode": "dry_run"}
            assert cloud.invoke("launch_plan", plan) == {"chunk": chunk}
    cloud.invoke("launch_summary", cloud.event("launch_summary"))
    launch = cloud.launch("lau-000000000001")
    assert launch.state == "awaiting_approval"
    assert launch.chunks == 2


def test_the_candidates_are_exactly_the_audience_in_order_in_chunks(cloud: Any) -> None:
    launch_id = cloud.new_launch()
    lines = cloud.lines(launch_id)
    assert [line["rows"] for line in lines] == [25, 15]
    assert set(lines[0]) == {"account_id", "launch_id", "chunk", "key", "rows", "first", "last"}
    rows = cloud.rows(launch_id, "candidates")
    expected = sorted(key for number, key in enumerate(cloud.customer_keys) if number % 3)
    assert [row["customer_key"] for row in rows] == expected
    assert set(rows[0]) == {"customer_key", "segment", "family", "value_tier", "status", "lapsed"}


def test_the_dry_run_counts_every_recipient_and_every_exclusion_with_its_reason(cloud: Any) -> None:
    launch_id = cloud.new_launch()
    _, launch = cloud.request("GET", f"/v1/launches/{launch_id}")
    run = launch["dry_run"]
    denied = sum(1 for number in range(60) if number % 3 and number % 10 == 0)
    assert run["audience"]["candidates"] == 40
    assert run["audience"]["excluded"] == {"customers": denied, "reasons": {"no_consent": denied}}
    treated = run["audience"]["arms"]["treatment"]
    assert run["audience"]["arms"]["holdout"] + treated == 40 - denied
    assert [step["recipients"] for step in run["steps"]] == [treated, treated]
    assert run["cost"]["emails"] == 2 * treated
    allowed = [row for row in cloud.rows(launch_id, "plan-dry_run/step-1") if row["verdict"] == "allow"]
    assert len(allowed) == treated
    assert cloud.due() == []
    assert f"{launch_id}/dry_run.html" in launch["dry_run_page"]
    page = cloud.lake.read_bytes(f"launches/account=acme/{launch_id}/dry_run.html").decode()
    assert run["fingerprint"] in page
    assert "assumed, not measured" in page


def test_the_cap_of_the_account_is_foreseen_between_the_steps_of_the_launch_itself(cloud: Any) -> None:
    steps = [{"template": "we-miss-you", "after_days": day} for day in range(5)]
    _, launch = cloud.request("GET", f"/v1/launches/{cloud.new_launch(steps=steps)}")
    treated = launch["dry_run"]["audience"]["arms"]["treatment"]
    assert [step["recipients"] for step in launch["dry_run"]["steps"]] == [treated, treated, treated, 0, 0]
    assert launch["dry_run"]["steps"][3]["excluded"]["reasons"]["frequency_cap"] >= treated


def test_the_dry_run_in_the_lake_shows_messages_without_anything_personal(cloud: Any) -> None:
    launch_id = cloud.new_launch()
    stored = cloud.lake.read_json(f"launches/account=acme/{launch_id}/dry_run.json")
    assert [sample["step"] for sample in stored["samples"]] == [1, 2]
    assert all("1 Main Street" in sample["html"] for sample in stored["samples"])
    everything = json.dumps(stored)
    assert "Firstname" not in everything
    assert "@example.com" not in everything.replace("shop@acme.example.com", "")


def test_a_dry_run_shows_the_look_that_was_frozen_and_the_postal_address_of_today(cloud: Any) -> None:
    def change(**fields: Any) -> None:
        Accounts(cloud.campaigns).change(AccountId("acme"), lambda account: account.model_copy(update=fields))

    _, campaign = cloud.request("POST", "/v1/campaigns", json.loads(cloud.event("api_campaigns")["body"]))
    change(name="Old Acme", brand=Brand(color="#123456"))  # told just before the launch
    path = f"/v1/campaigns/{campaign['campaign_id']}/launches"
    _, launch = cloud.request("POST", path, {"starts_at": "2026-03-27T08:00:00Z"})
    sender = Sender(name="Acme", email="shop@acme.example.com", postal_address="9 New Street")
    change(name="New Acme", brand=Brand(color="#654321"), sender=sender)
    cloud.prepare(launch["launch_id"])

    samples = cloud.lake.read_json(f"launches/account=acme/{launch['launch_id']}/dry_run.json")["samples"]

    assert samples
    for sample in samples:
        assert all(shown in sample["html"] for shown in ("Old Acme", "#123456", "9 New Street"))
        assert not any(other in sample["html"] for other in ("New Acme", "#654321", "1 Main Street"))


def test_preparing_twice_or_again_after_a_change_of_facts_keeps_what_was_written_first(cloud: Any) -> None:
    launch_id = cloud.new_launch()
    before = {key: cloud.lake.read_bytes(key) for key in cloud.lake.list(f"launches/account=acme/{launch_id}/")}
    for key in cloud.customer_keys:  # everybody leaves in between
        place = keys.profile(AccountId("acme"), key)
        cloud.customers.delete_item(Key=place)
    cloud.prepare(launch_id)
    assert {key: cloud.lake.read_bytes(key) for key in cloud.lake.list(f"launches/account=acme/{launch_id}/")} == before
    assert cloud.launch(launch_id).state == "awaiting_approval"


def test_a_summary_killed_before_it_saved_the_launch_gives_the_same_fingerprint_again(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = fixed_launch(cloud)
    with monkeypatch.context() as patched:
        patched.setattr(LaunchStore, "save", _die)
        with pytest.raises(KeyboardInterrupt):
            cloud.prepare(launch.launch_id)
    first = cloud.lake.read_json(f"{launch.prefix}dry_run.json")
    assert cloud.launch(launch.launch_id).state == "draft"
    cloud.invoke("launch_summary", cloud.event("launch_summary"))
    assert cloud.lake.read_json(f"{launch.prefix}dry_run.json") == first
    assert cloud.launch(launch.launch_id).dry_run == first["fingerprint"]


def _die(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_failure_is_recorded_with_its_step_and_a_second_report_of_it_changes_nothing(cloud: Any) -> None:
    launch = fixed_launch(cloud)
    event = {
        "account_id": "acme",
        "launch_id": launch.launch_id,
        "error": {"step": "launch_enrol", "code": "States.TaskFailed"},
    }
    for _ in range(2):
        cloud.invoke("launch_summary", event)
    failed = cloud.launch(launch.launch_id)
    assert failed.state == "failed"
    assert (failed.error.step, failed.error.code) == ("launch_enrol", "States.TaskFailed")
    _, shown = cloud.request("GET", f"/v1/launches/{launch.launch_id}")
    assert shown["error"] == {"step": "launch_enrol", "code": "States.TaskFailed"}


def test_a_launch_cancelled_while_it_is_prepared_stays_cancelled(cloud: Any) -> None:
    launch = fixed_launch(cloud)
    assert cloud.request("POST", f"/v1/launches/{launch.launch_id}/cancel")[0] == 200
    cloud.prepare(launch.launch_id)
    assert cloud.launch(launch.launch_id).state == "cancelled"


def test_an_audience_of_nobody_gives_an_empty_dry_run(cloud: Any) -> None:
    launch_id = cloud.new_launch(audience={"segments": ["Long Gone"]})
    _, launch = cloud.request("GET", f"/v1/launches/{launch_id}")
    assert launch["dry_run"]["audience"]["candidates"] == 0
    assert [step["recipients"] for step in launch["dry_run"]["steps"]] == [0, 0]
