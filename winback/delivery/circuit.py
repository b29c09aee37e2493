"""A provider's circuit: while a channel's provider is out, its plan waits instead of failing message by message.

`closed` -> (failures in a row) -> `open` -> (its time is over: one message is let through) -> `probing` -> closed, or
open for twice as long. Each call that may have been taken or not leaves an `unknown` row, so few are enough to open it.

An account's own endpoint has a circuit of its own: one brand's trouble holds up nobody else's messages.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from winback.accounts.channels import ChannelName
from winback.delivery.answers import Answer, Throttled, Unclear
from winback.identifiers import AccountId

FAILURES = 5  # in a row, of all senders together
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=15)
PROBE_LASTS = timedelta(minutes=3)  # a probe that nobody answered in this time is repeated

# What one account may or may not do says nothing of the provider.
_NO_OUTAGE = frozenset({"AccountSuspendedException", "SendingPausedException", "LimitExceededException"})


OWN_ENDPOINTS = frozenset({ChannelName.WEBHOOK})
"""Channels on which each account has a provider of its own."""


def circuit_of(channel: str, account_id: AccountId) -> str:
    """The name of the circuit that the account's messages on the channel pass."""
    return f"{channel}#{account_id}" if channel in OWN_ENDPOINTS else str(channel)


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


@dataclass(frozen=True)
class Circuit:
    """`until`: of an open one, when it is probed; of a probing one, when the probe is repeated."""

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    openings: int = 0  # since it was last closed
    until: datetime | None = None
    opened_at: datetime | None = None
    error: str | None = None  # the code that opened it

    @property
    def passes(self) -> bool:
        return self.state is CircuitState.CLOSED

    def wants_probe(self, now: datetime) -> bool:
        return self.state is not CircuitState.CLOSED and (self.until is None or now >= self.until)

    def probed(self, now: datetime) -> "Circuit":
        """One message is on its way."""
        return replace(self, state=CircuitState.PROBING, until=now + PROBE_LASTS)

    def failed(self, code: str, now: datetime) -> "Circuit":
        failures = self.failures + 1
        if self.state is CircuitState.CLOSED and failures < FAILURES:
            return replace(self, failures=failures, error=code)
        if self.state is CircuitState.OPEN:
            return self  # answers of messages that were under way when it opened
        pause = min(FIRST_PAUSE * 2**self.openings, LONGEST_PAUSE)
        return Circuit(
            CircuitState.OPEN,
            failures=failures,
            openings=min(self.openings + 1, 10),
            until=now + pause,
            opened_at=self.opened_at or now,
            error=code,
        )

    def succeeded(self) -> "Circuit":
        """While it is open, late answers of messages that were under way prove nothing."""
        return self if self.state is CircuitState.OPEN else Circuit()


def is_outage(answer: Answer) -> str | None:
    """The code of an answer that speaks of the provider being out; None of any other."""
    match answer:
        case Unclear(code):
            return code
        case Throttled(code, brief=False) if code not in _NO_OUTAGE:
            return code
        case _:
            return None
