"""The campaign workflow's functions: the clock, and live planning that may die anywhere."""

from datetime import timedelta
from typing import Any

import pytest

from winback.aws import keys
from winback.aws.due import DueIndex
from winback.aws.reputation import Reputation
from winback.identifiers import AccountId, LaunchId, SendId
from winback.instants import parse_instant

ANSWERED = {
    "account_id",
    "launch_id",
    "continuation",
    "looks",
    "action",
    "number",
    "wait_until",
    "moves_done",
    "moves_done_then",
    "manifest",
    "successor",
}


def plan_event(cloud: Any, launch_id: str, step: int = 1) -> dict[str, Any]:
    return {**cloud.event("launch_plan"), **cloud.lines(launch_id)[0], "step": step, "mode": "live"}


def test_the_clock_leads_a_launch_from_its_approval_to_its_report(cloud: Any) -> None:
    launch_id = cloud.new_launch()
    assert cloud.approve(launch_id)[0] == 200
    launch = cloud.launch(launch_id)
    for now, moves_done, action, number in (
        (launch.starts_at - timedelta(seconds=1), 0, "wait", 0),
        (launch.planned_at(1), 0, "plan", 1),
        (launch.planned_at(1), 1, "wait", 0),
        (launch.planned_at(2), 1, "plan", 2),
        (launch.planned_at(2), 2, "wait", 0),
        (launch.evaluation_ends_at, 2, "report", 0),
    ):
        cloud.clock.set(now)
        answer = cloud.look(launch_id, moves_done)
        assert (answer["action"], answer["number"], answer["moves_done"]) == (action, number, moves_done)
        assert set(answer) == ANSWERED
        assert cloud.lake.read_rows(answer["manifest"]) == cloud.lines(launch_id)
        parse_instant(answer["wait_until"])
        assert cloud.look(launch_id, moves_done)["action"] == action, "asked again, it answers the same"
    assert (cloud.launch(launch_id).state, cloud.launch(launch_id).started_at) == ("running", launch.planned_at(1))


def test_a_launch_that_passes_a_guardrail_pauses_and_says_why_and_once_resumed_is_judged_anew(cloud: Any) -> None:
    launch_id = cloud.running_launch(guardrails={"minimum_sends": 10})
    _ten_more_sends_and_a_bounce(cloud, launch_id)
    assert cloud.look(launch_id, 1)["action"] == "stop"
    status, shown = cloud.request("GET", f"/v1/launches/{launch_id}")
    assert (status, shown["state"]) == (200, "paused")
    assert "bounce rate is 10.00% of 10 sends" in shown["paused_because"]
    assert cloud.request("POST", f"/v1/launches/{launch_id}/resume")[0] == 200
    assert cloud.look(launch_id, 1, continuation=1)["action"] == "wait", "somebody has looked at these"
    _ten_more_sends_and_a_bounce(cloud, launch_id)
    assert cloud.look(launch_id, 1, continuation=1)["action"] == "stop"


def _ten_more_sends_and_a_bounce(cloud: Any, launch_id: str) -> None:
    reputation, now = Reputation(cloud.campaigns), cloud.launch(launch_id).starts_at
    reputation.add_sent(AccountId("acme"), LaunchId(launch_id), "email", 10, at=now)
    cloud.campaigns.update_item(
        Key=keys.launch_counts(AccountId("acme"), LaunchId(launch_id)),
        UpdateExpression="ADD bounced :one",
        ExpressionAttributeValues={":one": 1},
    )


def test_an_execution_hands_over_once_and_the_one_before_it_plans_nothing_more(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    spent = cloud.look(launch_id, 1, looks=1000)
    assert (spent["action"], spent["successor"]) == ("continue", {"name": f"{launch_id}-1", "continuation": 1})
    assert cloud.look(launch_id, 1, looks=1000)["successor"] == spent["successor"], "its answer was lost"
    assert cloud.look(launch_id, 0)["action"] == "continue"
    assert cloud.look(launch_id, 1, continuation=1)["action"] == "wait"


def test_a_pause_ends_the_execution_and_resuming_or_cancelling_starts_another(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    for verb, action, execution in (("pause", "stop", 0), ("resume", "wait", 1), ("cancel", "report", 2)):
        for _ in range(2 if verb != "pause" else 1):
            assert cloud.request("POST", f"/v1/launches/{launch_id}/{verb}")[0] == 200
        assert cloud.look(launch_id, 1, continuation=execution)["action"] == action
    assert sorted(cloud.executions("campaign")) == [launch_id, f"{launch_id}-1", f"{launch_id}-2"]


def test_each_customer_goes_one_way_at_a_branch_and_keeps_it(cloud: Any) -> None:
    account = AccountId("acme")
    branch = {"branch": {"on": "engaged"}, "after_days": 3, "then": [{"template": "we-miss-you", "after_days": 3}]}
    launch_id = cloud.running_launch(steps=[{"template": "we-miss-you", "after_days": 0}, branch])
    enrolled = [row["customer_key"] for row in cloud.rows(launch_id, "audience") if row["eligible"]]
    clicked, opened_by_machine = enrolled[:2]
    for customer, attribute in ((clicked, "clicked_at"), (opened_by_machine, "machine_opened_at")):
        row = keys.send(SendId(account, LaunchId(launch_id), 1, customer))
        cloud.performance.put_item(Item={**row, "state": "accepted", attribute: "2026-03-28T08:00:00Z"})
    lines = [{**cloud.event("launch_evaluate"), **line} for line in cloud.lines(launch_id)]
    for line in lines:
        assert cloud.invoke("launch_evaluate", line) == {"chunk": line["chunk"]}
    ways = cloud.rows(launch_id, "paths/branch-1")
    assert {row["customer_key"]: row["way"] for row in ways} == {
        customer: "then" if customer == clicked else "otherwise" for customer in enrolled
    }
    late = keys.send(SendId(account, LaunchId(launch_id), 1, opened_by_machine))
    cloud.performance.put_item(Item={**late, "state": "accepted", "opened_at": "2026-03-29T08:00:00Z"})
    for line in lines:
        cloud.invoke("launch_evaluate", line)
    assert cloud.rows(launch_id, "paths/branch-1") == ways


def test_live_planning_writes_a_verdict_for_everyone_and_one_due_entry_a_chunk(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    cloud.plan(launch_id, 1)
    rows = cloud.rows(launch_id, "plan-live/step-1")
    enrolled = [row for row in cloud.rows(launch_id, "audience") if row["eligible"]]
    assert sorted(row["customer_key"] for row in rows) == [row["customer_key"] for row in enrolled]
    assert all((row["verdict"] == "allow") == (row["arm"] == "treatment") for row in rows)
    entries = sorted(cloud.due(), key=lambda entry: entry.chunk)
    assert [(entry.chunk, entry.from_row) for entry in entries] == [(0, 0), (1, 0)]
    assert sum(entry.to_row for entry in entries) == sum(row["verdict"] == "allow" for row in rows)
    assert {entry.send_at for entry in entries} == {cloud.launch(launch_id).planned_at(1)}
    for entry in entries:
        allowed = [row for row in cloud.lake.read_rows(entry.key) if row["verdict"] == "allow"]
        assert cloud.lake.read_rows(entry.key)[: entry.to_row] == allowed


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
    assert (entry.from_row, entry.to_row) == (0, sum(row["verdict"] == "allow" for row in first))


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
