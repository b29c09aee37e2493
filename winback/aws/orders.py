"""Orders at the edge: markers that tell repeated ones, and the last order of customers whom a launch may contact."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from winback.aws import keys
from winback.aws.launches import LaunchStore
from winback.aws.tables import batch_get, batch_put, conditionally
from winback.identifiers import AccountId, CustomerKey
from winback.instants import format_instant
from winback.orders import Order

THREADS = 16


class OrderMarkers:
    """Which orders came through the API, and with which content."""

    def __init__(self, customers_table: Any) -> None:
        self._table = customers_table

    def fingerprints(self, account_id: AccountId, order_ids: Iterable[str]) -> dict[str, str]:
        """Of those that are known, by order id."""
        places = {order_id: keys.order_marker(account_id, order_id) for order_id in order_ids}
        found = batch_get(self._table, places.values(), consistent=True)
        return {
            order_id: found[keys.pair(place)]["fingerprint"]
            for order_id, place in places.items()
            if keys.pair(place) in found
        }

    def mark(self, account_id: AccountId, orders: Iterable[Order]) -> None:
        """Each order id at most once."""
        batch_put(
            self._table,
            [{**keys.order_marker(account_id, order.order_id), "fingerprint": order.fingerprint()} for order in orders],
        )

    def forget(self, account_id: AccountId, order_ids: Iterable[str]) -> None:
        """For orders whose latest version came otherwise: the API then takes any statement about them as news."""
        with self._table.batch_writer() as writer:
            for order_id in order_ids:
                writer.delete_item(Key=keys.order_marker(account_id, order_id))


class Activity:
    """The time of a customer's last purchase, kept while a launch that could stop on it is not over."""

    def __init__(self, customers_table: Any, campaigns_table: Any) -> None:
        self._customers = customers_table
        self._launches = LaunchStore(campaigns_table)

    def matters_since(self, account_id: AccountId) -> datetime | None:
        """Purchases from this moment on matter to some launch: since its audience was chosen. None when there is no
        such launch."""
        return min(
            (launch.chosen_at for launch in self._launches.outlines(account_id) if not launch.state.over),
            default=None,
        )

    def raise_to(self, account_id: AccountId, latest: Mapping[CustomerKey, datetime]) -> int:
        """Only ever later; returns how many were raised. Any order and any repetition gives the same."""
        if not latest:
            return 0
        with ThreadPoolExecutor(min(THREADS, len(latest))) as pool:
            return sum(pool.map(lambda pair: self._raise(account_id, *pair), latest.items()))

    def _raise(self, account_id: AccountId, customer: CustomerKey, moment: datetime) -> bool:
        return conditionally(
            self._customers.update_item,
            Key=keys.activity(account_id, customer),
            UpdateExpression="SET last_order_at = :moment",
            ConditionExpression="attribute_not_exists(last_order_at) OR last_order_at < :moment",
            ExpressionAttributeValues={":moment": format_instant(moment)},
        )
