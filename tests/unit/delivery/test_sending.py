"""The sender, killed and raced: at most one message per send, nothing lost, a ledger that balances."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.delivery.simulation import LEASE_OVER, START, Turns, World, planned_send, sound_facts
from winback.delivery.answers import Accepted, ProviderMisconfigured, Throttled
from winback.delivery.gate import Consent
from winback.delivery.ledger import Outcome, State
from winback.delivery.messages import RenderingFailed
from winback.delivery.sending import PlannedSend, Report
from winback.identifiers import CustomerKey

CUSTOMERS = [CustomerKey(f"{number:032x}") for number in range(6)]


def world(seed: int = 0, **changes: float) -> World:
    made = World(random.Random(seed), **changes)
    made.facts = {customer: sound_facts(customer) for customer in CUSTOMERS}
    return made


def one_run(made: World, planned: list[PlannedSend], **changes: object) -> Report:
    """One sender, nobody else, nothing killed."""
    reports: list[Report] = []
    sending = replace(made.sending("only"), **changes)  # type: ignore[arg-type]
    Turns(random.Random(0), 0.0).run([lambda: reports.append(sending.send(planned))])
    return reports[0]


def plan(customers: list[CustomerKey] = CUSTOMERS) -> list[PlannedSend]:
    return [planned_send(row, customer) for row, customer in enumerate(customers)]


def test_each_planned_send_is_accepted_once() -> None:
    made = world()
    report = one_run(made, plan())
    assert report.outcomes == Counter({State.ACCEPTED: 6})
    assert set(made.taken.values()) == {1}


def test_a_repeated_message_sends_nothing() -> None:
    made = world()
    one_run(made, plan())
    assert one_run(made, plan()).outcomes == Counter({"repeated": 6})
    assert set(made.handed_over.values()) == {1}


def test_whoever_withdrew_consent_since_planning_gets_nothing() -> None:
    made = world()
    made.facts[CUSTOMERS[2]] = sound_facts(CUSTOMERS[2], consent=Consent.DENIED)
    assert one_run(made, plan()).outcomes == Counter({State.ACCEPTED: 5, State.SKIPPED: 1})
    assert plan()[2].send_id not in made.handed_over


def test_a_held_out_customer_is_never_sent_anything() -> None:
    made, planned = world(), plan()
    planned[0] = replace(planned[0], context=replace(planned[0].context, held_out=True))
    one_run(made, planned)
    assert planned[0].send_id not in made.handed_over


def test_a_throttled_send_is_due_again_together_with_all_that_follow() -> None:
    made = world()
    answers = iter([Accepted("1"), Throttled("TooManyRequestsException")])
    report = one_run(made, plan(), deliver=lambda outgoing: next(answers))
    assert report.due_again_from == 1
    assert made.outcomes(plan()) == Counter({Outcome.ACCEPTED: 1, Outcome.DUE: 5})
    assert one_run(made, plan()[1:]).outcomes == Counter({State.ACCEPTED: 5})


def test_a_provider_that_is_too_slow_for_a_moment_is_asked_again_under_the_same_claim() -> None:
    made, paused = world(), list[float]()
    answers = iter([Throttled("TooManyRequestsException", brief=True), Accepted("1")])
    report = one_run(made, plan(CUSTOMERS[:1]), deliver=lambda outgoing: next(answers), pause=paused.append)
    assert report.outcomes == Counter({State.ACCEPTED: 1})
    assert len(paused) == 1


def test_a_sender_that_runs_short_of_time_claims_nothing_more() -> None:
    made = world()
    report = one_run(made, plan(), seconds_left=lambda: 1.0)
    assert report.come_back
    assert made.rows == {}


def test_a_lease_that_runs_makes_the_message_come_back() -> None:
    made, planned = world(), plan(CUSTOMERS[:1])
    Turns(random.Random(1), 0.0).run(
        [lambda: made.claim(planned[0].send_id, claim="x", now=START, lease_until=START + LEASE_OVER)]
    )
    assert one_run(made, planned).come_back
    made.wall += LEASE_OVER + timedelta(seconds=1)
    assert one_run(made, planned).outcomes == Counter({State.UNKNOWN: 1})
    assert made.handed_over == Counter()


def test_a_template_that_fails_for_one_customer_fails_that_send_alone() -> None:
    made = world()
    sending = made.sending("only")

    class Recipients:
        facts = staticmethod(made.read_facts)

        @staticmethod
        def outgoing(send_id: object) -> object:
            if send_id == plan()[0].send_id:
                raise RenderingFailed("empty subject")
            return made.outgoing(send_id)  # type: ignore[arg-type]

    report = one_run(made, plan(), recipients=Recipients(), ledger=sending.ledger)
    assert report.outcomes == Counter({State.FAILED: 1, State.ACCEPTED: 5})
    assert CUSTOMERS[0] not in made.contacts


def test_a_fault_while_a_message_is_made_leaves_its_send_unclaimed() -> None:
    made = world()

    class Recipients:
        facts = staticmethod(made.read_facts)

        @staticmethod
        def outgoing(send_id: object) -> object:
            raise LookupError

    with pytest.raises(LookupError):
        one_run(made, plan(), recipients=Recipients())
    assert made.rows == {}
    assert one_run(made, plan()).outcomes == Counter({State.ACCEPTED: 6})


def test_a_misconfigured_provider_leaves_the_send_free_for_later() -> None:
    made = world()

    def refuse(outgoing: object) -> object:
        raise ProviderMisconfigured("AccessDeniedException")

    with pytest.raises(ProviderMisconfigured, match="AccessDenied"):
        one_run(made, plan(), deliver=refuse)
    assert one_run(made, plan()).outcomes == Counter({State.ACCEPTED: 6})


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    kill_rate=st.sampled_from([0.0, 0.01, 0.05, 0.2]),
    trouble=st.sampled_from([0.0, 0.2, 0.6]),
    senders=st.integers(1, 3),
)
def test_whatever_is_killed_raced_or_repeated_no_send_is_made_twice(
    seed: int, kill_rate: float, trouble: float, senders: int
) -> None:
    made = world(seed, trouble=trouble)
    planned = plan()
    queue = [planned[:4], planned[2:], planned]  # messages that overlap and repeat
    for _ in range(4):  # rounds of redelivery, each by several senders at once, in any order
        made.chance.shuffle(queue)
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


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32), kill_rate=st.sampled_from([0.0, 0.05]))
def test_two_campaigns_at_once_never_exceed_the_cap(seed: int, kill_rate: float) -> None:
    made = world(seed)
    campaigns = [
        [planned_send(row, customer, launch) for row, customer in enumerate(CUSTOMERS)]
        for launch in ("lau-000000000001", "lau-000000000002")
    ]
    for _ in range(3):
        Turns(made.chance, kill_rate).run(
            [lambda n=n, rows=rows: made.sending(str(n)).send(rows) for n, rows in enumerate(campaigns)]  # type: ignore[misc]
        )
        made.wall += LEASE_OVER
    by_customer = Counter(send_id.customer_key for send_id in made.taken)
    assert all(count <= 1 for count in by_customer.values())
