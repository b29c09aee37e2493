"""Store events at the edge: markers that tell repeated ones."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from winback.aws import keys
from winback.aws.tables import batch_get, batch_put
from winback.identifiers import AccountId

KEPT = timedelta(days=35)  # a store that repeats a request does so soon; later the lake still counts an event once


class EventMarkers:
    """Which events came through the API lately, by touch id."""

    def __init__(self, customers_table: Any) -> None:
        self._table = customers_table

    def known(self, account_id: AccountId, touch_ids: Iterable[str]) -> set[str]:
        places = {touch_id: keys.event_marker(account_id, touch_id) for touch_id in touch_ids}
        found = batch_get(self._table, places.values(), consistent=True)
        return {touch_id for touch_id, place in places.items() if keys.pair(place) in found}

    def mark(self, account_id: AccountId, touch_ids: Iterable[str], now: datetime) -> None:
        """Each at most once."""
        expires_at = int((now + KEPT).timestamp())
        batch_put(
            self._table,
            [{**keys.event_marker(account_id, touch_id), "expires_at": expires_at} for touch_id in touch_ids],
        )
