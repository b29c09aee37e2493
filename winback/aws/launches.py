"""Launches in the campaigns table. Every save is conditional on the version that was read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.aws.tables import Item, put_if, query_all
from winback.campaigns.launch import Launch, LaunchConflict, LaunchState
from winback.identifiers import AccountId, CampaignId, LaunchId
from winback.instants import parse_instant


class UnknownLaunch(LookupError):
    """The account has no launch of that id."""


class LaunchChanged(LaunchConflict):
    """Somebody else saved the launch since it was read."""


@dataclass(frozen=True)
class LaunchOutline:
    """What every release reads of a launch, also where its definition is none that this one would take."""

    launch_id: LaunchId
    campaign_id: CampaignId
    state: LaunchState
    starts_at: datetime
    chosen_at: datetime


class LaunchStore:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def get(self, account_id: AccountId, launch_id: LaunchId, *, consistent: bool = True) -> Launch:
        launch = self.find(account_id, launch_id, consistent=consistent)
        if launch is None:
            raise UnknownLaunch(f"no launch {launch_id}")
        return launch

    def find(self, account_id: AccountId, launch_id: LaunchId, *, consistent: bool = True) -> Launch | None:
        answer = self._table.get_item(Key=keys.launch(account_id, launch_id), ConsistentRead=consistent)
        return from_item(Launch, answer["Item"]) if "Item" in answer else None

    def create(self, launch: Launch) -> None:
        self._put(launch, "attribute_not_exists(pk)", {})

    def save(self, launch: Launch) -> Launch:
        """Stores a launch that was derived from a read one; raises LaunchChanged when that is no longer the latest."""
        changed = launch.model_copy(update={"version": launch.version + 1})
        self._put(changed, "version = :read", {":read": launch.version})
        return changed

    def of_account(self, account_id: AccountId, *states: LaunchState) -> Iterator[Launch]:
        """The account's launches in any of the states, or all of them. One in another state, which may be too old for
        this release to read, is in nobody's way."""
        rows = (row for row in self._rows(account_id) if not states or row["state"] in states)
        return (from_item(Launch, row) for row in rows)

    def outlines(self, account_id: AccountId) -> Iterator[LaunchOutline]:
        """Of all launches of the account."""
        wanted = "launch_id, campaign_id, #state, starts_at, created_at, audience_as_of"
        rows = self._rows(account_id, ProjectionExpression=wanted, ExpressionAttributeNames={"#state": "state"})
        return (
            LaunchOutline(
                LaunchId(row["launch_id"]),
                CampaignId(row["campaign_id"]),
                LaunchState(row["state"]),
                parse_instant(row["starts_at"]),
                parse_instant(row.get("audience_as_of") or row["created_at"]),
            )
            for row in rows
        )

    def _rows(self, account_id: AccountId, **arguments: Any) -> Iterable[Item]:
        return query_all(
            self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": keys.launch(account_id, LaunchId(""))["pk"]},
            **arguments,
        )

    def _put(self, launch: Launch, condition: str, values: dict[str, Any]) -> None:
        item = {**keys.launch(launch.account_id, launch.launch_id), **to_item(launch)}
        if not put_if(self._table, item, condition, values):
            raise LaunchChanged(f"launch {launch.launch_id} was changed by another request: read it again")
