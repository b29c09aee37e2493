"""The campaign workflow's functions: the clock, and live planning that may die anywhere."""

from datetime import timedelta
from typing import Any

import pytest

from winback.aws import keys
from winback.aws.due import DueIndex
from winback.identifiers import AccountId
from winback.instants import parse_instant


def clock(cloud: Any, launch_id: str, steps_planned: int) -> dict[str, Any]:
    event = {**cloud.event("launch_clock"), "launch_id": launch_id, "steps_planned": steps_planned}
    return cloud.invoke("launch_clock", event)


def plan_event(cloud: Any, launch_id: str, step: int = 1) -> dict[str, Any]:
    return {**cloud.event("launch_plan"), **cloud.lines(launch_id)[0], "step": step, "mode": "live"}


def test_the_clock_leads_a_launch_from_its_first_step_to_its_report(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    launch = cloud.launch(launch_id)
    for now, steps_planned, action, step in (
        (launch.created_at, 0, "wait", 1),
        (launch.planned_at(1), 0, "plan", 1),
        (launch.planned_at(1), 1, "wait", 2),
        (launch.planned_at(2), 1, "plan", 2),
        (launch.planned_at(2), 2, "wait", 2),
        (launch.evaluation_ends_at, 2, "report", 2),
    ):
        cloud.clock.set(now)
        answer = clock(cloud, launch_id, steps_planned)
        assert (answer["action"], answer["step"]) == (action, step)
        assert set(answer) == {
            "account_id",
            "launch_id",
            "steps_planned",
            "action",
            "wait_until",
            "step",
            "manifest",
        }
        assert cloud.lake.read_rows(answer["manifest"]) == cloud.lines(launch_id)
        parse_instant(answer["wait_until"])


def test_live_planning_writes_a_verdict_for_everyone_and_one_due_entry_a_chunk(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    cloud.plan(launch_id, 1)
    rows = cloud.rows(launch_id, "plan-live/step-1")
    enrolled = [row for row in cloud.rows(launch_id, "audience") if row["eligible"]]
    assert [row["customer_key"] for row in rows] == [row["customer_key"] for row in enrolled]
    assert all((row["verdict"] == "allow") == (row["arm"] == "treatment") for row in rows)
    entries = sorted(cloud.due(), key=lambda entry: entry.chunk)
    assert [(entry.chunk, entry.from_row) for entry in entries] == [(0, 0), (1, 0)]
    assert sum(entry.to_row for entry in entries) == len(rows)
    assert {entry.send_at for entry in entries} == {cloud.launch(launch_id).planned_at(1)}
    assert cloud.lake.read_rows(entries[0].key) == rows[: entries[0].to_row]


def test_planning_twice_keeps_the_first_plan_and_one_entry_also_when_the_facts_changed(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    event = plan_event(cloud, launch_id)
    cloud.invoke("launch_plan", event)
    first, entries = cloud.rows(launch_id, "plan-live/step-1"), cloud.due()
    for key in cloud.customer_keys:
        cloud.customers.delete_item(Key=keys.profile(AccountId("acme"), key))
    cloud.invoke("launch_plan", event)
    assert cloud.rows(launch_id, "plan-live/step-1") == first
    assert [(entry.key, entry.from_row, entry.to_row) for entry in cloud.due()] == [
        (entry.key, entry.from_row, entry.to_row) for entry in entries
    ]


def test_a_planner_killed_between_plan_and_due_entry_adds_the_entry_when_it_is_repeated(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch_id = cloud.running_launch()
    event = plan_event(cloud, launch_id)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(DueIndex, "put", die)
        with pytest.raises(KeyboardInterrupt):
            cloud.invoke("launch_plan", event)
    first = cloud.rows(launch_id, "plan-live/step-1")
    assert first
    assert cloud.due() == []
    cloud.invoke("launch_plan", event)
    assert cloud.rows(launch_id, "plan-live/step-1") == first
    (entry,) = cloud.due()
    assert (entry.from_row, entry.to_row) == (0, len(first))


def test_who_bought_after_the_start_is_not_planned_for_the_next_step(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    cloud.plan(launch_id, 1)
    buyer = next(r["customer_key"] for r in cloud.rows(launch_id, "plan-live/step-1") if r["verdict"] == "allow")
    place = keys.activity(AccountId("acme"), buyer)
    cloud.customers.put_item(Item={**place, "last_order_at": "2026-03-29T10:00:00Z"})
    cloud.plan(launch_id, 2)
    row = next(r for r in cloud.rows(launch_id, "plan-live/step-2") if r["customer_key"] == buyer)
    assert (row["verdict"], row["reasons"]) == ("deny", ["converted"])


def test_who_unsubscribed_meanwhile_is_not_planned_for_the_next_step(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    cloud.plan(launch_id, 1)
    leaver = next(r["customer_key"] for r in cloud.rows(launch_id, "plan-live/step-1") if r["verdict"] == "allow")
    cloud.customers.update_item(
        Key=keys.profile(AccountId("acme"), leaver),
        UpdateExpression="SET consent = :consent",
        ExpressionAttributeValues={":consent": {"email": {"state": "denied"}}},
    )
    cloud.plan(launch_id, 2)
    row = next(r for r in cloud.rows(launch_id, "plan-live/step-2") if r["customer_key"] == leaver)
    assert (row["verdict"], row["reasons"]) == ("deny", ["no_consent"])


def test_what_was_approved_is_what_is_planned_when_nothing_happened_in_between(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    for step in (1, 2):
        cloud.plan(launch_id, step)
        assert cloud.rows(launch_id, f"plan-live/step-{step}") == cloud.rows(launch_id, f"plan-dry_run/step-{step}")
    _, shown = cloud.request("GET", f"/v1/launches/{launch_id}")
    assert [step["chunks"] for step in shown["steps"]] == [{"planned": 2, "of": 2}] * 2


def test_a_paused_launch_waits_and_a_cancelled_one_goes_to_its_report(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    cloud.clock.set(cloud.launch(launch_id).planned_at(1))
    assert cloud.request("POST", f"/v1/launches/{launch_id}/pause")[0] == 200
    assert clock(cloud, launch_id, 0)["action"] == "wait"
    cloud.clock.set(cloud.launch(launch_id).planned_at(1) + timedelta(hours=1))
    assert cloud.request("POST", f"/v1/launches/{launch_id}/resume")[0] == 200
    assert clock(cloud, launch_id, 0)["action"] == "plan"
    assert cloud.request("POST", f"/v1/launches/{launch_id}/cancel")[0] == 200
    assert clock(cloud, launch_id, 0)["action"] == "report"
