"""Campaigns that start from an event or by a schedule: each gets one launch of a snapshot or a period, which waits for
a person's approval."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from winback.aws import keys
from winback.aws.campaigns import Campaign, Note
from winback.aws.launch_control import LaunchControl
from winback.aws.launches import LaunchChanged
from winback.aws.tables import put_if
from winback.campaigns.launch import NEVER_STARTED, Launch, LaunchConflict, LaunchState
from winback.campaigns.policies import StartsOn
from winback.campaigns.recurrence import next_start
from winback.campaigns.requests import NewLaunch
from winback.identifiers import AccountId, CampaignId, LaunchId, SnapshotId, repeatable_id
from winback.instants import format_instant

TIME_TO_APPROVE = timedelta(days=1)
"""From the event to the launch's start. Approved later, its steps count from then (winback/campaigns/launch.py)."""


class Triggers:
    def __init__(self, campaigns_table: Any, control: LaunchControl) -> None:
        self._table, self._control = campaigns_table, control

    def newly_lapsed(self, account_id: AccountId, snapshot_id: SnapshotId) -> list[Launch]:
        """Launches of the campaigns that start from newly lapsed customers; the same ones however often it is called.

        A campaign that cannot be launched as it is gets a note that says why. All campaigns are tried before the errors
        of some are raised together, so that one keeps no other back.
        """
        self._withdraw(account_id)

        def launched(campaign: Campaign) -> Launch | None:
            if campaign.definition.starts_on is not StartsOn.NEWLY_LAPSED:
                return None
            return self._newly_lapsed(account_id, campaign.campaign_id, snapshot_id)

        return self._of_campaigns(account_id, launched)

    def hourly(self, now: datetime) -> list[Launch]:
        """Launches of all accounts that are to start within TIME_TO_APPROVE by their campaigns' schedules; one of each
        period, however often it is called. Launches whose execution was never started, because who prepared, approved
        or resumed them died in between, get it.
        """
        launches: list[Launch] = []
        failures: list[Exception] = []
        for account_id in self._control.accounts.ids():
            try:
                self._take_up(account_id)
            except Exception as error:  # noqa: BLE001 (raised below, with the others)
                failures.append(error)
            try:
                launches += self._scheduled(account_id, now)
            except Exception as error:  # noqa: BLE001 (raised below, with the others)
                failures.append(error)
        if failures:
            raise ExceptionGroup(f"{len(failures)} accounts' schedules could not be followed", failures)
        return launches

    def _take_up(self, account_id: AccountId) -> None:
        """Executions are named after their launches: one that was started is not started again."""
        states = (LaunchState.DRAFT, LaunchState.SCHEDULED, LaunchState.RUNNING, LaunchState.CANCELLED)
        for launch in self._control.launches.of_account(account_id, *states):
            if launch.state is LaunchState.DRAFT:
                self._control.workflows.prepare(launch)
            elif launch.is_followed:
                self._control.workflows.follow(launch)

    def _scheduled(self, account_id: AccountId, now: datetime) -> list[Launch]:
        zone = self._control.accounts.get(account_id).zone
        self._withdraw(account_id)

        def launched(campaign: Campaign) -> Launch | None:
            if campaign.definition.schedule is None:
                return None
            starts_at = next_start(campaign.definition.schedule, campaign.created_at, now, zone)
            if starts_at - now > TIME_TO_APPROVE:
                return None
            wanted = NewLaunch(starts_at=starts_at)
            return self._control.prepare(account_id, campaign.campaign_id, wanted, _of_period(starts_at))

        return self._of_campaigns(account_id, launched)

    def _of_campaigns(self, account_id: AccountId, launched: Callable[[Campaign], Launch | None]) -> list[Launch]:
        launches: list[Launch] = []
        failures: list[Exception] = []
        for campaign in list(self._control.campaigns.of_account(account_id)):
            if campaign.paused_at is not None:
                continue
            try:
                launch = self._noting(account_id, campaign, launched)
            except Exception as error:  # noqa: BLE001 (raised below, with the others)
                failures.append(error)
            else:
                launches += [launch] if launch is not None else []
        if failures:
            raise ExceptionGroup(f"{len(failures)} campaigns could not be started", failures)
        return launches

    def _noting(
        self, account_id: AccountId, campaign: Campaign, launched: Callable[[Campaign], Launch | None]
    ) -> Launch | None:
        """The launch. What the campaign itself does not allow, a repetition would not allow either: it is noted."""
        launch, note = None, None
        try:
            launch = launched(campaign)
        except LaunchChanged:  # by somebody at this very moment: worth a repetition
            raise
        except LaunchConflict as error:
            note = Note(at=self._control.clock.now(), code=type(error).__name__, message=str(error))
        else:
            if launch is None:
                return None
        if (campaign.note and campaign.note.message) != (note and note.message):
            self._control.campaigns.save(account_id, campaign.noted(note))
        return launch

    def _withdraw(self, account_id: AccountId) -> None:
        """Launches of earlier events that nobody approved while they could start: they would pile up day by day."""
        now = self._control.clock.now()
        for launch in self._control.launches.of_account(account_id, *NEVER_STARTED):
            if not launch.is_too_late(now):
                continue
            mine = (_of_snapshot(launch.snapshot_id), _of_period(launch.starts_at))
            if launch.launch_id in [_launch_id(account_id, launch.campaign_id, once) for once in mine]:
                self._control.cancel(account_id, launch.launch_id)

    def _newly_lapsed(self, account_id: AccountId, campaign_id: CampaignId, snapshot_id: SnapshotId) -> Launch:
        once = _of_snapshot(snapshot_id)
        launch_id = _launch_id(account_id, campaign_id, once)
        self._started(account_id, campaign_id, snapshot_id, launch_id)
        there = self._control.launches.find(account_id, launch_id)
        starts_at = there.starts_at if there is not None else self._control.clock.now() + TIME_TO_APPROVE
        return self._control.prepare(
            account_id, campaign_id, NewLaunch(starts_at=starts_at, snapshot_id=snapshot_id), once
        )

    def _started(
        self, account_id: AccountId, campaign_id: CampaignId, snapshot_id: SnapshotId, launch_id: LaunchId
    ) -> None:
        """A snapshot starts a campaign once: whoever finds the item takes up the launch that it names."""
        item = {**keys.trigger(account_id, snapshot_id, campaign_id), "launch_id": launch_id}
        put_if(self._table, item, "attribute_not_exists(pk)")


def _of_snapshot(snapshot_id: SnapshotId) -> str:
    """The idempotency key of what a snapshot starts."""
    return f"{StartsOn.NEWLY_LAPSED}#{snapshot_id}"


def _of_period(starts_at: datetime) -> str:
    """The idempotency key of what a schedule starts then."""
    return f"schedule#{format_instant(starts_at)}"


def _launch_id(account_id: AccountId, campaign_id: CampaignId, once: str) -> LaunchId:
    return LaunchId(repeatable_id("lau", account_id, campaign_id, once))
