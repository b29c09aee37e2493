"""Planning chunk by chunk from the tables and the lake: other launches, policies, paths, hours and due entries."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.inprocess.engine import Engine
from local.inprocess.scenario import ACCOUNT, MESSAGE, START, campaign, candidates, customer_keys, shop
from local.inprocess.workers import Workers
from tests.unit.segmentation.customers import rubric_with
from winback.accounts import Account, ChannelCaps, FrequencyCap, FrequencyCaps
from winback.aws.budgets import Budgets
from winback.aws.contacts import ContactBook
from winback.aws.due import DueIndex
from winback.aws.keys import DUE_SHARDS
from winback.aws.lake import Row, snapshot_prefix
from winback.aws.launch_files import LaunchFiles, Mode
from winback.campaigns.launch import Launch, LaunchState
from winback.delivery.contacts import Contact
from winback.delivery.release import DueEntry
from winback.identifiers import CustomerKey, SnapshotId
from winback.instants import format_instant
from winback.offers.budget import Limits, Spend

PEOPLE = customer_keys(40)
TWICE = ACCOUNT.model_copy(
    update={
        "frequency_caps": FrequencyCaps(
            channels=ChannelCaps(email=FrequencyCap(sends=2, days=7)), overall=FrequencyCap(sends=2, days=7)
        )
    }
)
TEXTED = {**MESSAGE, "sms": "News of {{ shop.name }}. {{ opt_out }}"}


@pytest.fixture
def engine() -> Engine:
    return shop(PEOPLE, account=TWICE, chunk_rows=15)


def prepared(engine: Engine, number: int, people: Sequence[CustomerKey] = PEOPLE, **changes: Any) -> Launch:
    changes = {"holdout": {"share": 0}, **changes}
    return engine.prepare(campaign(**changes), candidates(people), f"lau-{number:012x}")


def planned(engine: Engine, launch: Launch, step: int = 1, mode: Mode = "live") -> dict[CustomerKey, Row]:
    engine.plan(launch, step, mode)
    files = LaunchFiles(engine.lake, launch)
    return {
        CustomerKey(row["customer_key"]): row
        for chunk in range(engine.chunks(launch))
        for row in engine.lake.read_rows(files.plan_key(mode, step, chunk))
    }


def reasons(rows: Mapping[CustomerKey, Row]) -> set[tuple[str, ...]]:
    return {tuple(row["reasons"]) for row in rows.values()}


def entries(engine: Engine, at: datetime) -> list[DueEntry]:
    index = DueIndex(engine.campaigns)
    return [entry for shard in range(DUE_SHARDS) for entry in index.due(at, shard, "email")]


def test_a_launch_of_lower_priority_leaves_the_room_that_one_of_higher_needs(engine: Engine) -> None:
    wanted = prepared(engine, 1, PEOPLE[10:], priority=80)  # two steps, three days apart
    lower, same = prepared(engine, 2, priority=20), prepared(engine, 3, priority=80)
    found = planned(engine, lower)
    assert reasons({key: found[key] for key in PEOPLE[:10]}) == {()}
    assert reasons({key: found[key] for key in PEOPLE[10:]}) == {("higher_priority",)}
    assert reasons(planned(engine, same)) == {()}
    assert reasons(planned(engine, wanted)) == {()}


def test_what_the_other_launch_will_not_send_reserves_nothing(engine: Engine) -> None:
    higher = prepared(engine, 1, priority=80)
    bought = {"pk": f"acme#{PEOPLE[0]}", "sk": "activity", "last_order_at": format_instant(START)}
    engine.customers.put_item(Item=bought)
    assert planned(engine, higher)[PEOPLE[0]]["reasons"] == ["converted"]
    lower = prepared(engine, 2, priority=20, stop_on=[])
    found = planned(engine, lower)
    assert found[PEOPLE[0]]["reasons"] == []
    assert reasons({key: found[key] for key in PEOPLE[1:]}) == {("higher_priority",)}
    engine.workers.launches.save(_stored(engine, higher).cancelled(START))
    engine.workers = Workers(engine)  # a function that runs already knows the others for a minute
    assert reasons(planned(engine, prepared(engine, 3, priority=20, stop_on=[]))) == {()}


def test_what_the_other_launch_has_sent_counts_as_a_contact_and_not_twice(engine: Engine) -> None:
    higher = prepared(engine, 1, priority=80, steps=[{"template": MESSAGE, "after_days": 0, "send_at": "09:30"}])
    lower = prepared(engine, 2, priority=20)
    book = ContactBook(engine.performance)
    sent = [Contact(higher.planned_at(1), "email", f"{higher.launch_id}#1")]
    for key in PEOPLE:
        book.add_others(TWICE.account_id, key, sent, START + timedelta(days=1))
    assert reasons(planned(engine, lower)) == {()}  # one of two


def test_a_segments_contact_policy_comes_from_the_rubric_of_the_launchs_snapshot(engine: Engine) -> None:
    one_off = [{"template": MESSAGE, "after_days": 0, "send_at": "09:30"}]
    book = ContactBook(engine.performance)
    for key in PEOPLE:
        contact = Contact(START - timedelta(days=20), "push", "lau-00000000000f#1")
        book.add_others(TWICE.account_id, key, [contact], START)
    rows = [{**row, "segment": "Long Gone", "family": "Already Lost"} for row in candidates(PEOPLE)]
    definition = campaign(steps=one_off, holdout={"share": 0}, audience={"segments": ["Long Gone"]})
    shipped = planned(engine, engine.prepare(definition, rows, "lau-000000000001"), mode="dry_run")
    assert reasons(shipped) == {("contact_policy",)}
    assert shipped[PEOPLE[0]]["contact_policy"] == {"at_most": 1, "days": 91, "channels": ["email"]}
    milder = rubric_with(START, overrides='[segments."Long Gone"]\nat_most = 2\n')
    rubric_key = f"{snapshot_prefix(TWICE.account_id, SnapshotId('snp-000000000001'))}rubric.json"
    engine.lake.write_json(rubric_key, milder.model_dump(mode="json"))
    adopted = planned(engine, engine.prepare(definition, rows, "lau-000000000002"), mode="dry_run")
    assert reasons(adopted) == {()}


def test_rows_that_leave_together_share_one_due_entry_of_the_one_chunk_object(engine: Engine) -> None:
    launch = prepared(engine, 1)
    rows = planned(engine, launch)
    due = entries(engine, START + timedelta(days=2))
    assert sum(entry.to_row - entry.from_row for entry in due) == len(PEOPLE)
    assert {entry.key for entry in due} == {
        LaunchFiles(engine.lake, launch).plan_key("live", 1, chunk) for chunk in range(3)
    }
    for entry in due:
        chunk = engine.lake.read_rows(entry.key)
        assert {row["send_at"] for row in chunk[entry.from_row : entry.to_row]} == {
            entry.send_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        }
    assert len({row["send_at"] for row in rows.values()}) == 4  # two zones' mornings, the account's time, unknown zones


def test_a_dry_run_counts_its_own_earlier_steps_and_repeats_itself(engine: Engine) -> None:
    three = [{"template": MESSAGE, "after_days": days, "send_at": "09:30"} for days in (0, 2, 4)]
    launch = prepared(engine, 1, steps=three)
    found = [planned(engine, launch, step, "dry_run") for step in (1, 2, 3)]
    assert [reasons(rows) for rows in found] == [{()}, {()}, {("frequency_cap", "overall_cap")}]
    again = prepared(engine, 2, steps=three)
    for step, rows in enumerate(found, start=1):
        repeated = planned(engine, again, step, "dry_run")
        assert {key: _without_ids(row) for key, row in repeated.items()} == {
            key: _without_ids(row) for key, row in rows.items()
        }


def test_only_customers_on_a_steps_path_are_in_its_plan(engine: Engine) -> None:
    branch = {
        "branch": {"on": "converted"},
        "after_days": 1,
        "otherwise": [{"template": MESSAGE, "after_days": 2, "send_at": "09:30"}],
    }
    launch = prepared(engine, 1, steps=[{"template": MESSAGE, "after_days": 0, "send_at": "09:30"}, branch])
    files = LaunchFiles(engine.lake, launch)
    for chunk in range(engine.chunks(launch)):
        people = [row["customer_key"] for row in engine.lake.read_rows(files.audience_key(chunk))]
        ways = [{"customer_key": key, "way": "then" if key in PEOPLE[:5] else "otherwise"} for key in people]
        engine.lake.write_rows(files.path_key(1, chunk), ways)
    assert set(planned(engine, launch, 2)) == set(PEOPLE[5:])
    assert set(planned(engine, launch, 2, "dry_run")) == set(PEOPLE)


def test_in_a_dry_run_the_two_ways_of_a_branch_do_not_count_together(engine: Engine) -> None:
    either = [{"template": MESSAGE, "after_days": 2, "send_at": "09:30"}]
    branch = {"branch": {"on": "converted"}, "after_days": 1, "then": either, "otherwise": either}
    launch = prepared(engine, 1, steps=[{"template": MESSAGE, "after_days": 0, "send_at": "09:30"}, branch], stop_on=[])
    assert [reasons(planned(engine, launch, step, "dry_run")) for step in (1, 2, 3)] == [{()}] * 3


def test_hours_are_asked_for_only_where_a_step_has_a_window_and_as_of_when_it_is_planned(engine: Engine) -> None:
    asked: list[tuple[str, int, datetime]] = []

    def advise(
        account: Account, customers: Mapping[CustomerKey, str | None], as_of: datetime
    ) -> Mapping[CustomerKey, Sequence[float]]:
        asked.append((account.account_id, len(customers), as_of))
        return {key: [float(hour % 24 == 14) for hour in range(168)] for key in customers}

    engine.workers.planner = replace(engine.workers.planner, advise=advise)
    window = {"from": "09:00", "until": "18:00"}
    steps = [
        {"template": MESSAGE, "after_days": 0, "send_at": "09:30"},
        {"template": MESSAGE, "after_days": 8, "send_within": window},
    ]
    launch = prepared(engine, 1, steps=steps)
    assert {as_of for _, _, as_of in asked} == {launch.created_at}
    asked.clear()
    planned(engine, launch, 1)
    assert asked == []
    rows = planned(engine, launch, 2)
    assert asked == [("acme", size, launch.planned_at(2)) for size in (15, 15, 10)]
    assert sum(row["hour_propensity"] > 0.5 for row in rows.values()) > 30


def test_who_engaged_with_an_earlier_step_is_known_from_the_ledger(engine: Engine) -> None:
    launch = prepared(engine, 1, stop_on=["engaged"])
    opened = launch.starts_at + timedelta(hours=3)
    for key, event in ((PEOPLE[0], "clicked_at"), (PEOPLE[1], "machine_opened_at")):
        row = {"pk": f"acme#{key}", "sk": f"send#{launch.launch_id}#1", "state": "accepted"}
        engine.performance.put_item(Item={**row, event: opened.strftime("%Y-%m-%dT%H:%M:%SZ")})
    found = planned(engine, launch, 2)
    assert [key for key, row in found.items() if row["reasons"]] == [PEOPLE[0]]
    assert found[PEOPLE[0]]["reasons"] == ["engaged"]


@pytest.mark.parametrize("where", ["step", "variant"])
def test_who_is_reached_by_a_channel_of_a_step_alone_takes_part(engine: Engine, where: str) -> None:
    ann, bob = PEOPLE[:2]
    give_phones(engine, [ann])
    for customer in (ann, bob):
        engine.customers.update_item(
            Key={"pk": f"acme#{customer}", "sk": "profile"}, UpdateExpression="REMOVE consent.email"
        )
    step = {"template": TEXTED, "after_days": 0, "send_at": "12:30"}
    test = {"name": "way", "variants": [{"name": "a", "channels": ["sms"]}, {"name": "b", "channels": ["sms"]}]}
    changes = (
        {"steps": [{**step, "channels": ["sms"]}]} if where == "step" else {"steps": [step], "experiments": [test]}
    )
    launch = prepared(engine, 1, [ann, bob], **changes)
    found = planned(engine, launch)
    assert {key: (row["verdict"], row["channel"]) for key, row in found.items()} == {ann: ("allow", "sms")}
    left_out = {
        row["customer_key"]: row for row in engine.lake.read_rows(LaunchFiles(engine.lake, launch).audience_key(0))
    }
    assert left_out[bob]["reasons"] == ["no_address"]


@pytest.mark.parametrize("event", ["unsubscribed_at", "complained_at"])
def test_who_left_by_one_channel_gets_the_launchs_later_messages_by_no_other(engine: Engine, event: str) -> None:
    give_phones(engine, PEOPLE[:2])
    steps = [
        {"template": TEXTED, "after_days": 0, "send_at": "09:30", "channels": ["email"]},
        {"template": TEXTED, "after_days": 3, "send_at": "12:30", "channels": ["sms"]},
    ]
    launch = prepared(engine, 1, steps=steps)
    left = {"pk": f"acme#{PEOPLE[0]}", "sk": f"send#{launch.launch_id}#1", "state": "accepted"}
    engine.performance.put_item(Item={**left, event: format_instant(launch.starts_at + timedelta(hours=3))})
    found = planned(engine, launch, 2)
    assert found[PEOPLE[0]]["reasons"] == ["unsubscribed"]
    assert (found[PEOPLE[1]]["verdict"], found[PEOPLE[1]]["channel"]) == ("allow", "sms")


def test_a_launch_that_has_spent_its_budget_plans_no_more_messages(engine: Engine) -> None:
    launch = prepared(engine, 1, budget={"sends": 10})
    assert reasons(planned(engine, launch, 2, "dry_run")) == {()}
    Budgets(engine.campaigns).take(launch.account_id, launch.launch_id, [Spend(sends=10)], Limits(sends=10))
    assert reasons(planned(engine, launch, 2)) == {("budget_spent",)}


def give_phones(engine: Engine, people: Sequence[CustomerKey]) -> None:
    """And consent to texts."""
    for number, key in enumerate(people):
        engine.customers.update_item(
            Key={"pk": f"acme#{key}", "sk": "profile"},
            UpdateExpression="SET phone = :phone, country = :country, consent.sms = :granted",
            ExpressionAttributeValues={
                ":phone": f"+491701234{number:03}",
                ":granted": {"state": "granted"},
                ":country": "DE",
            },
        )


def _stored(engine: Engine, launch: Launch) -> Launch:
    found = engine.workers.launches.get(launch.account_id, launch.launch_id)
    assert found.state in (LaunchState.SCHEDULED, LaunchState.RUNNING)
    return found


def _without_ids(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "send_id"}
