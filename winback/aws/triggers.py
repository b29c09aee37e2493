"""Campaigns that start from an event: each gets one launch of a snapshot, which waits for a person's approval."""

from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from winback.aws import keys
from winback.aws.launch_control import LaunchControl
from winback.aws.tables import standing_in_the_way
from winback.campaigns.launch import Launch
from winback.campaigns.policies import StartsOn
from winback.campaigns.requests import NewLaunch
from winback.identifiers import AccountId, CampaignId, LaunchId, SnapshotId, repeatable_id

TIME_TO_APPROVE = timedelta(days=1)
"""From the event to the launch's start. Approved later, its steps count from then (winback/campaigns/launch.py)."""


class Triggers:
    def __init__(self, campaigns_table: Any, control: LaunchControl) -> None:
        self._table, self._control = campaigns_table, control

    def newly_lapsed(self, account_id: AccountId, snapshot_id: SnapshotId) -> list[Launch]:
        """Launches of the campaigns that start from newly lapsed customers; the same ones however often it is called.

        All campaigns are tried before the errors of some are raised together, so that one keeps no other back.
        """
        self._withdraw(account_id)
        launches: list[Launch] = []
        failures: list[Exception] = []
        for campaign in self._control.campaigns.of_account(account_id):
            if campaign.definition.starts_on is not StartsOn.NEWLY_LAPSED or campaign.paused_at is not None:
                continue
            try:
                launches.append(self._launch(account_id, campaign.campaign_id, snapshot_id))
            except Exception as error:  # noqa: BLE001 (raised below, with the others)
                failures.append(error)
        if failures:
            raise ExceptionGroup(f"{len(failures)} campaigns could not be started from {snapshot_id}", failures)
        return launches

    def _withdraw(self, account_id: AccountId) -> None:
        """Launches of earlier events that nobody approved while they could start: they would pile up day by day."""
        now = self._control.clock.now()
        for launch in self._control.launches.of_account(account_id):
            started_by = _once(launch.snapshot_id)
            if launch.is_too_late(now) and launch.launch_id == _launch_id(account_id, launch.campaign_id, started_by):
                self._control.cancel(account_id, launch.launch_id)

    def _launch(self, account_id: AccountId, campaign_id: CampaignId, snapshot_id: SnapshotId) -> Launch:
        once = _once(snapshot_id)
        launch_id = _launch_id(account_id, campaign_id, once)
        self._note(account_id, campaign_id, snapshot_id, launch_id)
        there = self._control.launches.find(account_id, launch_id)
        starts_at = there.starts_at if there is not None else self._control.clock.now() + TIME_TO_APPROVE
        return self._control.prepare(
            account_id, campaign_id, NewLaunch(starts_at=starts_at, snapshot_id=snapshot_id), once
        )

    def _note(
        self, account_id: AccountId, campaign_id: CampaignId, snapshot_id: SnapshotId, launch_id: LaunchId
    ) -> None:
        """A snapshot starts a campaign once: whoever finds the item takes up the launch that it names."""
        try:
            self._table.put_item(
                Item={**keys.trigger(account_id, snapshot_id, campaign_id), "launch_id": launch_id},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ClientError as error:
            standing_in_the_way(error)


def _once(snapshot_id: SnapshotId) -> str:
    """The idempotency key of what a snapshot starts."""
    return f"{StartsOn.NEWLY_LAPSED}#{snapshot_id}"


def _launch_id(account_id: AccountId, campaign_id: CampaignId, once: str) -> LaunchId:
    return LaunchId(repeatable_id("lau", account_id, campaign_id, once))
