"""A row to send, and what sending asks of ledger, contacts, recipients and offers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from winback.delivery.channels import Outgoing
from winback.delivery.contacts import ContactLimits, Limit
from winback.delivery.gate import Reason, RecipientFacts, SendContext
from winback.delivery.ledger import Description, Row, Standing
from winback.identifiers import SendId
from winback.offers.budget import Spend


@dataclass(frozen=True)
class PlannedSend:
    """One row of a plan chunk that planning allowed; `row` is its number in the chunk.

    `described.code`: the one that an earlier step gave this customer. `spend`: what it takes of the launch's budgets;
    None where it takes nothing. `offered_at`: when an earlier step brought the offer that it carries.
    """

    row: int
    send_id: SendId
    context: SendContext
    described: Description
    spend: Spend | None = None
    offered_at: datetime | None = None


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
        first: bool,
    ) -> Standing: ...

    def skip(
        self,
        send_id: SendId,
        reasons: Iterable[Reason],
        *,
        now: datetime,
        described: Description,
        first: bool,
    ) -> bool: ...

    def accepted(self, send_id: SendId, *, claim: str, at: datetime, message_id: str) -> bool: ...

    def failed(self, send_id: SendId, *, claim: str, error: str) -> bool: ...

    def unknown(self, send_id: SendId, *, claim: str, error: str) -> bool: ...

    def throttled(self, send_id: SendId, *, claim: str, error: str) -> bool: ...


class ContactPort(Protocol):
    def book(
        self, send_id: SendId, channel: str, *, now: datetime, limits: ContactLimits, offer: str | None = None
    ) -> tuple[Limit, ...]: ...

    def release(self, send_id: SendId) -> None:
        """Frees the send's slot, if it has one. Its row says that it reached nobody."""
        ...


class RecipientPort(Protocol):
    """What is known of the customers; `facts` is asked anew right before each claim."""

    def facts(self, one: PlannedSend) -> RecipientFacts: ...

    def outgoing(self, one: PlannedSend) -> Outgoing:
        """The message, with the code that `one` is described by. Raises RenderingFailed."""
        ...


class OfferPort(Protocol):
    """Codes and budgets of the message's launch."""

    def needs_code(self, offer_id: str) -> bool: ...

    def take_code(self, offer_id: str) -> str | None:
        """One that nobody else gets; None when there is none left."""
        ...

    def keep_code(self, offer_id: str, code: str) -> None:
        """For somebody else: the one who was to get it gets no message."""
        ...

    def cost(self, outgoing: Outgoing) -> int | None:
        """In hundredths of a cent; None where no budget counts it."""
        ...

    def take(self, spend: Spend) -> bool:
        """False when the budget has no room for it."""
        ...

    def give_back(self, spend: Spend) -> None: ...
