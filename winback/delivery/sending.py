"""Sends released rows: gate, contact slot, claim, provider, record. Ports in, no AWS.

Killed at any point and run again, at most one call to the provider is made for a send:

- before the claim nothing has been handed over, and the slot is booked once per send;
- between claim and record the row says `claimed`; once its lease is over it becomes `unknown` and is never resent;
- only a row of which the provider certainly took nothing (`throttled`) can be claimed again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from winback.delivery.answers import Accepted, Answer, ProviderMisconfigured, Refused, Throttled, Unclear
from winback.delivery.channels import Outgoing
from winback.delivery.contacts import ContactLimits, Limit
from winback.delivery.gate import Reason, RecipientFacts, SendContext, decide
from winback.delivery.ledger import Description, Row, Standing, State, standing
from winback.delivery.messages.values import RenderingFailed
from winback.identifiers import CustomerKey, SendId

SHORT_OF_TIME = 15.0  # seconds that one send may take at worst: its writes and the provider's time-outs
_PAUSES = (0.5, 1.0, 2.0)  # seconds
_LEASE_MARGIN = timedelta(seconds=5)


@dataclass(frozen=True)
class PlannedSend:
    """One row of a plan chunk that planning allowed; `row` is its number in the chunk."""

    row: int
    send_id: SendId
    context: SendContext
    described: Description


class LedgerPort(Protocol):
    def rows(self, send_ids: Iterable[SendId]) -> Mapping[SendId, Row]: ...

    def claim(
        self,
        send_id: SendId,
        *,
        claim: str,
        now: datetime,
        lease_until: datetime,
        described: Description,
    ) -> Standing: ...

    def skip(
        self,
        send_id: SendId,
        reasons: Iterable[Reason],
        *,
        now: datetime,
        described: Description,
    ) -> bool: ...

    def accepted(self, send_id: SendId, *, claim: str, at: datetime, message_id: str) -> bool: ...

    def failed(self, send_id: SendId, *, claim: str, error: str) -> bool: ...

    def unknown(self, send_id: SendId, *, claim: str, error: str) -> bool: ...

    def throttled(self, send_id: SendId, *, claim: str, error: str) -> bool: ...


class ContactPort(Protocol):
    def book(
        self, send_id: SendId, channel: str, *, now: datetime, limits: ContactLimits, offer: str | None = None
    ) -> tuple[Limit, ...]: ...


class RecipientPort(Protocol):
    """What is known of the customers; `facts` is asked anew right before each claim."""

    def facts(self, customer: CustomerKey) -> RecipientFacts: ...

    def outgoing(self, send_id: SendId) -> Outgoing:
        """Raises RenderingFailed."""
        ...


@dataclass
class Report:
    """What became of the rows of one message. `due_again_from`: this row and all later ones must wait a while."""

    outcomes: Counter[str] = field(default_factory=Counter)
    due_again_from: int | None = None
    come_back: bool = False  # the message is to be delivered once more: rows are leased, or time ran short


class _Halt(Exception):
    """The provider takes nothing more now."""


@dataclass(frozen=True)
class Sending:
    """`now` is the campaign's time, `wall` the process's own, by which leases run; `seconds_left` of this process."""

    ledger: LedgerPort
    contacts: ContactPort
    recipients: RecipientPort
    deliver: Callable[[Outgoing], Answer]
    now: datetime
    wall: Callable[[], datetime]
    seconds_left: Callable[[], float]
    new_claim: Callable[[], str]
    pause: Callable[[float], None]  # for some seconds

    def send(self, planned: Sequence[PlannedSend]) -> Report:
        """Raises ProviderMisconfigured after having freed the row; other errors leave it to its lease."""
        report = Report()
        known = self.ledger.rows([one.send_id for one in planned])
        for place, one in enumerate(planned):
            if self.seconds_left() < SHORT_OF_TIME:
                report.come_back = True
                report.outcomes["postponed"] += len(planned) - place
                break
            try:
                self._send(one, known.get(one.send_id), report)
            except _Halt:
                report.due_again_from = one.row
                break
        return report

    def _send(self, one: PlannedSend, row: Row | None, report: Report) -> None:
        found = standing(row, self.wall())
        if found is not Standing.FREE:
            self._leave(one, found, row, report)
            return
        send_id, channel = one.send_id, one.context.channel
        facts = self.recipients.facts(send_id.customer_key)
        reasons = decide(facts, one.context, self.now).reasons
        outgoing = self._rendered(send_id) if not reasons else None
        if outgoing is not None:
            beyond = self.contacts.book(send_id, channel, now=self.now, limits=one.context.limits)
            reasons = tuple(Reason(limit) for limit in beyond)
        if reasons:
            self.ledger.skip(send_id, reasons, now=self.now, described=one.described)
            report.outcomes[State.SKIPPED] += 1
            return
        claim, now = self.new_claim(), self.wall()
        lease_until = now + timedelta(seconds=max(self.seconds_left(), 0)) + _LEASE_MARGIN
        found = self.ledger.claim(send_id, claim=claim, now=now, lease_until=lease_until, described=one.described)
        if found is not Standing.FREE:
            self._leave(one, found, None, report)
            return
        self._hand_over(send_id, outgoing, claim, report)

    def _rendered(self, send_id: SendId) -> Outgoing | None:
        """The message, or None when the template gives none for this customer.

        It is made before the claim: whatever goes wrong in it, nothing was handed over, and the row never gets unknown.
        """
        try:
            return self.recipients.outgoing(send_id)
        except RenderingFailed:
            return None

    def _hand_over(self, send_id: SendId, outgoing: Outgoing | None, claim: str, report: Report) -> None:
        """The claim is ours."""
        try:
            answer = self._deliver(outgoing) if outgoing is not None else Refused("RenderingFailed")
        except ProviderMisconfigured as error:
            self.ledger.throttled(send_id, claim=claim, error=error.code)
            raise
        match answer:
            case Accepted(message_id):
                self.ledger.accepted(send_id, claim=claim, at=self.now, message_id=message_id)
                report.outcomes[State.ACCEPTED] += 1
            case Refused(code):
                self.ledger.failed(send_id, claim=claim, error=code)
                report.outcomes[State.FAILED] += 1
            case Unclear(code):
                self.ledger.unknown(send_id, claim=claim, error=code)
                report.outcomes[State.UNKNOWN] += 1
            case Throttled(code, _):
                self.ledger.throttled(send_id, claim=claim, error=code)
                report.outcomes[State.THROTTLED] += 1
                raise _Halt

    def _deliver(self, outgoing: Outgoing) -> Answer:
        """Asks again, under the same claim, when the provider took nothing because we were too fast for it."""
        for seconds in _PAUSES:
            answer = self.deliver(outgoing)
            if not (isinstance(answer, Throttled) and answer.brief and self.seconds_left() > SHORT_OF_TIME):
                return answer
            self.pause(seconds)
        return self.deliver(outgoing)

    def _leave(self, one: PlannedSend, found: Standing, row: Row | None, report: Report) -> None:
        """The row is another sender's, or was."""
        match found:
            case Standing.LEASED:
                report.outcomes["leased"] += 1
                report.come_back = True
            case Standing.ABANDONED if row is not None:
                self.ledger.unknown(one.send_id, claim=str(row["claim"]), error="Abandoned")
                report.outcomes[State.UNKNOWN] += 1
            case Standing.ABANDONED:
                report.come_back = True  # it ran out just now: the next delivery reads the row and settles it
            case _:
                report.outcomes["repeated"] += 1
