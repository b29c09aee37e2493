"""One customer's recommendations, out of a snapshot's file of all."""

from typing import Any

from winback.aws.lake import Lake
from winback.aws.snapshots import Snapshot
from winback.identifiers import CustomerKey
from winback.recommendations.reading import ROWS, SUMMARY, block_of, rows_of


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
