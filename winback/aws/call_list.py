"""What account managers see and say of their calls."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from winback.accounts import Account
from winback.aws import keys
from winback.aws.call_tasks import CallTasks
from winback.aws.feedback import FeedbackBook
from winback.aws.launches import LaunchStore
from winback.aws.recipients import Recipient, RecipientStore
from winback.aws.suppressions import SuppressionReason
from winback.aws.tables import Item, batch_get
from winback.campaigns.contexts import send_context
from winback.campaigns.launch import Launch, LaunchState
from winback.delivery.calls import CallOutcome, CallState, NotACursor, UnknownCall, send_of
from winback.delivery.channels import ChannelName
from winback.delivery.channels.phone import phone_of
from winback.delivery.gate import Reason, eligibility, ended
from winback.delivery.ledger import EventKind, FeedbackEvent
from winback.experiments.assignment import Arm
from winback.identifiers import SendId
from winback.instants import format_instant

_CALL, _SMS = ChannelName.CALL.value, ChannelName.SMS.value


class CallList:
    def __init__(self, book: FeedbackBook, launches: LaunchStore, performance_table: Any, customers_table: Any) -> None:
        self._book, self._launches, self._tasks = book, launches, CallTasks(performance_table)
        self._customers, self._recipients = customers_table, RecipientStore(customers_table, performance_table)

    def page(
        self, account: Account, state: CallState, *, due_until: date | None, limit: int, cursor: str | None
    ) -> dict[str, Any]:
        """Calls with their customers as they are known now. `reasons` says why a customer must not be called any more,
        though the call was planned: consent withdrawn, number suppressed, bought since, left the launch, which may be
        cancelled too. Raises NotACursor."""
        if cursor is not None:
            try:
                send_of(account.account_id, cursor)
            except UnknownCall:
                raise NotACursor("cursor is none: expected next_cursor of the page before") from None
        found = self._tasks.page(account.account_id, state, due_until=due_until, limit=limit, cursor=cursor)
        return {"calls": self._shown(account, found.calls), "next_cursor": found.cursor}

    def settle(
        self, account: Account, call_id: str, outcome: CallOutcome, *, comment: str | None, at: datetime
    ) -> CallState:
        """The call's state afterwards. Whoever wants no calls is never called again; a wrong number is neither called
        nor texted.

        Every write may be repeated, and is when the request is; the denial comes first, so that it holds whatever dies
        in between, and whatever was said of the call before. Raises UnknownCall, CallIsDone.
        """
        account_id = account.account_id
        send_id = send_of(account_id, call_id)
        today = at.astimezone(account.zone).date()
        if outcome in (CallOutcome.DO_NOT_CALL, CallOutcome.WRONG_NUMBER):
            self._tasks.require(account_id, call_id)
            if outcome is CallOutcome.DO_NOT_CALL:
                self._book.suppressions.unsubscribe(account, send_id.customer_key, _CALL, at=at, send_id=send_id)
            else:
                self._suppress_number(account, send_id, at)
        settled = self._tasks.settle(account_id, call_id, outcome, comment=comment, at=at, on=today)
        for kind in settled.events:
            bounce = settled.bounce if kind is EventKind.BOUNCED else None
            self._book.record(send_id, FeedbackEvent(kind, at, bounce), _CALL)
        return settled.state

    def _suppress_number(self, account: Account, send_id: SendId, at: datetime) -> None:
        profile = self._customers.get_item(Key=keys.profile(account.account_id, send_id.customer_key)).get("Item")
        if number := phone_of(profile or {}):
            for channel in (_CALL, _SMS):
                reason = SuppressionReason.HARD_BOUNCE
                self._book.suppressions.add(account, number, channel, reason, at=at, send_id=send_id)

    def _known(self, account: Account, sends: Sequence[SendId]) -> dict[SendId, tuple[Recipient, tuple[Reason, ...]]]:
        """Each call's customer, and why not to call."""
        found = {}
        for launch_id in dict.fromkeys(send_id.launch_id for send_id in sends):
            own = [send_id for send_id in sends if send_id.launch_id == launch_id]
            launch = self._launches.find(account.account_id, launch_id)
            steps = [touch.number for touch in launch.definition.touches] if launch is not None else []
            recipients = self._recipients.load(
                account,
                [send_id.customer_key for send_id in own],
                _CALL,
                reactions=(launch_id, steps),
                with_contacts=False,
            )
            for send_id in own:
                recipient = recipients[send_id.customer_key]
                reasons = (*eligibility(recipient.facts).reasons, *_over(launch, account, send_id, recipient))
                found[send_id] = recipient, reasons
        return found

    def _shown(self, account: Account, calls: Sequence[Item]) -> list[dict[str, Any]]:
        sends = [SendId.parse(call["send_id"]) for call in calls]
        known = self._known(account, sends)
        wanted = [keys.profile(account.account_id, send_id.customer_key) for send_id in sends]
        profiles = batch_get(self._customers, wanted)
        shown = []
        for call, send_id, key in zip(calls, sends, wanted, strict=True):
            profile = profiles.get(keys.pair(key)) or {}
            recipient, reasons = known[send_id]
            shown.append(
                {
                    "call_id": call["sk"],
                    "due_on": call["sk"].partition("_")[0],
                    "launch_id": send_id.launch_id,
                    "step": send_id.step,
                    "customer_id": profile.get("customer_id"),
                    "first_name": recipient.first_name,
                    "last_name": recipient.last_name,
                    "phone": None if reasons else recipient.address,
                    "may_call": not reasons,
                    "reasons": [reason.value for reason in reasons],
                    "fields": dict(call["fields"]),
                    "tried_on": list(call.get("tried_on", [])),
                    **{name: call.get(name) for name in ("outcome", "comment", "said_at")},
                }
            )
        return shown


def _over(launch: Launch | None, account: Account, send_id: SendId, recipient: Recipient) -> tuple[Reason, ...]:
    """Why the launch is over, for this customer or for all."""
    if launch is None:
        return (Reason.CANCELLED,)
    row = {"arm": Arm.TREATMENT, "channel": _CALL, "send_at": format_instant(launch.planned_at(send_id.step))}
    reasons = ended(recipient.facts, send_context(launch, account, row))
    return (*reasons, Reason.CANCELLED) if launch.state is LaunchState.CANCELLED else reasons
