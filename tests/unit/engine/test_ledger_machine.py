"""The ledger under senders that die, providers that answer anything, events in any order: by a state machine.

Two sends, two senders. A sender acts as winback.delivery.sending does, one step at a time, so that everything else
may come between any two of its steps.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from local.inprocess.scenario import ACCOUNT, START, customer_keys
from local.inprocess.tables import MemoryTable
from winback.aws import keys
from winback.aws.ledger import Ledger
from winback.delivery.gate import Reason
from winback.delivery.ledger import (
    BounceType,
    Description,
    EventKind,
    FeedbackEvent,
    Outcome,
    Standing,
    State,
    outcome,
    standing,
)
from winback.identifiers import LaunchId, SendId

LEASE = timedelta(minutes=1)
SENDS = [SendId(ACCOUNT.account_id, LaunchId("lau-000000000001"), 1, customer) for customer in customer_keys(2)]
DESCRIBED = Description("cmp-000000000001", "email")
HANDED_OVER = {
    Outcome.ACCEPTED,
    Outcome.DELIVERED,
    Outcome.BOUNCED_HARD,
    Outcome.BOUNCED_SOFT,
    Outcome.COMPLAINED,
}
SENDERS = 2
ANSWERS = ("throttled", "lost after", "lost before", "accepted", "refused")
sends, rarely = st.sampled_from(SENDS), st.sampled_from([False, False, False, True])


@dataclass
class Held:
    """What a sender is in the middle of."""

    send_id: SendId
    claim: str
    answer: str | None = None  # of the provider, once it was called


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.table = MemoryTable("performance")
        self.ledger = Ledger(self.table)
        self.wall = START
        self.held: list[Held] = []
        self.claims = 0
        self.calls: dict[SendId, list[str]] = {send: [] for send in SENDS}  # every answer of the provider
        self.settled: set[SendId] = set()  # seen as unknown
        self.heard: set[SendId] = set()  # the provider reported them

    @precondition(lambda self: len(self.held) < SENDERS)
    @rule(send=sends, denied=rarely)
    def come_to(self, send: SendId, denied: bool) -> None:
        """A sender reads the row, and claims it, skips it, leaves it or settles it."""
        row = self.ledger.rows([send]).get(send)
        found = standing(row, self.wall)
        if found is Standing.ABANDONED:
            assert row is not None
            self.ledger.unknown(send, claim=row["claim"], error="Abandoned")
        elif found is Standing.FREE and denied:
            self.ledger.skip(send, [Reason.SUPPRESSED], now=self.wall, described=DESCRIBED)
        elif found is Standing.FREE:
            self.claim(send)

    @precondition(lambda self: len(self.held) < SENDERS)
    @rule(send=sends)
    def claim(self, send: SendId) -> None:
        """Also on the strength of what was read long ago."""
        self.claims += 1
        name = f"claim-{self.claims}"
        found = self.ledger.claim(send, claim=name, now=self.wall, lease_until=self.wall + LEASE, described=DESCRIBED)
        if found is Standing.FREE:
            self.held.append(Held(send, name))

    @precondition(lambda self: any(one.answer is None for one in self.held))
    @rule(answer=st.sampled_from(ANSWERS))
    def call_the_provider(self, answer: str) -> None:
        held = next(one for one in self.held if one.answer is None)
        held.answer = answer
        self.calls[held.send_id].append(answer)

    @precondition(lambda self: any(one.answer is not None for one in self.held))
    @rule()
    def record(self) -> None:
        held = next(one for one in self.held if one.answer is not None)
        self.held.remove(held)
        send, claim = held.send_id, held.claim
        match held.answer:
            case "accepted":
                self.ledger.accepted(send, claim=claim, at=self.wall, message_id="msg-1")
            case "refused":
                self.ledger.failed(send, claim=claim, error="MessageRejected")
            case "throttled":
                self.ledger.throttled(send, claim=claim, error="TooManyRequestsException")
            case _:
                self.ledger.unknown(send, claim=claim, error="ReadTimeoutError")

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        self.held.remove(data.draw(st.sampled_from(self.held)))

    @precondition(lambda self: self.claims)
    @rule(minutes=st.sampled_from([2, 0]))
    def wait(self, minutes: int) -> None:
        """Also past the lease of a sender that goes on afterwards: its row may be settled meanwhile, never freed."""
        self.wall += timedelta(minutes=minutes)

    @precondition(lambda self: any(self.took(send) for send in SENDS))
    @rule(data=st.data(), minutes=st.integers(0, 60))
    def hear(self, data: st.DataObject, minutes: int) -> None:
        """Of a message that the provider took, at any time from then on, any number of times, in any order."""
        send = data.draw(st.sampled_from([one for one in SENDS if self.took(one)]))
        kind = data.draw(
            st.sampled_from([EventKind.SENT, EventKind.DELIVERED, EventKind.BOUNCED, EventKind.COMPLAINED])
        )
        bounce = data.draw(st.sampled_from(list(BounceType))) if kind is EventKind.BOUNCED else None
        self.heard.add(send)
        assert self.ledger.record(send, FeedbackEvent(kind, self.wall + timedelta(minutes=minutes), bounce))

    @invariant()
    def the_provider_gets_no_send_twice(self) -> None:
        for answers in self.calls.values():
            assert sum(answer in ("accepted", "lost after") for answer in answers) <= 1
            final = [answer for answer in answers if answer != "throttled"]
            assert len(final) <= 1, "it was asked again after an answer that was no throttle"
            assert not final or answers[-1] == final[0]

    @invariant()
    def a_send_is_no_one_elses_while_it_is_held(self) -> None:
        held = [one.send_id for one in self.held]
        assert len(held) == len(set(held))

    @invariant()
    def the_ledger_says_nothing_that_is_not_so(self) -> None:
        """Every send has one outcome, and it agrees with what the provider did."""
        for send in SENDS:
            row, took = self.row(send), self.took(send)
            became = outcome(row)
            if became in HANDED_OVER:
                assert took
            if send in self.heard:
                assert became in HANDED_OVER
            if became in (Outcome.SKIPPED, Outcome.FAILED):
                assert not took
            if row is not None and row["state"] == State.UNKNOWN:
                self.settled.add(send)
            if send in self.settled:
                assert row is not None
                assert row["state"] in (State.UNKNOWN, State.ACCEPTED)

    def row(self, send: SendId) -> dict[str, Any] | None:
        key = keys.send(send)
        return self.table.look(key["pk"], key["sk"])

    def took(self, send: SendId) -> bool:
        return any(answer in ("accepted", "lost after") for answer in self.calls[send])

    def teardown(self) -> None:
        """In the end everybody has died and every lease is over: nothing stays leased, and nothing gets lost."""
        self.held.clear()
        self.wall += timedelta(hours=1)
        for send in SENDS:
            for _ in range(2):
                self.come_to(send, denied=True)
            became = outcome(self.row(send))
            assert became is not Outcome.DUE
            if self.took(send):
                assert became in HANDED_OVER | {Outcome.UNKNOWN}


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=50, deadline=None, derandomize=True)
