"""Campaigns that want the same customers at once, and senders side by side: caps, budgets and codes hold exactly."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from local.inprocess.engine import Engine
from local.inprocess.scenario import (
    ACCOUNT,
    MESSAGE,
    OFFER,
    campaign,
    candidates,
    customer_keys,
    give_offer,
    import_codes,
    profiles,
    shop,
)
from local.inprocess.tally import tally
from local.inprocess.workers import Workers
from tests.unit.interleaving import Turns
from winback.accounts.frequency_caps import ChannelCaps, FrequencyCap, FrequencyCaps
from winback.campaigns.launch import Launch
from winback.delivery.ledger import Outcome
from winback.delivery.release import Release
from winback.identifiers import CustomerKey, LaunchId

CUSTOMERS = 16
ONCE, TWICE = FrequencyCap(sends=1, days=7), FrequencyCap(sends=2, days=7)


class Unaware:
    """Of other launches: as when two are planned at the same moment."""

    def expected(self, *_: Any) -> dict[CustomerKey, Any]:
        return {}


def engine_with(
    wanted: Sequence[CustomerKey], *, channel: FrequencyCap = TWICE, overall: FrequencyCap = TWICE
) -> Engine:
    caps = FrequencyCaps(channels=ChannelCaps(email=channel, sms=channel), overall=overall)
    engine = shop([], account=ACCOUNT.model_copy(update={"frequency_caps": caps}))
    engine.add_customers((key, {**profile, "phone": "+4915123456789"}) for key, profile in profiles(wanted))
    return engine


def launched(engine: Engine, wanted: Sequence[CustomerKey], number: int, **changes: Any) -> Launch:
    step = {
        "template": {**MESSAGE, "sms": "{{ shop.name }} has news. {{ opt_out }}"},
        "after_days": 0,
        "send_at": "11:30",
    }
    step["offer"] = "offers" in changes
    definition = campaign(**{"holdout": {"share": 0}, "steps": [step], **changes})
    offers = (OFFER,) if "offers" in changes else ()
    launch = engine.create(definition, candidates(wanted), f"lau-{number:012d}", offers=offers)
    engine.enrol(launch)
    if offers:
        give_offer(engine, launch, wanted)
    return engine.approve(launch)


def send_side_by_side(engine: Engine, seed: int, senders: int = 3) -> None:
    """All that is due goes into the queue; the senders take turns at every call until nothing is left."""
    engine.workers.planner = replace(engine.workers.planner, rivals=Unaware())  # type: ignore[arg-type]
    turns = Turns(random.Random(seed))
    engine.meet(turns)
    while not engine.provider.taken:
        for launch_id in engine.following:
            engine.follow(launch_id)
        engine.feed()
        engine.clock.pass_by(60)
        turns.run([lambda: send_visible(engine)] * senders)
        moment = engine.next_moment()
        assert moment is not None
        engine.clock.move_to(moment)
    engine.per_second = 1000
    engine.run()


def send_visible(engine: Engine) -> None:
    own = Workers(engine)
    while messages := engine.queue.receive(1):
        report = own.dispatch.send(Release.from_json(messages[0].body), lambda: 60.0)
        assert not report.come_back
        engine.queue.delete(messages[0])


def received(engine: Engine) -> Counter[CustomerKey]:
    return Counter(send_id.customer_key for send_id in engine.provider.taken)


@pytest.mark.parametrize("seed", range(2))
def test_campaigns_that_race_keep_to_the_cap_of_a_channel(seed: int) -> None:
    wanted = customer_keys(CUSTOMERS)
    engine = engine_with(wanted, channel=ONCE)
    for number in (1, 2):
        launched(engine, wanted, number)
    send_side_by_side(engine, seed)
    assert received(engine) == dict.fromkeys(wanted, 1)
    assert tally(engine).sound


@pytest.mark.parametrize("seed", range(2))
def test_campaigns_on_several_channels_that_race_keep_to_the_overall_cap(seed: int) -> None:
    wanted = customer_keys(CUSTOMERS)
    engine = engine_with(wanted, overall=TWICE)
    for number, channel in enumerate(("email", "sms", "email"), start=1):
        launched(engine, wanted, number, channels=[channel])
    send_side_by_side(engine, seed)
    assert received(engine) == dict.fromkeys(wanted, 2)
    assert tally(engine).sound


@pytest.mark.parametrize("seed", range(2))
def test_senders_side_by_side_send_as_many_as_the_budget_allows_and_no_more(seed: int) -> None:
    wanted = customer_keys(CUSTOMERS)
    engine = engine_with(wanted)
    launched(engine, wanted, 1, budget={"sends": 9})
    send_side_by_side(engine, seed)
    found = tally(engine)
    assert (found.handed_over, found.outcomes[Outcome.SKIPPED]) == (9, CUSTOMERS - 9)
    assert found.sound


@pytest.mark.parametrize("seed", range(2))
def test_two_campaigns_of_one_code_pool_give_each_code_once_and_none_that_there_is_not(seed: int) -> None:
    wanted = customer_keys(2 * CUSTOMERS)
    engine = engine_with(wanted)
    codes = import_codes(engine, CUSTOMERS + 4)
    policy = {"offers": [OFFER.offer_id], "budget_minor": 10_000_000}
    for number, own in ((1, wanted[:CUSTOMERS]), (2, wanted[CUSTOMERS:])):
        launched(engine, own, number, offers=policy)
    send_side_by_side(engine, seed)
    rows = [item for item in engine.performance.items() if item["sk"].startswith("send#")]
    assert sorted(item["code"] for item in rows if item["state"] == "accepted") == codes
    assert Counter(str(item.get("reasons")) for item in rows) == {"None": len(codes), "['no_code']": CUSTOMERS - 4}
    assert tally(engine).sound


@pytest.mark.parametrize("seed", range(2))
def test_campaigns_that_race_give_a_customer_one_discount(seed: int) -> None:
    wanted = customer_keys(CUSTOMERS)
    engine = engine_with(wanted)
    import_codes(engine, 99)
    for number in (1, 2):
        launched(engine, wanted, number, offers={"offers": [OFFER.offer_id], "budget_minor": 10_000_000})
    send_side_by_side(engine, seed)
    assert received(engine) == dict.fromkeys(wanted, 1)
    assert tally(engine).sound


def test_offers_of_senders_side_by_side_stay_within_their_budget() -> None:
    wanted = customer_keys(CUSTOMERS)
    engine = engine_with(wanted)
    import_codes(engine, 99)
    launched(engine, wanted, 1, offers={"offers": [OFFER.offer_id], "budget_minor": 7_500})
    send_side_by_side(engine, 1)
    assert len(engine.provider.taken) == 7
    assert tally(engine).sound


def test_the_campaign_of_higher_priority_goes_first() -> None:
    wanted = customer_keys(CUSTOMERS)
    engine = engine_with(wanted, channel=ONCE)
    launched(engine, wanted, 1, priority=10)
    launched(engine, wanted, 2, priority=90)
    engine.run()
    assert {send_id.launch_id for send_id in engine.provider.taken} == {LaunchId("lau-000000000002")}
    assert received(engine) == dict.fromkeys(wanted, 1)
