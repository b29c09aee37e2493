"""The two ends of a refresh on Spark: what the job is asked, and what the workflow goes on with when it is done.

The job itself (winback/spark) touches no table: it reads its request and writes what winback.aws.computing writes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from winback.accounts import Account
from winback.aws.computing import Computer
from winback.aws.lake import (
    customers_prefix,
    engagement_prefix,
    orders_prefix,
    proposed_rubric_key,
    rates_prefix,
)
from winback.aws.refresh import Refresh
from winback.spark.request import SparkRequest


class Engine(StrEnum):
    """Where refreshes of a stage are computed."""

    AUTO = "auto"
    LAMBDA = "lambda"
    SPARK = "spark"


BYTES_PER_ORDER = 40
"""Of an order without lines in the lake's Parquet, measured (bench/refresh.py: 39). Lines make orders larger, and more
work too: accounts with lines go to Spark with fewer orders."""


@dataclass(frozen=True)
class SparkRefresh:
    computer: Computer
    engine: Engine
    from_orders: int
    """With Engine.AUTO: from so many orders on."""

    def takes(self, refresh: Refresh) -> bool:
        """Whether the account is for Spark: by the stage's engine, or by the number of its orders.

        That is what the latest snapshot counted, or what the sizes of the order files come to if that is more: a first
        import has no snapshot yet, and listing files is what a refresh starts with anyway.
        """
        if self.engine is not Engine.AUTO:
            return self.engine is Engine.SPARK
        lake, latest = self.computer.lake, self.computer.snapshots.latest(refresh.account_id)
        counted = int(lake.read_json(f"{latest.prefix}summary.json")["total"]["orders"]) if latest is not None else 0
        estimated = lake.size(orders_prefix(refresh.account_id)) // BYTES_PER_ORDER
        return max(counted, estimated) >= self.from_orders

    def hand_over(self, refresh: Refresh, account: Account) -> dict[str, Any]:
        """Writes the job's request; answers with its URI, which is all that the job is told."""
        computer, account_id = self.computer, refresh.account_id
        computer.snapshots.begin(account_id, refresh.snapshot_id, refresh.as_of)
        rubric = computer.rubric_in_force(refresh)
        request = SparkRequest(
            account_id=account_id,
            snapshot_id=refresh.snapshot_id,
            as_of=refresh.as_of,
            currency=account.currency,
            trend_category=account.trend_category,
            rubric=rubric,
            proposes=computer.proposes(refresh, rubric),
            lifts=computer.measured_lifts(account_id),
            import_rows=computer.import_rows(account_id),
            called=list(computer.playbooks.get(account_id).called),
            lake=f"s3://{computer.lake.bucket}/",
            work=refresh.work,
            orders=orders_prefix(account_id),
            rates=rates_prefix(account_id),
            engagement=engagement_prefix(account_id),
            customers=customers_prefix(account_id),
        )
        computer.lake.write_json(request.key, request.model_dump(mode="json"))
        return {**refresh.describe(), "request": request.uri}

    def take_over(self, refresh: Refresh) -> dict[str, Any]:
        """Of what the job wrote, the answer of a computation on the spot."""
        lake, manifest = self.computer.lake, f"{refresh.work}manifest.jsonl"
        parts = len(lake.read_rows(manifest))
        proposal = lake.find_json(f"{refresh.work}proposal.json")
        if proposal is not None:
            lake.write_json(proposed_rubric_key(refresh.account_id), proposal)
        self.computer.snapshots.computed(refresh.account_id, refresh.snapshot_id, refresh.as_of)
        return {**refresh.describe(), "manifest": manifest, "parts": parts}
