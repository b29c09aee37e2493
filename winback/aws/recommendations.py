"""Customers' recommendations, out of a snapshot's file of all."""

from typing import Any

from winback.aws.lake import Lake
from winback.aws.snapshots import Snapshot
from winback.identifiers import CustomerKey
from winback.recommendations.reading import ROWS, SUMMARY, block_of, rows_of


class RecommendationBlocks:
    """A snapshot's recommendations, read block by block: customers in the order of their keys share blocks."""

    def __init__(self, lake: Lake, prefix: str) -> None:
        self._lake, self._prefix = lake, prefix
        self._summary: dict[str, Any] | None = lake.find_json(f"{prefix}{SUMMARY}")
        self._place: tuple[int, int] | None = None
        self._block = b""

    def of_customer(self, customer_key: CustomerKey) -> list[dict[str, Any]]:
        """Nothing when the snapshot has no recommendations."""
        if self._summary is None:
            return []
        place = block_of(self._summary, customer_key)
        if place != self._place:
            self._block, self._place = self._lake.read_range(f"{self._prefix}{ROWS}", *place), place
        return rows_of(self._block, customer_key)


class RecommendationStore:
    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def of_customer(self, snapshot: Snapshot, customer_key: CustomerKey) -> dict[str, Any] | None:
        """Reads the index and the one block of the customer. None when the snapshot has no recommendations."""
        summary = self._lake.find_json(f"{snapshot.prefix}{SUMMARY}")
        if summary is None:
            return None
        block = self._lake.read_range(f"{snapshot.prefix}{ROWS}", *block_of(summary, customer_key))
        return {
            "item": summary["item"],
            "ranker": summary["ranker"],
            "recommendations": rows_of(block, customer_key),
        }
