"""Campaigns in the campaigns table."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Self

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.aws.tables import query_all
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Instant, LaunchConflict
from winback.identifiers import AccountId, CampaignId


class UnknownCampaign(LookupError):
    """The account has no campaign of that id."""


class StartsByHand(LaunchConflict):
    """Nothing starts the campaign by itself, so there is nothing to pause."""


class CampaignChanged(LaunchConflict):
    """Somebody else saved the campaign since it was read."""


class Campaign(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign_id: CampaignId
    definition: CampaignDefinition
    definition_version: int = Field(default=1, ge=1, description="rises whenever the definition is replaced")
    created_at: Instant
    paused_at: Instant | None = Field(default=None, description="since when nothing starts it by itself")
    version: int = 1

    def paused(self, now: datetime) -> Self:
        """Its launches stay as they are. Raises StartsByHand; a paused one stays as it is."""
        self._require_trigger()
        return self if self.paused_at is not None else self.model_copy(update={"paused_at": now})

    def resumed(self) -> Self:
        """What happened during the pause starts it no more. Raises StartsByHand."""
        self._require_trigger()
        return self.model_copy(update={"paused_at": None})

    def _require_trigger(self) -> None:
        if self.definition.starts_on is None:
            raise StartsByHand(
                f"campaign {self.campaign_id} starts by hand only: pause its launches, or make no more of them"
            )


class CampaignStore:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def get(self, account_id: AccountId, campaign_id: CampaignId) -> Campaign:
        answer = self._table.get_item(Key=keys.campaign(account_id, campaign_id), ConsistentRead=True)
        if "Item" not in answer:
            raise UnknownCampaign(f"no campaign {campaign_id}")
        return from_item(Campaign, answer["Item"])

    def create(self, account_id: AccountId, campaign: Campaign) -> bool:
        """False, and nothing changed, when there is a campaign of that id."""
        return self._put(account_id, campaign, "attribute_not_exists(pk)", {})

    def save(self, account_id: AccountId, campaign: Campaign) -> Campaign:
        """Stores a campaign that was derived from a read one. Raises CampaignChanged when that is not the latest."""
        changed = campaign.model_copy(update={"version": campaign.version + 1})
        if not self._put(account_id, changed, "version = :read", {":read": campaign.version}):
            raise CampaignChanged(f"campaign {campaign.campaign_id} was changed by another request: read it again")
        return changed

    def _put(self, account_id: AccountId, campaign: Campaign, condition: str, values: dict[str, Any]) -> bool:
        given = {"ExpressionAttributeValues": values} if values else {}
        try:
            self._table.put_item(
                Item={**keys.campaign(account_id, campaign.campaign_id), **to_item(campaign)},
                ConditionExpression=condition,
                **given,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def of_account(self, account_id: AccountId) -> Iterator[Campaign]:
        rows = query_all(
            self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": keys.campaign(account_id, CampaignId(""))["pk"]},
        )
        return (from_item(Campaign, row) for row in rows)
