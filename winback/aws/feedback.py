"""What providers report of messages, of every channel: into the ledger row, the suppression list and the counters."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from winback.accounts.channels import ChannelName
from winback.aws.customers import ProfileStore
from winback.aws.ledger import Ledger
from winback.aws.reputation import COUNTED, Reputation
from winback.aws.suppressions import SuppressionList, SuppressionReason
from winback.aws.tables import Accounts, UnknownAccount
from winback.delivery.feedback import Feedback
from winback.delivery.ledger import BounceType, FeedbackEvent
from winback.identifiers import SendId


@dataclass(frozen=True)
class FeedbackBook:
    """`wall`: the process's own time; counters are of the days on which reports came in."""

    accounts: Accounts
    profiles: ProfileStore
    suppressions: SuppressionList
    ledger: Ledger
    reputation: Reputation
    wall: Callable[[], datetime]

    @classmethod
    def of_tables(
        cls,
        *,
        campaigns_table: Any,
        customers_table: Any,
        performance_table: Any,
        wall: Callable[[], datetime],
        texts_from: str = "",
    ) -> Self:
        """`texts_from`: the stage's origination identity, or empty."""
        suppressions, ledger = SuppressionList(customers_table), Ledger(performance_table)
        profiles, reputation = ProfileStore(customers_table), Reputation(campaigns_table)
        return cls(Accounts(campaigns_table, texts_from=texts_from), profiles, suppressions, ledger, reputation, wall)

    def apply(self, feedback: Feedback) -> str:
        """What was done. A message that is not ours is counted and left: no repetition would find it.

        The suppression comes first, so that whatever dies in between, nothing more is sent to the address. A complaint
        ends the customer's consent as well: it holds for whatever address the customer has by now.
        """
        if feedback.event is None:
            return "ignored"
        if feedback.send_id is None:
            return "foreign"
        if feedback.suppress and feedback.address:
            try:
                account = self.accounts.get(feedback.send_id.account_id)
            except UnknownAccount:
                return "unknown_account"
            self.suppressions.add(
                account,
                feedback.address,
                feedback.channel,
                SuppressionReason(feedback.suppress),
                at=feedback.event.at,
                send_id=feedback.send_id,
            )
        if feedback.suppress == SuppressionReason.COMPLAINT:
            who = (feedback.send_id.customer_key, ChannelName(feedback.channel))
            self.profiles.deny(feedback.send_id.account_id, {who: feedback.event.at}, source=feedback.suppress)
        known = self.record(feedback.send_id, feedback.event, feedback.channel)
        return feedback.event.kind.name.lower() if known else "unknown_send"

    def record(self, send_id: SendId, event: FeedbackEvent, channel: str) -> bool:
        """Into the row, and once per send into the counters. False when there is no such row."""
        counts = event.kind in COUNTED and event.bounce_type is not BounceType.SOFT
        counted = self.reputation.counted_with(send_id, channel, event.kind, at=self.wall()) if counts else ()
        return self.ledger.record(send_id, event, counted=counted)
