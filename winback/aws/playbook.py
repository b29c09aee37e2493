"""An account's own playbook rows in the campaigns table, and the drafts that are made of a playbook."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from winback.aws import keys
from winback.aws.campaigns import Campaign, CampaignStore, UnknownCampaign
from winback.identifiers import AccountId
from winback.instants import format_instant
from winback.playbook.drafts import DraftPlan
from winback.playbook.loading import InvalidPlaybook, PlaybookProblem, playbook_with, shipped_playbook
from winback.playbook.rows import Playbook

LARGEST = 100_000
"""Bytes of an account's own rows as JSON."""


class PlaybookStore:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def get(self, account_id: AccountId) -> Playbook:
        """The shipped playbook with the account's own rows. Raises InvalidPlaybook when those fit no longer."""
        item = self._table.get_item(Key=keys.playbook(account_id), ConsistentRead=True).get("Item")
        return shipped_playbook() if item is None else playbook_with(item["rows"], "json")

    def put(self, account_id: AccountId, own: dict[str, Any], now: datetime) -> Playbook:
        """Replaces the account's own rows; `{}` goes back to the shipped ones. Raises InvalidPlaybook."""
        text = json.dumps(own, separators=(",", ":"), ensure_ascii=False)
        size = len(text.encode())
        if size > LARGEST:
            raise InvalidPlaybook([PlaybookProblem("", f"has {size} bytes", f"at most {LARGEST}")])
        playbook = playbook_with(text, "json")
        # As text: DynamoDB takes no floats, and the rows are only ever read whole.
        self._table.put_item(Item={**keys.playbook(account_id), "rows": text, "updated_at": format_instant(now)})
        return playbook


def make_drafts(
    account_id: AccountId, plans: Iterable[DraftPlan], campaigns: CampaignStore, *, now: datetime, dry: bool
) -> dict[str, list[dict[str, Any]]]:
    """Creates the campaign of each plan that has one, unless it is there; with `dry`, none. Repeating it makes no more.

    `drafts`: what is there afterwards; `state` is `made`, `already there` or `would be made`. `not_drafted`: the rest,
    each with its reason.
    """
    drafts, not_drafted = list[dict[str, Any]](), list[dict[str, Any]]()
    for plan in plans:
        if plan.definition is None:
            not_drafted.append(plan.describe())
            continue
        campaign = Campaign(campaign_id=plan.campaign_id(account_id), definition=plan.definition, created_at=now)
        if dry:
            state = "already there" if _exists(campaigns, account_id, campaign) else "would be made"
        else:
            state = "made" if campaigns.create(account_id, campaign) else "already there"
        drafts.append({**plan.describe(), "campaign_id": campaign.campaign_id, "state": state})
    return {"drafts": drafts, "not_drafted": not_drafted}


def _exists(campaigns: CampaignStore, account_id: AccountId, campaign: Campaign) -> bool:
    try:
        campaigns.get(account_id, campaign.campaign_id)
    except UnknownCampaign:
        return False
    return True
