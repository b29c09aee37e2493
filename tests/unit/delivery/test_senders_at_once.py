"""Senders, killed and raced: at most one message per send, nothing lost, a ledger that balances."""

import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.delivery.sender_runs import CUSTOMERS, booked, coded, one_run, plan, world
from tests.unit.delivery.simulation import LEASE_OVER, World, planned_send, sound_facts
from tests.unit.interleaving import Turns
from winback.delivery.gate import Consent
from winback.delivery.ledger import Outcome, State, reached_nobody
from winback.delivery.send_ports import PlannedSend
from winback.identifiers import CustomerKey
from winback.offers.budget import Spend


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    kill_rate=st.sampled_from([0.0, 0.01, 0.05, 0.2]),
    trouble=st.sampled_from([0.0, 0.2, 0.6]),
    senders=st.integers(1, 3),
    offered=st.booleans(),
    leaves_in=st.integers(0, 4),
)
def test_whatever_is_killed_raced_or_repeated_no_send_is_made_twice(
    *, seed: int, kill_rate: float, trouble: float, senders: int, offered: bool, leaves_in: int
) -> None:
    made = world(seed, trouble=trouble, budget=4 if offered else None, money=13 if offered else None)
    planned = plan()
    if offered:
        planned = [coded(row, customer, spend=Spend(sends=1)) for row, customer in enumerate(CUSTOMERS)]
    queue = [planned[:4], planned[2:], planned]  # messages that overlap and repeat
    for number in range(4):  # rounds of redelivery, each by several senders at once, in any order
        made.chance.shuffle(queue)
        if number == leaves_in:
            made.facts[CUSTOMERS[0]] = sound_facts(CUSTOMERS[0], consent=Consent.DENIED)
        turns = Turns(made.chance, kill_rate)
        turns.run([lambda n=n, rows=rows: made.sending(str(n)).send(rows) for n, rows in enumerate(queue[:senders])])  # type: ignore[misc]
        made.wall += timedelta(seconds=made.chance.choice([1, 30, 600]))
    assert all(count <= 1 for count in made.taken.values())
    made.wall += LEASE_OVER
    made.trouble = 0.0
    for _ in range(2):  # at last nothing goes wrong: what can still leave does
        one_run(made, planned)
    made.feedback()
    outcomes = made.outcomes(planned)
    assert outcomes.total() == len(planned)
    assert outcomes[Outcome.DUE] == 0
    assert all(count <= 1 for count in made.taken.values())
    accepted = {one.send_id for one in planned if made.rows[one.send_id]["state"] == State.ACCEPTED}
    assert accepted <= set(made.taken)
    assert outcomes[Outcome.ACCEPTED] == len(made.taken)
    assert booked(made) == {one.send_id for one in planned if not reached_nobody(made.rows[one.send_id])}
    if offered:
        given = [code for codes in made.codes_of.values() for code in codes]
        assert len(set(given)) == len(given)
        assert all(len(codes) == 1 for codes in made.codes_of.values())
        out = outcomes[Outcome.ACCEPTED] + outcomes[Outcome.UNKNOWN]
        assert out <= made.spent <= 4
        assert kill_rate or made.spent == out
        assert made.paid == 3 * made.spent


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    kill_rate=st.sampled_from([0.0, 0.05]),
    trouble=st.sampled_from([0.0, 0.6]),
    cancelled=st.booleans(),
)
def test_two_campaigns_at_once_never_exceed_the_cap(
    seed: int, kill_rate: float, trouble: float, cancelled: bool
) -> None:
    """Also when one of them is cancelled, so that its sends free their slots, while a sender still knows it running."""
    made = world(seed, trouble=trouble)
    first, second = (
        [planned_send(row, customer, launch) for row, customer in enumerate(CUSTOMERS)]
        for launch in ("lau-000000000001", "lau-000000000002")
    )
    over = [replace(one, context=replace(one.context, cancelled=cancelled)) for one in first]
    for messages in ([first, second], [first, over, second], [over, second]):
        Turns(made.chance, kill_rate).run(
            [lambda n=n, rows=rows: made.sending(str(n)).send(rows) for n, rows in enumerate(messages)]  # type: ignore[misc]
        )
        made.wall += LEASE_OVER
    by_customer = Counter(send_id.customer_key for send_id in made.taken)
    assert all(count <= 1 for count in by_customer.values())


def test_rows_sent_side_by_side_are_each_sent_once() -> None:
    made = World(random.Random(0))
    made.facts = {CustomerKey(f"{number:032x}"): sound_facts(CustomerKey(f"{number:032x}")) for number in range(40)}
    planned = [planned_send(row, customer) for row, customer in enumerate(made.facts)]
    with ThreadPoolExecutor(8) as pool:

        def each(work: Callable[[PlannedSend], None], rows: Sequence[PlannedSend]) -> None:
            deque(pool.map(work, rows))

        report = replace(made.sending("one"), each=each).send(planned)
    assert report.outcomes == Counter({State.ACCEPTED: 40})
    assert set(made.taken.values()) == {1}
    assert len(made.taken) == 40
