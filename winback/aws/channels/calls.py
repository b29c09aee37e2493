"""Puts calls on the account managers' list: nothing leaves us until a person dials."""

from collections.abc import Callable
from datetime import datetime

from winback.aws.call_tasks import CallTasks
from winback.aws.channels.handing_over import Meanings, prepared
from winback.delivery.answers import Accepted, Answer
from winback.delivery.channels import Outgoing
from winback.delivery.messages.values import DataMessage

_MEANINGS = Meanings(provider="DynamoDB", later={"ProvisionedThroughputExceededException"})


class CallProvider:
    def __init__(self, calls: CallTasks, now: Callable[[], datetime]) -> None:
        self._calls, self._now = calls, now

    def deliver(self, outgoing: Outgoing) -> Answer:
        """The call is due on the day of the account's zone. A list that did not answer is asked again: adding a call
        twice gives one call. Raises ProviderMisconfigured."""
        message = outgoing.message
        if not isinstance(message, DataMessage):
            raise TypeError("a message of another channel was given to the call list")
        now = self._now()
        due_on = now.astimezone(outgoing.account.zone).date()
        added = prepared(lambda: self._calls.add(outgoing.send_id, message.fields, due_on=due_on, at=now), _MEANINGS)
        return Accepted(added) if isinstance(added, str) else added
