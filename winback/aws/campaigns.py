"""Campaigns in the campaigns table."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.aws.tables import put_if, query_all
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Instant, LaunchConflict
from winback.identifiers import AccountId, CampaignId


class UnknownCampaign(LookupError):
    """The account has no campaign of that id."""


class StartsByHand(LaunchConflict):
    """Nothing starts the campaign by itself, so there is nothing to pause."""


class CampaignChanged(LaunchConflict):
    """Somebody else saved the campaign since it was read."""


class Note(BaseModel):
    """Why the campaign could not be started by itself: a stable code, and words for a person."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    at: Instant
    code: str
    message: str


class DefinitionVersion(BaseModel):
    """A definition that another one replaced; launches of it go on with it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    definition: CampaignDefinition
    definition_version: int
    replaced_at: Instant


class Campaign(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    campaign_id: CampaignId
    definition: CampaignDefinition
    definition_version: int = Field(default=1, ge=1, description="rises whenever the definition is replaced")
    created_at: Instant
    paused_at: Instant | None = Field(default=None, description="since when nothing starts it by itself")
    note: Note | None = Field(default=None, description="of the last attempt to start it by itself, if that failed")
    version: int = 1

    def paused(self, now: datetime) -> Self:
        """Its launches stay as they are. Raises StartsByHand; a paused one stays as it is."""
        self._require_trigger()
        return self if self.paused_at is not None else self.model_copy(update={"paused_at": now})

    def resumed(self) -> Self:
        """What happened during the pause starts it no more. Raises StartsByHand."""
        self._require_trigger()
        return self.model_copy(update={"paused_at": None})

    def redefined(self, definition: CampaignDefinition, version: int) -> Self:
        """With its next definition, made of the one of `version`. The same change twice is one. Raises CampaignChanged
        when that is not the latest.
        """
        if self.definition_version == version + 1 and self.definition == definition:
            return self
        if self.definition_version != version:
            raise CampaignChanged(
                f"campaign {self.campaign_id} has definition version {self.definition_version}, not {version}: "
                "read it again and change that one"
            )
        return self.model_copy(update={"definition": definition, "definition_version": version + 1, "note": None})

    def noted(self, note: Note | None) -> Self:
        return self.model_copy(update={"note": note})

    @property
    def starts_by_itself(self) -> bool:
        return self.definition.starts_on is not None or self.definition.schedule is not None

    def _require_trigger(self) -> None:
        if not self.starts_by_itself:
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
        item = {**keys.campaign(account_id, campaign.campaign_id), **to_item(campaign)}
        return put_if(self._table, item, condition, values)

    def redefine(
        self, account_id: AccountId, campaign: Campaign, definition: CampaignDefinition, version: int, now: datetime
    ) -> Campaign:
        """Stores the next definition and keeps the one before it. Raises CampaignChanged."""
        changed = campaign.redefined(definition, version)
        if changed is campaign:
            return campaign
        kept = DefinitionVersion(
            definition=campaign.definition, definition_version=campaign.definition_version, replaced_at=now
        )
        place = keys.campaign_version(account_id, campaign.campaign_id, version)
        self._table.put_item(Item={**place, **to_item(kept)})
        return self.save(account_id, changed)

    def version(self, account_id: AccountId, campaign_id: CampaignId, version: int) -> DefinitionVersion | None:
        """A definition that was replaced; None when there is none of that version."""
        answer = self._table.get_item(Key=keys.campaign_version(account_id, campaign_id, version))
        return from_item(DefinitionVersion, answer["Item"]) if "Item" in answer else None

    def page(
        self, account_id: AccountId, limit: int, after: CampaignId | None = None
    ) -> tuple[list[Campaign], CampaignId | None]:
        """At most `limit` campaigns by their ids, and the last of them if there are more."""
        start = {"ExclusiveStartKey": keys.campaign(account_id, after)} if after else {}
        answer = self._table.query(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": keys.campaign(account_id, CampaignId(""))["pk"]},
            Limit=limit,
            **start,
        )
        following = answer.get("LastEvaluatedKey")
        return [from_item(Campaign, item) for item in answer["Items"]], following and CampaignId(following["sk"])

    def of_account(self, account_id: AccountId) -> Iterator[Campaign]:
        rows = query_all(
            self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": keys.campaign(account_id, CampaignId(""))["pk"]},
        )
        return (from_item(Campaign, row) for row in rows)
