"""Sends released rows: gate, offer, budget, contact slot, claim, provider, record. Ports in, no AWS.

Killed at any point and run again, at most one call to the provider is made for a send:

- before the claim nothing has been handed over; the slot is booked once per send, a code or an amount of the budget
  that was taken and not used is lost, and never given twice;
- the slot of a send that reached nobody is freed once its row says so, when nobody can claim it any more: by whom wrote
  the row, or by whoever comes to it after him;
- between claim and record the row says `claimed`; once its lease is over it becomes `unknown` and is never resent;
- only a row of which the provider certainly took nothing (`throttled`) can be claimed again. It keeps its code and its
  part of the budget.

Rows are of different customers, so they may be sent side by side (`each`): the claim alone decides who sends.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

from winback.delivery.answers import Accepted, Answer, ProviderMisconfigured, Refused, Throttled, Unclear
from winback.delivery.channels import Outgoing
from winback.delivery.contacts import Limit
from winback.delivery.gate import Reason, decide
from winback.delivery.ledger import Row, Standing, State, reached_nobody, standing
from winback.delivery.messages.templates import InvalidTemplate
from winback.delivery.messages.values import RenderingFailed
from winback.delivery.send_ports import ContactPort, LedgerPort, OfferPort, PlannedSend, RecipientPort
from winback.offers.budget import Spend

# Seconds that one send may take: the provider's 11 at most, and one write whose connection hangs (winback.aws.clients).
SHORT_OF_TIME = 20.0
_PAUSES = (0.5, 1.0, 2.0)  # seconds
_LEASE_MARGIN = timedelta(seconds=5)


@dataclass
class Report:
    """What became of the rows of one message.

    `due_again_from`: this row and all later ones must wait a while. `moved`: rows that may leave at a later moment.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    due_again_from: int | None = None
    moved: dict[int, datetime] = field(default_factory=dict)
    come_back: bool = False  # the message is to be delivered once more: rows are leased, or time ran short


def one_after_the_other(work: Callable[[PlannedSend], None], rows: Sequence[PlannedSend]) -> None:
    for row in rows:
        work(row)


@dataclass(frozen=True)
class Sending:
    """`now` is the campaign's time, `wall` the process's own, by which leases run; `seconds_left` of this process.

    `heed` hears each answer of the provider and says whether it may be asked on. `each` does the work for every row,
    in their order or several at a time, and raises the first error once all are done.
    """

    ledger: LedgerPort
    contacts: ContactPort
    recipients: RecipientPort
    offers: OfferPort
    deliver: Callable[[Outgoing], Answer]
    heed: Callable[[Answer], bool]
    now: datetime
    wall: Callable[[], datetime]
    seconds_left: Callable[[], float]
    new_claim: Callable[[], str]
    pause: Callable[[float], None]  # for some seconds
    each: Callable[[Callable[[PlannedSend], None], Sequence[PlannedSend]], None] = one_after_the_other

    def send(self, planned: Sequence[PlannedSend]) -> Report:
        """Raises ProviderMisconfigured after having freed the row; other errors leave it to its lease."""
        known = self.ledger.rows([one.send_id for one in planned])
        progress = _Progress()
        self.each(lambda one: self._one(one, known.get(one.send_id), progress), planned)
        return progress.report

    def _one(self, one: PlannedSend, row: Row | None, progress: "_Progress") -> None:
        if progress.stopped:
            progress.wait(one)
        elif self.seconds_left() < SHORT_OF_TIME:
            progress.count("postponed")
            progress.come_back()
        else:
            try:
                self._send(one, row, progress)
            except BaseException:
                progress.stop()
                raise

    def _send(self, one: PlannedSend, row: Row | None, progress: "_Progress") -> None:
        found = standing(row, self.wall())
        if found is not Standing.FREE:
            self._leave(one, found, row, progress)
            return
        if row is not None:
            one = _as_claimed(one, row)
        verdict = decide(self.recipients.facts(one), one.context, self.now)
        if verdict.allowed and verdict.send_at is not None and verdict.send_at > self.now:
            progress.move(one, verdict.send_at)
            return
        again, reasons, outgoing, own = row is not None, verdict.reasons, None, one.described.code
        if not reasons:
            one, outgoing, reasons = self._prepared(one, row)
        if reasons:
            self._skip(one, reasons, progress, again=again)
            return
        claim, now = self.new_claim(), self.wall()
        lease_until = now + timedelta(seconds=max(self.seconds_left(), 0)) + _LEASE_MARGIN
        found = self.ledger.claim(
            one.send_id, claim=claim, now=now, lease_until=lease_until, described=one.described, first=not again
        )
        if found is Standing.FREE:
            self._hand_over(one, outgoing, claim, progress)
            return
        if not again:
            self._give_back(one.spend)
        offer_id, code = one.described.offer_id, one.described.code
        if offer_id is not None and code is not None and code != own:
            self.offers.keep_code(offer_id, code)
        over = found is Standing.FINAL
        self._leave(one, found, self.ledger.rows([one.send_id]).get(one.send_id) if over else None, progress)

    def _prepared(self, one: PlannedSend, row: Row | None) -> tuple[PlannedSend, Outgoing | None, tuple[Reason, ...]]:
        """With its code, its message, its part of the budget and its slot; or the reasons why that cannot be had.

        The slot comes last: it is freed by the row alone, which there is not yet.
        """
        offer_id, known = one.described.offer_id, one.described.code
        if offer_id is not None and known is None and self.offers.needs_code(offer_id):
            code = self.offers.take_code(offer_id)
            if code is None:
                return one, None, (Reason.NO_CODE,)
            with_code = replace(one, described=replace(one.described, code=code))
            try:
                made, outgoing, reasons = self._booked(with_code, row)
            except Exception:  # it is claimed by nobody yet, and comes back for another
                self.offers.keep_code(offer_id, code)
                raise
            if reasons:
                self.offers.keep_code(offer_id, code)
                return one, None, reasons
            return made, outgoing, reasons
        return self._booked(one, row)

    def _booked(self, one: PlannedSend, row: Row | None) -> tuple[PlannedSend, Outgoing | None, tuple[Reason, ...]]:
        outgoing = self._rendered(one)
        taken: Spend | None = None
        if row is None:
            one = _costing(one, self.offers.cost(outgoing) if outgoing is not None else None)
            taken = one.spend
            if taken is not None and not self.offers.take(taken):
                return one, None, (Reason.BUDGET_SPENT,)
        if outgoing is None:
            return one, None, ()
        try:
            beyond = self._beyond(one)
        except Exception:  # it comes back, and takes anew
            self._give_back(taken)
            raise
        if beyond:
            self._give_back(taken)
            return one, None, tuple(Reason(limit) for limit in beyond)
        return one, outgoing, ()

    def _give_back(self, taken: Spend | None) -> None:
        if taken is not None:
            self.offers.give_back(taken)

    def _beyond(self, one: PlannedSend) -> tuple[Limit, ...]:
        """Books its slot, or says which limits are in the way."""
        channel, limits, offer_id = one.context.channel, one.context.limits, one.described.offer_id
        return self.contacts.book(one.send_id, channel, now=self.now, limits=limits, offer=offer_id)

    def _skip(self, one: PlannedSend, reasons: Sequence[Reason], progress: "_Progress", *, again: bool) -> None:
        """`again`: it was claimed once, so it holds a part of the budget. Whoever meets a new row looks at it anew."""
        if self.ledger.skip(one.send_id, reasons, now=self.now, described=one.described, first=not again):
            progress.count(State.SKIPPED)
            self.contacts.release(one.send_id)  # of an attempt before this one
            if again:
                self._give_back(one.spend)
        else:
            progress.count("repeated")
            progress.come_back()

    def _rendered(self, one: PlannedSend) -> Outgoing | None:
        """The message, or None when the template gives none for this customer, or none at all by the checks of today.

        It is made before the claim: whatever goes wrong in it, nothing was handed over, and the row never gets unknown.
        """
        try:
            return self.recipients.outgoing(one)
        except (RenderingFailed, InvalidTemplate):
            return None

    def _hand_over(self, one: PlannedSend, outgoing: Outgoing | None, claim: str, progress: "_Progress") -> None:
        """The claim is ours."""
        send_id = one.send_id
        try:
            answer = self._deliver(outgoing) if outgoing is not None else Refused("RenderingFailed")
        except ProviderMisconfigured as error:
            self.ledger.throttled(send_id, claim=claim, error=error.code)
            raise
        match answer:
            case Accepted(message_id):
                self.ledger.accepted(send_id, claim=claim, at=self.now, message_id=message_id)
                progress.count(State.ACCEPTED)
            case Refused(code):
                if self.ledger.failed(send_id, claim=claim, error=code):
                    self._give_back(one.spend)
                    self.contacts.release(send_id)
                progress.count(State.FAILED)
            case Unclear(code):
                self.ledger.unknown(send_id, claim=claim, error=code)
                progress.count(State.UNKNOWN)
            case Throttled(code, _):
                self.ledger.throttled(send_id, claim=claim, error=code)
                progress.count(State.THROTTLED)
                progress.wait(one)
                progress.stop()
        if outgoing is not None and not self.heed(answer):
            progress.stop()

    def _deliver(self, outgoing: Outgoing) -> Answer:
        """Asks again, under the same claim, when the provider took nothing because we were too fast for it."""
        for seconds in _PAUSES:
            answer = self.deliver(outgoing)
            if not (isinstance(answer, Throttled) and answer.brief and self.seconds_left() > SHORT_OF_TIME):
                return answer
            self.pause(seconds)
        return self.deliver(outgoing)

    def _leave(self, one: PlannedSend, found: Standing, row: Row | None, progress: "_Progress") -> None:
        """The row is another sender's, or was."""
        match found:
            case Standing.LEASED:
                progress.count("leased")
                progress.come_back()
            case Standing.ABANDONED if row is not None:
                self.ledger.unknown(one.send_id, claim=str(row["claim"]), error="Abandoned")
                progress.count(State.UNKNOWN)
            case Standing.ABANDONED:
                progress.come_back()  # it ran out just now: the next delivery reads the row and settles it
            case _:
                if row is not None and reached_nobody(row):
                    self.contacts.release(one.send_id)  # whoever wrote the row may have ended before he could
                progress.count("repeated")


def _as_claimed(one: PlannedSend, row: Row) -> PlannedSend:
    """With the code and the cost that its row holds since it was claimed first."""
    cost = row.get("cost_hundredths")
    known = _costing(one, int(cost) if cost is not None else None)
    return replace(known, described=replace(known.described, code=row.get("code", known.described.code)))


def _costing(one: PlannedSend, hundredths: int | None) -> PlannedSend:
    if hundredths is None:
        return one
    spend = (one.spend or Spend()) + Spend(messages_hundredths=hundredths)
    described = replace(one.described, cost_hundredths=hundredths)
    return replace(one, spend=spend if spend != Spend() else None, described=described)


class _Progress:
    """The report as it grows, by several hands."""

    def __init__(self) -> None:
        self.report = Report()
        self.stopped = False
        self._lock = Lock()

    def stop(self) -> None:
        """Rows that were not begun wait."""
        self.stopped = True

    def count(self, outcome: str) -> None:
        with self._lock:
            self.report.outcomes[outcome] += 1

    def come_back(self) -> None:
        self.report.come_back = True

    def wait(self, one: PlannedSend) -> None:
        with self._lock:
            first = self.report.due_again_from
            self.report.due_again_from = one.row if first is None else min(first, one.row)

    def move(self, one: PlannedSend, send_at: datetime) -> None:
        with self._lock:
            self.report.outcomes["moved"] += 1
            self.report.moved[one.row] = send_at
