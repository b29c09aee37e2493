"""A pause, a cancellation, the kill switches and an unsubscribe act on everything that was not handed over yet."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from local.inprocess.engine import Engine
from local.inprocess.faults import cancel, pause, resume, resume_account, stop_account
from local.inprocess.provider import Taken, Trouble
from local.inprocess.reports import Reactions, told
from local.inprocess.scenario import MESSAGE, START, ZONES, campaign, candidates, customer_keys, profiles, shop
from local.inprocess.tally import tally
from winback.aws.launches import LaunchStore
from winback.aws.orders import Activity
from winback.aws.switches import Switches
from winback.campaigns.launch import LaunchState
from winback.delivery.circuit import FAILURES
from winback.delivery.ledger import Outcome
from winback.delivery.reputation import Counts
from winback.delivery.switches import StoppedBy
from winback.identifiers import LaunchId
from winback.instants import format_instant

CUSTOMERS = 40
MINUTE = timedelta(minutes=1)
STEP = {"template": MESSAGE, "after_days": 0, "send_at": "11:30"}
Act = Callable[[Engine], object]


def running(per_second: float = 0.2) -> Engine:
    """In the midst of its one step: a dozen were sent in its first minute, all others are due."""
    keys = customer_keys(CUSTOMERS)
    engine = shop(keys, per_second=per_second, reactions=Reactions(bounced=0, complained=0, unsubscribed=0))
    engine.prepare(campaign(holdout={"share": 0}, steps=[STEP]), candidates(keys))
    while not engine.provider.taken:
        engine.minute()
        moment = engine.next_moment()
        assert moment is not None
        engine.clock.move_to(moment)
    assert 0 < len(engine.provider.taken) < CUSTOMERS / 2
    return engine


def stop_everything(engine: Engine) -> None:
    Switches(engine.campaigns).stop(None, by=StoppedBy.PERSON, because="an incident", now=engine.clock.now())


def resume_everything(engine: Engine) -> None:
    Switches(engine.campaigns).resume(None, counted=Counts(), now=engine.clock.now())


@pytest.mark.parametrize(
    ("stop", "go_on"),
    [(pause, resume), (stop_account, resume_account), (stop_everything, resume_everything)],
    ids=["pause", "switch of the account", "switch of all"],
)
def test_nothing_leaves_from_a_stop_until_it_is_taken_back_and_everything_after(stop: Act, go_on: Act) -> None:
    engine = running()
    stop(engine)
    before = set(engine.provider.taken)
    for _ in range(30):
        engine.minute()
    assert set(engine.provider.taken) == before
    go_on(engine)
    engine.run()
    found = tally(engine)
    assert found.handed_over == found.planned == CUSTOMERS
    assert found.sound


@pytest.mark.parametrize("stop", [pause, stop_account, cancel], ids=["pause", "switch of the account", "cancellation"])
def test_a_stop_acts_on_messages_that_are_in_the_queue_already(stop: Act) -> None:
    engine = running()
    engine.feed()
    assert not engine.queue.empty
    before = set(engine.provider.taken)
    stop(engine)
    engine.clock.pass_by(MINUTE)
    engine.send()
    assert set(engine.provider.taken) == before
    assert engine.queue.empty


def test_what_a_cancelled_launch_had_not_sent_is_never_sent_and_every_send_is_accounted_for() -> None:
    engine = running()
    engine.feed()
    before = set(engine.provider.taken)
    cancel(engine)
    engine.run()
    found = tally(engine)
    assert set(engine.provider.taken) == before
    assert found.cancelled + found.outcomes[Outcome.SKIPPED] == CUSTOMERS - len(before)
    assert found.sound


@pytest.mark.parametrize("kind", ["unsubscribe", "complaint", "bounce"])
def test_who_wants_out_gets_nothing_of_what_is_on_its_way(kind: str) -> None:
    engine = running()
    engine.feed()  # the next ones are in the queue
    leaving = next(iter(engine.provider.taken))
    waiting = [
        key for key in customer_keys(CUSTOMERS) if key not in {one.customer_key for one in engine.provider.taken}
    ]
    for customer in waiting:
        send_id = replace(leaving, customer_key=customer)
        if kind == "unsubscribe":
            engine.unsubscribe(send_id)
        else:
            engine.hear(_event(engine, kind, Taken(send_id, _address(engine, customer), engine.clock.now())))
    before = set(engine.provider.taken)
    engine.run()
    assert set(engine.provider.taken) == before
    assert tally(engine).outcomes[Outcome.SKIPPED] == len(waiting)


def test_an_unsubscribe_acts_on_the_message_of_rows_that_is_being_sent() -> None:
    engine = running()
    before = set(engine.provider.taken)
    first: list[Taken] = []

    def everybody_leaves(taken: Taken) -> bool:
        if not first:
            first.append(taken)
            for customer in customer_keys(CUSTOMERS):
                engine.unsubscribe(replace(taken.send_id, customer_key=customer))
        return False

    engine.provider.tell = everybody_leaves
    engine.run()
    assert set(engine.provider.taken) - before == {first[0].send_id}


def _event(engine: Engine, kind: str, taken: Taken) -> dict[str, object]:
    at: datetime = engine.clock.now()
    if kind == "bounce":
        return told(taken, "Bounce", "bounce", at, bounceType="Permanent")
    return told(taken, "Complaint", "complaint", at)


def _address(engine: Engine, customer: str) -> str:
    profile = engine.customers.look(f"{engine.account.account_id}#{customer}", "profile")
    assert profile is not None
    return str(profile["email"])


@pytest.mark.parametrize("broken", ["launch", "account"])
def test_what_cannot_be_read_waits_and_holds_up_no_feeder(broken: str) -> None:
    engine = running()
    launch_id = next(iter(engine.following))
    account_id = engine.account.account_id
    key, needed = (
        ({"pk": f"{account_id}#launch", "sk": launch_id}, "starts_at")
        if broken == "launch"
        else ({"pk": "accounts", "sk": account_id}, "sender")
    )
    engine.campaigns.update_item(
        Key=key, UpdateExpression="REMOVE #needed", ExpressionAttributeNames={"#needed": needed}
    )
    engine.start_anew(1)
    before = set(engine.provider.taken)
    wall = engine.clock.wall() + MINUTE
    fed = engine.workers.feeder.feed(engine.clock.now(), wall, lambda: 60.0)
    assert (fed.unreadable, fed.total["released"]) == ((launch_id,), 0)
    assert fed.errors == {}
    assert fed.total["waiting"] > 0
    assert set(engine.provider.taken) == before


@pytest.mark.parametrize("state", [state for state in LaunchState if state.over])
def test_a_launch_of_the_past_that_this_release_cannot_read_is_in_nobody_s_way(state: LaunchState) -> None:
    keys = customer_keys(CUSTOMERS)
    engine = shop(keys)
    at = {"starts_at": format_instant(START), "created_at": format_instant(START)}
    old = {"launch_id": "lau-00000000000f", "campaign_id": "cmp-00000000000f", **at}
    place = {"pk": f"{engine.account.account_id}#launch", "sk": old["launch_id"]}
    engine.campaigns.put_item(Item={**place, **old, "state": state.value, "definition": {"steps": "of long ago"}})
    launch = engine.prepare(campaign(holdout={"share": 0}), candidates(keys))
    engine.run()
    assert tally(engine).sound
    account_id = engine.account.account_id
    assert Activity(engine.customers, engine.campaigns).matters_since(account_id) == launch.created_at
    listed = {one.launch_id: one.state for one in LaunchStore(engine.campaigns).outlines(account_id)}
    assert listed[LaunchId(old["launch_id"])] is state


@pytest.mark.parametrize("gone", ["launch", "account"])
def test_nothing_is_sent_for_an_account_that_is_being_erased_and_nothing_comes_back(gone: str) -> None:
    engine = running()
    engine.feed()
    account_id = engine.account.account_id
    item = {"pk": f"{account_id}#launch", "sk": next(iter(engine.following))}
    engine.campaigns.delete_item(Key=item if gone == "launch" else {"pk": "accounts", "sk": account_id})
    engine.start_anew(1)
    before = set(engine.provider.taken)
    engine.clock.pass_by(MINUTE)
    engine.send()
    assert engine.queue.empty
    assert set(engine.provider.taken) == before
    assert not engine.errors


@pytest.mark.parametrize("channel", ["email", "webhook"])
def test_while_a_provider_does_not_answer_the_plan_waits_and_leaves_once_it_does(channel: str) -> None:
    keys, silent = customer_keys(CUSTOMERS), timedelta(minutes=20)
    engine = shop([], per_second=0.5)
    engine.add_customers((key, {"customer_id": key, **profile}) for key, profile in profiles(keys, ZONES[:1]))
    engine.prepare(campaign(holdout={"share": 0}, channels=[channel], steps=[STEP]), candidates(keys))
    asked: list[datetime] = []

    def trouble(_: object) -> Trouble | None:
        asked.append(engine.clock.moment)
        return Trouble.LOST_BEFORE if engine.clock.moment - asked[0] < silent else None

    engine.provider.trouble = trouble
    engine.run()
    found = tally(engine)
    probes = 5  # after 1, 2, 4 and 8 minutes, and one more
    assert found.sound
    assert found.handed_over == CUSTOMERS - found.outcomes[Outcome.UNKNOWN]
    assert FAILURES <= found.outcomes[Outcome.UNKNOWN] <= FAILURES + probes
