"""Measured lifts of finished launches in the campaigns table."""

from typing import Any

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.aws.tables import query_all
from winback.identifiers import AccountId, LaunchId
from winback.slices.lifts import LaunchLift


class LiftStore:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def put(self, account_id: AccountId, lift: LaunchLift) -> None:
        """Replaces what an earlier report of the launch said."""
        self._table.put_item(Item={**keys.lift(account_id, LaunchId(lift.launch_id)), **to_item(lift)})

    def of_account(self, account_id: AccountId) -> list[LaunchLift]:
        rows = query_all(
            self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": keys.lift(account_id, LaunchId(""))["pk"]},
        )
        return [from_item(LaunchLift, row) for row in rows]
