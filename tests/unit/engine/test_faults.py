"""A whole launch under faults: nothing is lost, nothing is sent twice, and the ledger says what is so."""

import pytest

from bench.faults import everything, faults
from local.inprocess.engine import Engine
from local.inprocess.faults import Fault, KillAt
from local.inprocess.reports import Reactions
from local.inprocess.scenario import MESSAGE, campaign, candidates, customer_keys, shop
from local.inprocess.tally import tally

READS = frozenset({"campaigns.query"})  # the feeder's, of every channel and shard, before it does anything


def launched_under(hook: KillAt) -> Engine:
    """Two customers and one step, from the enrolment to the reports."""
    keys = customer_keys(2)
    engine = shop(keys, reactions=Reactions(bounced=0, complained=0, opened=0, unsubscribed=0))
    definition = campaign(holdout={"share": 0}, steps=[{"template": MESSAGE, "after_days": 0, "send_at": "11:30"}])
    launch = engine.create(definition, candidates(keys), "lau-000000000001")
    engine.meet(hook)
    engine.enrol(launch)
    engine.approve(launch)
    engine.run()
    return engine


def test_killed_at_any_point_in_turn_a_launch_loses_nothing_and_sends_nothing_twice() -> None:
    counting = KillAt(spared=READS)
    launched_under(counting)
    unknown = 0
    for place in range(counting.met):
        hook = KillAt(place, READS)
        engine = launched_under(hook)
        found = tally(engine)
        assert found.sound, (hook.point, found)
        assert found.planned == 2, hook.point
        assert not engine.queue.dead
        unknown += len(found.unknown)
    assert counting.met > 100
    assert unknown >= 4  # of either customer: after the claim, and before the provider took it


@pytest.mark.parametrize("fault", [*faults(), everything()], ids=lambda fault: fault.name)
def test_a_launch_survives(fault: Fault) -> None:
    keys = customer_keys(20)
    engine = shop(keys, per_second=0.2)
    engine.prepare(campaign(), candidates(keys))
    fault.meet(engine)
    engine.run()
    found = tally(engine)
    assert found.sound, found
    assert found.planned > 15
    assert not engine.queue.dead
