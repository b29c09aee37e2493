"""A provider of messages in memory: remembers what it took, answers as it is told to, reports what became of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from local.inprocess.hooks import Hook, NoFaults
from winback.delivery.answers import Accepted, Answer, Refused, Throttled, Unclear
from winback.delivery.channels import Outgoing
from winback.identifiers import SendId


class Trouble(StrEnum):
    """What goes wrong with one call."""

    TOO_FAST = "too_fast"  # throttled: not taken, and taken within seconds
    OUT = "out"  # not taken, and not for a while
    REFUSED = "refused"
    LOST_BEFORE = "lost_before"  # timed out, and never taken
    LOST_AFTER = "lost_after"  # taken, and its answer never came


@dataclass(frozen=True)
class Taken:
    send_id: SendId
    to: str
    at: datetime


@dataclass
class MemoryProvider:
    """`trouble` says what goes wrong with a send's call, if anything. `taken` counts by send: two of one are a double.

    `reports`: messages that were taken and of which nothing has been reported yet. A provider that keeps no reports
    (`reporting` off) is the null sender of a benchmark. `tell` hears of a message before its sender does; true when it
    reported it.
    """

    now: Callable[[], datetime]
    trouble: Callable[[SendId], Trouble | None] = lambda _send_id: None
    tell: Callable[[Taken], bool] = lambda _taken: False
    hook: Hook = field(default_factory=NoFaults)
    reporting: bool = True
    calls: int = 0
    taken: Counter[SendId] = field(default_factory=Counter)
    reports: list[Taken] = field(default_factory=list)
    unanswered: set[SendId] = field(default_factory=set)  # calls that timed out

    def deliver(self, outgoing: Outgoing) -> Answer:
        send_id = outgoing.send_id
        self.calls += 1
        self.hook.before("provider.deliver")
        trouble = self.trouble(send_id)
        answer = self._answer(outgoing, trouble)
        self.hook.after("provider.deliver")
        return answer

    def _answer(self, outgoing: Outgoing, trouble: Trouble | None) -> Answer:
        if trouble in (Trouble.LOST_BEFORE, Trouble.LOST_AFTER):
            self.unanswered.add(outgoing.send_id)
        match trouble:
            case Trouble.TOO_FAST:
                return Throttled("TooManyRequestsException", brief=True)
            case Trouble.OUT:
                return Throttled("EndpointConnectionError")
            case Trouble.REFUSED:
                return Refused("MessageRejected")
            case Trouble.LOST_BEFORE:
                return Unclear("ConnectionClosedError")
        self.taken[outgoing.send_id] += 1
        if self.reporting:
            taken = Taken(outgoing.send_id, outgoing.to, self.now())
            if not self.tell(taken):
                self.reports.append(taken)
        if trouble is Trouble.LOST_AFTER:
            return Unclear("ReadTimeoutError")
        return Accepted(f"msg-{self.calls}")

    def collect(self) -> list[Taken]:
        """What was taken since the last time."""
        collected, self.reports = self.reports, []
        return collected
