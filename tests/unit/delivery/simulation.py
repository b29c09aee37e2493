"""A small world for the sender: tables and provider in memory.

Senders side by side take turns (tests.unit.interleaving) before and after each effect: a read, a write, a call to the
provider.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.unit.interleaving import pass_on
from winback.accounts import Account, ChannelCaps, FrequencyCap, FrequencyCaps, QuietHours, Sender, SendWindow
from winback.delivery.answers import Accepted, Answer, Refused, Throttled, Unclear
from winback.delivery.channels import Outgoing
from winback.delivery.contacts import Contact, ContactLimits, Limit, exceeded
from winback.delivery.gate import Consent, Reason, RecipientFacts, SendContext
from winback.delivery.ledger import (
    Description,
    EventKind,
    FeedbackEvent,
    Outcome,
    Standing,
    State,
    apply,
    is_legal,
    outcome,
    standing,
)
from winback.delivery.messages.values import EmailMessage
from winback.delivery.send_ports import PlannedSend
from winback.delivery.sending import Sending
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId
from winback.instants import format_instant
from winback.offers.budget import Spend

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
CAP = FrequencyCap(sends=1, days=7)
ACCOUNT = AccountId("fjord")
BRAND = Account(
    account_id=ACCOUNT,
    name="Fjord",
    currency="EUR",
    key_salt="0" * 32,
    sender=Sender(name="Fjord", email="hello@mail.example.com", postal_address="Kaivokatu 1, Helsinki"),
    public_url="https://mail.example.com",
)
LEASE_OVER = timedelta(minutes=10)
CODED = "off-000000000001"  # each customer gets a code of its own


def around(run: Callable[[], Any]) -> Any:
    """One effect, which another sender's may precede or follow, or its own sender's end."""
    pass_on()
    result = run()
    pass_on()
    return result


@dataclass
class World:
    """The tables, the provider, and what really happened there."""

    chance: random.Random
    trouble: float = 0.0  # share of calls to the provider that go wrong somehow
    rows: dict[SendId, dict[str, Any]] = field(default_factory=dict)
    contacts: dict[CustomerKey, list[str]] = field(default_factory=dict)
    facts: dict[CustomerKey, RecipientFacts] = field(default_factory=dict)
    handed_over: Counter[SendId] = field(default_factory=Counter)  # calls that reached the provider
    taken: Counter[SendId] = field(default_factory=Counter)  # messages that it will deliver
    codes_of: dict[SendId, set[str]] = field(default_factory=dict)  # that reached the customer
    codes_left: list[str] = field(default_factory=lambda: [f"CODE-{number}" for number in range(1000)])
    budget: int | None = None
    spent: int = 0
    money: int | None = None
    paid: int = 0
    wall: datetime = START

    # The ledger

    def read_rows(self, send_ids: Iterable[SendId]) -> Mapping[SendId, dict[str, Any]]:
        wanted = list(send_ids)
        return around(lambda: {one: dict(self.rows[one]) for one in wanted if one in self.rows})  # type: ignore[no-any-return]

    def claim(
        self,
        send_id: SendId,
        *,
        claim: str,
        now: datetime,
        lease_until: datetime,
        described: Description,
        first: bool = False,
    ) -> Standing:
        def write() -> Standing:
            row = self.rows.get(send_id)
            if first and row is not None and row["state"] == State.THROTTLED:
                return Standing.LEASED
            if row is not None and row["state"] != State.THROTTLED:
                return standing(row, now)
            self._move(send_id, State.CLAIMED)
            self.rows[send_id] |= {"claim": claim, "lease_until": format_instant(lease_until)}
            self.rows[send_id] |= described.attributes()
            return Standing.FREE

        return around(write)  # type: ignore[no-any-return]

    def skip(self, send_id: SendId, reasons: Iterable[Reason], *, first: bool, **_: Any) -> bool:
        def write() -> bool:
            row = self.rows.get(send_id)
            if row is not None and (first or row["state"] != State.THROTTLED):
                return False
            self._move(send_id, State.SKIPPED)
            return True

        return around(write)  # type: ignore[no-any-return]

    def accepted(self, send_id: SendId, *, claim: str, at: datetime, message_id: str) -> bool:
        return self._settle(send_id, claim, State.ACCEPTED)

    def failed(self, send_id: SendId, *, claim: str, error: str) -> bool:
        return self._settle(send_id, claim, State.FAILED)

    def unknown(self, send_id: SendId, *, claim: str, error: str) -> bool:
        return self._settle(send_id, claim, State.UNKNOWN)

    def throttled(self, send_id: SendId, *, claim: str, error: str) -> bool:
        return self._settle(send_id, claim, State.THROTTLED)

    def _settle(self, send_id: SendId, claim: str, after: State) -> bool:
        def write() -> bool:
            row = self.rows[send_id]
            if row["claim"] != claim or not is_legal(State(row["state"]), after):
                return False
            self._move(send_id, after)
            return True

        return around(write)  # type: ignore[no-any-return]

    def _move(self, send_id: SendId, after: State) -> None:
        row = self.rows.get(send_id)
        assert is_legal(State(row["state"]) if row else None, after)
        self.rows[send_id] = {**(row or {}), "state": after.value}

    # The contact lists

    def book(
        self, send_id: SendId, channel: str, *, now: datetime, limits: ContactLimits, offer: str | None = None
    ) -> tuple[Limit, ...]:
        def write() -> tuple[Limit, ...]:
            booked = self.contacts.setdefault(send_id.customer_key, [])
            if str(send_id) in booked:
                return ()
            if beyond := exceeded([Contact(now, channel, name) for name in booked], channel, now, limits):
                return beyond
            booked.append(str(send_id))
            return ()

        return around(write)  # type: ignore[no-any-return]

    def release(self, send_id: SendId) -> None:
        def write() -> None:
            booked = self.contacts.get(send_id.customer_key, [])
            if str(send_id) in booked:
                booked.remove(str(send_id))

        around(write)

    # Codes and the budget

    def needs_code(self, offer_id: str) -> bool:
        return offer_id == CODED

    def take_code(self, offer_id: str) -> str | None:
        return around(lambda: self.codes_left.pop(0) if self.codes_left else None)  # type: ignore[no-any-return]

    def keep_code(self, offer_id: str, code: str) -> None:
        around(lambda: self.codes_left.append(code))

    def cost(self, outgoing: Outgoing) -> int | None:
        return None if self.money is None else 3

    def take(self, spend: Spend) -> bool:
        def write() -> bool:
            if self.budget is not None and self.spent + spend.sends > self.budget:
                return False
            if self.money is not None and self.paid + spend.messages_hundredths > self.money:
                return False
            self.spent += spend.sends
            self.paid += spend.messages_hundredths
            return True

        return around(write)  # type: ignore[no-any-return]

    def give_back(self, spend: Spend) -> None:
        def write() -> None:
            self.spent -= spend.sends
            self.paid -= spend.messages_hundredths

        around(write)

    # Recipients and the provider

    def read_facts(self, one: PlannedSend) -> RecipientFacts:
        return around(lambda: self.facts[one.send_id.customer_key])  # type: ignore[no-any-return]

    def outgoing(self, one: PlannedSend) -> Outgoing:
        return Outgoing(
            one.send_id, BRAND, "a@example.com", EmailMessage("s", one.described.code or "", "t"), "https://u"
        )

    def deliver(self, outgoing: Outgoing) -> Answer:
        def call() -> Answer:
            self.handed_over[outgoing.send_id] += 1
            assert isinstance(outgoing.message, EmailMessage)
            self.codes_of.setdefault(outgoing.send_id, set()).add(outgoing.message.html)
            if self.chance.random() >= self.trouble:
                self.taken[outgoing.send_id] += 1
                return Accepted("id")
            match self.chance.randrange(4):
                case 0:
                    return Throttled("TooManyRequestsException", brief=self.chance.random() < 0.5)
                case 1:
                    return Refused("MessageRejected")
                case 2:  # it was taken, but the answer never came
                    self.taken[outgoing.send_id] += 1
                    return Unclear("ReadTimeoutError")
                case _:
                    return Unclear("ConnectionClosedError")

        return around(call)  # type: ignore[no-any-return]

    # Runs

    def sending(self, claim: str) -> Sending:
        ledger = _Ledger(self)
        return Sending(
            ledger=ledger,
            contacts=self,
            recipients=_Recipients(self),
            offers=self,
            deliver=self.deliver,
            heed=lambda answer: True,
            now=START,
            wall=lambda: self.wall,
            seconds_left=lambda: 60.0,
            new_claim=lambda: f"{claim}-{self.chance.random()}",
            pause=lambda seconds: None,
        )

    def feedback(self) -> None:
        """The provider reports what it took."""
        for send_id in self.taken:
            self.rows[send_id] = apply(self.rows[send_id], FeedbackEvent(EventKind.SENT, self.wall))

    def outcomes(self, planned: Iterable[PlannedSend]) -> Counter[Outcome]:
        return Counter(outcome(self.rows.get(one.send_id)) for one in planned)


class _Ledger:
    """The world as the ledger port: `rows` is its method there."""

    def __init__(self, world: World) -> None:
        self.rows = world.read_rows
        self.claim, self.skip = world.claim, world.skip
        self.accepted, self.failed = world.accepted, world.failed
        self.unknown, self.throttled = world.unknown, world.throttled


class _Recipients:
    def __init__(self, world: World) -> None:
        self.facts, self.outgoing = world.read_facts, world.outgoing


def sound_facts(customer: CustomerKey, **changes: Any) -> RecipientFacts:
    sound: dict[str, Any] = {"has_profile": True, "has_address": True, "address_valid": True, "suppressed": False}
    return RecipientFacts(customer_key=customer, **{**sound, "consent": Consent.GRANTED, **changes})


def planned_send(
    row: int, customer: CustomerKey, launch: str = "lau-000000000001", step: int = 1, **changes: Any
) -> PlannedSend:
    context = SendContext(
        channel="email",
        chosen_at=START - timedelta(days=1),
        held_out=False,
        stop_on_purchase=True,
        caps=FrequencyCaps(channels=ChannelCaps(email=CAP)),
        quiet_hours=QuietHours(start=time(0), end=time(0)),
        account_zone=ZoneInfo("UTC"),
        unknown_zone=SendWindow(from_=time(0), until=time(0)),
        planned_at=START,
    )
    described = Description("cmp-000000000001", "email")
    one = PlannedSend(row, SendId(ACCOUNT, LaunchId(launch), step, customer), context, described)
    return replace(one, **changes)
