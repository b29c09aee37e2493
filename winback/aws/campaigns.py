"""Campaigns in the campaigns table."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.aws.tables import query_all
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Instant
from winback.identifiers import AccountId, CampaignId


class UnknownCampaign(LookupError):
    """The account has no campaign of that id."""


class Campaign(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign_id: CampaignId
    definition: CampaignDefinition
    created_at: Instant
    version: int = 1


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
        try:
            self._table.put_item(
                Item={**keys.campaign(account_id, campaign.campaign_id), **to_item(campaign)},
                ConditionExpression="attribute_not_exists(pk)",
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
