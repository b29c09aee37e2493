"""The sender by itself: what becomes of each send, its slot, its code and its part of the budget."""

from collections import Counter
from dataclasses import replace
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.unit.delivery.sender_runs import CUSTOMERS, booked, coded, one_run, plan, world
from tests.unit.delivery.simulation import LEASE_OVER, START, World, planned_send, sound_facts
from winback.accounts import QuietHours
from winback.delivery.answers import Accepted, Answer, ProviderMisconfigured, Refused, Throttled, Unclear
from winback.delivery.gate import Consent
from winback.delivery.ledger import Outcome, Standing, State
from winback.delivery.messages import InvalidTemplate, RenderingFailed
from winback.delivery.send_ports import PlannedSend
from winback.identifiers import SendId
from winback.offers.budget import Spend


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


def test_a_send_in_quiet_hours_moves_to_their_end_and_is_not_dropped() -> None:
    made, planned = world(), plan()
    night = replace(planned[3].context, quiet_hours=QuietHours(start=time(9), end=time(11)))
    planned[3] = replace(planned[3], context=night)
    made.facts[CUSTOMERS[3]] = sound_facts(CUSTOMERS[3], zone=ZoneInfo("UTC"))
    report = one_run(made, planned)
    assert report.outcomes == Counter({State.ACCEPTED: 5, "moved": 1})
    assert report.moved == {3: START.replace(hour=11, minute=0)}
    assert planned[3].send_id not in made.rows


def test_a_provider_that_is_out_is_not_asked_on_and_the_rest_waits() -> None:
    made = world()
    report = one_run(made, plan(), deliver=lambda outgoing: Unclear("ServiceUnavailable"), heed=lambda answer: False)
    assert report.outcomes == Counter({State.UNKNOWN: 1})
    assert report.due_again_from == 1


def test_a_send_keeps_its_code_when_it_is_claimed_again() -> None:
    made, planned = world(), [coded(0, CUSTOMERS[0])]
    one_run(made, planned, deliver=lambda outgoing: Throttled("LimitExceededException"))
    code = made.rows[planned[0].send_id]["code"]
    one_run(made, planned)
    assert made.codes_of == {planned[0].send_id: {code}}


def test_a_code_that_no_row_carries_is_somebody_else_s() -> None:
    """A message that comes back again and again would drain its pool otherwise."""
    made, planned = world(), [coded(0, CUSTOMERS[0])]
    before = list(made.codes_left)
    made.book = broken  # type: ignore[method-assign]
    for _ in range(3):
        with pytest.raises(RuntimeError):
            one_run(made, planned)
    assert sorted(made.codes_left) == sorted(before)


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("the contact list kept changing")


def test_whoever_loses_the_claim_keeps_no_code() -> None:
    made, planned = world(), [coded(0, CUSTOMERS[0])]
    before = list(made.codes_left)
    one_run(made, planned, ledger=_Taken(made))
    assert sorted(made.codes_left) == sorted(before)


class _Taken:
    """A ledger in which somebody else is always quicker."""

    def __init__(self, made: World) -> None:
        self.rows, self.skip = made.read_rows, made.skip
        self.accepted, self.failed, self.unknown, self.throttled = (
            made.accepted,
            made.failed,
            made.unknown,
            made.throttled,
        )

    def claim(self, *_: Any, **__: Any) -> Standing:
        return Standing.FINAL


def test_without_a_code_left_the_send_is_skipped() -> None:
    made = world()
    made.codes_left = ["LAST-1"]
    report = one_run(made, [coded(row, customer) for row, customer in enumerate(CUSTOMERS[:2])])
    assert report.outcomes == Counter({State.ACCEPTED: 1, State.SKIPPED: 1})


@pytest.mark.parametrize("answer", [Refused("MessageRejected"), Throttled("LimitExceededException")])
def test_what_reached_nobody_takes_nothing_of_the_budget(answer: Answer) -> None:
    made = world(budget=1)
    planned = [planned_send(row, customer, spend=Spend(sends=1)) for row, customer in enumerate(CUSTOMERS[:2])]
    answers = iter([answer])
    one_run(made, planned, deliver=lambda outgoing: next(answers, Accepted("1")))
    made.facts[CUSTOMERS[0]] = sound_facts(CUSTOMERS[0], suppressed=True)  # where it was throttled it leaves no more
    one_run(made, planned)
    assert made.spent == 1
    assert made.rows[planned[1].send_id]["state"] == State.ACCEPTED


def test_who_gets_nothing_because_the_budget_is_spent_counts_as_not_contacted() -> None:
    made = world(budget=1)
    planned = [planned_send(row, customer, spend=Spend(sends=1)) for row, customer in enumerate(CUSTOMERS[:3])]
    assert one_run(made, planned).outcomes == Counter({State.ACCEPTED: 1, State.SKIPPED: 2})
    assert [customer for customer, booked in made.contacts.items() if booked] == CUSTOMERS[:1]


def test_a_send_that_was_throttled_and_then_skipped_leaves_its_slot_to_others() -> None:
    made, planned = world(), plan()
    one_run(made, planned[:1], deliver=lambda outgoing: Throttled("LimitExceededException"))
    assert booked(made) == {planned[0].send_id}
    made.facts[CUSTOMERS[0]] = sound_facts(CUSTOMERS[0], suppressed=True)
    one_run(made, planned)
    assert booked(made) == {one.send_id for one in planned[1:]}


def test_a_send_that_the_provider_refused_leaves_its_slot_and_an_unclear_one_keeps_it() -> None:
    made, planned = world(), plan(CUSTOMERS[:2])
    answers = iter([Refused("MessageRejected"), Unclear("ReadTimeoutError")])
    one_run(made, planned, deliver=lambda outgoing: next(answers))
    assert booked(made) == {planned[1].send_id}


def test_whoever_comes_after_a_sender_that_ended_before_it_freed_a_slot_frees_it() -> None:
    made, planned = world(), plan(CUSTOMERS[:1])
    one_run(made, planned, deliver=lambda outgoing: Throttled("LimitExceededException"))
    made.facts[CUSTOMERS[0]] = sound_facts(CUSTOMERS[0], suppressed=True)
    free, made.release = made.release, broken  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        one_run(made, planned)
    made.release = free  # type: ignore[method-assign]
    assert booked(made) == {planned[0].send_id}
    assert one_run(made, planned).outcomes == Counter({"repeated": 1})
    assert booked(made) == set()


def test_whoever_loses_the_claim_to_a_skip_frees_the_slot_that_it_booked_after_it() -> None:
    made, planned = world(), plan(CUSTOMERS[:1])
    claim = made.claim

    def after_a_skip(send_id: SendId, **claimed: Any) -> Standing:
        assert booked(made) == {send_id}
        made.skip(send_id, (), first=True)
        return claim(send_id, **claimed)

    made.claim = after_a_skip  # type: ignore[method-assign]
    assert one_run(made, planned).outcomes == Counter({"repeated": 1})
    assert booked(made) == set()


def test_a_send_that_a_cap_stops_at_the_last_moment_takes_nothing_of_the_budget() -> None:
    made = world(budget=1)
    planned = [planned_send(row, customer, spend=Spend(sends=1)) for row, customer in enumerate(CUSTOMERS[:2])]
    made.contacts[CUSTOMERS[0]] = ["another send"]  # since the facts were read
    one_run(made, planned)
    assert [made.rows[one.send_id]["state"] for one in planned] == [State.SKIPPED, State.ACCEPTED]
    assert made.spent == 1


def test_a_contact_list_that_cannot_be_written_takes_nothing_of_the_budget() -> None:
    made = world(budget=1)
    planned = [planned_send(0, CUSTOMERS[0], spend=Spend(sends=1))]

    class Contacts:
        @staticmethod
        def book(*_: object, **__: object) -> object:
            raise ConnectionError

    for _ in range(3):
        with pytest.raises(ConnectionError):
            one_run(made, planned, contacts=Contacts())
    assert one_run(made, planned).outcomes == Counter({State.ACCEPTED: 1})
    assert made.spent == 1


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
    one = planned[0]
    made.claim(one.send_id, claim="x", now=START, lease_until=START + LEASE_OVER, described=one.described)
    assert one_run(made, planned).come_back
    made.wall += LEASE_OVER + timedelta(seconds=1)
    assert one_run(made, planned).outcomes == Counter({State.UNKNOWN: 1})
    assert made.handed_over == Counter()


@pytest.mark.parametrize("error", [RenderingFailed("empty subject"), InvalidTemplate("spring", ())])
def test_a_template_that_fails_for_one_customer_fails_that_send_alone(error: Exception) -> None:
    made = world()
    sending = made.sending("only")

    class Recipients:
        facts = staticmethod(made.read_facts)

        @staticmethod
        def outgoing(one: PlannedSend) -> object:
            if one.send_id == plan()[0].send_id:
                raise error
            return made.outgoing(one)

    report = one_run(made, plan(), recipients=Recipients(), ledger=sending.ledger)
    assert report.outcomes == Counter({State.FAILED: 1, State.ACCEPTED: 5})
    assert CUSTOMERS[0] not in made.contacts


def test_a_fault_while_a_message_is_made_leaves_its_send_unclaimed() -> None:
    made = world()

    class Recipients:
        facts = staticmethod(made.read_facts)

        @staticmethod
        def outgoing(one: PlannedSend) -> object:
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
