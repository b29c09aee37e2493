"""Which send a text belongs to: what comes back about it names the provider's message id and nothing else of ours."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from winback.aws import keys
from winback.identifiers import SendId

# Carriers report for up to three days; a customer may answer an old text.
# https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html
KEPT = timedelta(days=30)


class TextIndex:
    """Items of the performance table, by message id, that age out."""

    def __init__(self, performance_table: Any, wall: Callable[[], datetime]) -> None:
        self._table, self._wall = performance_table, wall

    def remember(self, message_id: str, send_id: SendId) -> None:
        self._table.put_item(
            Item={
                **keys.text(message_id),
                "send_id": str(send_id),
                "expires_at": int((self._wall() + KEPT).timestamp()),
            }
        )

    def find(self, message_id: str) -> SendId | None:
        item = self._table.get_item(Key=keys.text(message_id)).get("Item")
        return SendId.parse(str(item["send_id"])) if item else None
