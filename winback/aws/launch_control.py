"""What a marketer does with campaigns and launches, over the tables and the two workflows."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self
from zoneinfo import ZoneInfo

from botocore.exceptions import ClientError

from winback.accounts import Account
from winback.accounts.look import Look
from winback.aws.campaigns import Campaign, CampaignStore
from winback.aws.clock import Clock
from winback.aws.lake import launch_prefix
from winback.aws.launches import LaunchStore
from winback.aws.offers import OfferRefused, OfferStore, UnknownOffer
from winback.aws.slices import SliceStore
from winback.aws.snapshots import Snapshot, SnapshotState, SnapshotStore
from winback.aws.tables import Accounts
from winback.aws.templates import TemplateStore
from winback.campaigns.audience import Audience
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import IllegalTransition, Launch, LaunchConflict, LaunchState
from winback.campaigns.messages import freezing_problems, frozen
from winback.campaigns.offer_steps import out_of_season
from winback.campaigns.requests import Approval, NewLaunch
from winback.delivery.message_cost import CURRENCY
from winback.identifiers import AccountId, CampaignId, LaunchId, SnapshotId, new_id, repeatable_id
from winback.instants import format_instant, parse_instant
from winback.offers.offer import Offer
from winback.slices.problems import ConditionRefused
from winback.slices.saved import FrozenSlice, SliceTooLarge, UnknownSlice, frozen_slice


class NoSnapshot(LaunchConflict):
    """The account has no finished snapshot of that id, or none at all."""


class KeyUsedOtherwise(LaunchConflict):
    """The request's idempotency key was used for something else."""


class UnusableSlice(LaunchConflict):
    """The audience's slice does not exist, or cannot be asked."""


class UnusableBudget(LaunchConflict):
    """The definition bounds what messages may cost in money that their prices are not in."""


class UnusableOffer(LaunchConflict):
    """An offer of the definition does not exist, was retired, or is not valid when the launch would send it."""


class UnusableTemplate(LaunchConflict):
    """A saved template of the definition was deleted, or changed so that the launch could not send it."""


class StartsInThePast(LaunchConflict):
    """`starts_at` lies before now."""


@dataclass(frozen=True)
class Workflows:
    client: Any  # Step Functions
    prepare_arn: str
    campaign_arn: str

    def prepare(self, launch: Launch) -> None:
        self._start(self.prepare_arn, launch, launch.launch_id)

    def follow(self, launch: Launch) -> None:
        """Starts the execution that follows the launch, unless it was started before."""
        progress = {"continuation": launch.continuation, "moves_done": launch.moves_done}
        self._start(self.campaign_arn, launch, launch.execution, **progress)

    def _start(self, arn: str, launch: Launch, name: str, **more: int) -> None:
        """Executions are named after the launch, so each runs once (names stay taken for 90 days after the end):
        https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
        """
        body = {"account_id": launch.account_id, "launch_id": launch.launch_id, **more}
        try:
            self.client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(body))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise


@dataclass(frozen=True)
class LaunchControl:
    accounts: Accounts
    campaigns: CampaignStore
    launches: LaunchStore
    snapshots: SnapshotStore
    slices: SliceStore
    offers: OfferStore
    templates: TemplateStore
    clock: Clock
    workflows: Workflows

    @classmethod
    def of_table(cls, campaigns_table: Any, clock: Clock, workflows: Workflows) -> Self:
        return cls(
            Accounts(campaigns_table),
            CampaignStore(campaigns_table),
            LaunchStore(campaigns_table),
            SnapshotStore(campaigns_table),
            SliceStore(campaigns_table),
            OfferStore(campaigns_table),
            TemplateStore(campaigns_table),
            clock,
            workflows,
        )

    def define(self, account_id: AccountId, definition: CampaignDefinition, once: str | None = None) -> Campaign:
        """`definition` with messages that can be sent (winback.campaigns.messages.message_problems).

        The same idempotency key `once` gives the same campaign. Raises KeyUsedOtherwise.
        """
        campaign_id = CampaignId(repeatable_id("cmp", account_id, once) if once else new_id("cmp"))
        campaign = Campaign(campaign_id=campaign_id, definition=definition, created_at=self.clock.now())
        if self.campaigns.create(account_id, campaign):
            return campaign
        there = self.campaigns.get(account_id, campaign_id)
        if there.definition != definition:
            raise KeyUsedOtherwise("Idempotency-Key was used for another definition: use a new one for each campaign")
        return there

    def redefine(
        self, account_id: AccountId, campaign_id: CampaignId, definition: CampaignDefinition, version: int
    ) -> Campaign:
        """The campaign with its next definition; its launches go on with theirs. Raises UnknownCampaign,
        CampaignChanged when `version` is not the latest."""
        read = self.campaigns.get(account_id, campaign_id)
        return self.campaigns.redefine(account_id, read, definition, version, self.clock.now())

    def pause_campaign(self, account_id: AccountId, campaign_id: CampaignId) -> Campaign:
        """Nothing starts it by itself until it is resumed. Raises UnknownCampaign, StartsByHand, CampaignChanged."""
        return self._changed(account_id, campaign_id, lambda campaign: campaign.paused(self.clock.now()))

    def resume_campaign(self, account_id: AccountId, campaign_id: CampaignId) -> Campaign:
        return self._changed(account_id, campaign_id, Campaign.resumed)

    def _changed(
        self, account_id: AccountId, campaign_id: CampaignId, change: Callable[[Campaign], Campaign]
    ) -> Campaign:
        read = self.campaigns.get(account_id, campaign_id)
        changed = change(read)
        return read if changed == read else self.campaigns.save(account_id, changed)

    def prepare(
        self, account_id: AccountId, campaign_id: CampaignId, wanted: NewLaunch, once: str | None = None
    ) -> Launch:
        """The same idempotency key `once` gives the same launch of the campaign.

        Raises UnknownCampaign, NoSnapshot, UnusableSlice, UnusableOffer, UnusableTemplate, StartsInThePast, EndsTooLate
        and KeyUsedOtherwise. A launch whose workflow cannot start is `failed`; with a key it stays as it is, for the
        next attempt to take up.
        """
        launch_id = LaunchId(repeatable_id("lau", account_id, campaign_id, once) if once else new_id("lau"))
        if once and (there := self.launches.find(account_id, launch_id)):
            return self._repeated(there, wanted)
        now = self.clock.now()
        if wanted.starts_at < now:
            raise StartsInThePast(f"starts_at {format_instant(wanted.starts_at)} is over: it is {format_instant(now)}")
        campaign = self.campaigns.get(account_id, campaign_id)
        account = self.accounts.read(account_id)  # what is frozen now is sent for weeks
        snapshot = self._snapshot(account_id, wanted.snapshot_id)
        launch = Launch.prepare(
            account_id,
            launch_id,
            campaign_id,
            self._frozen_messages(account_id, campaign.definition),
            snapshot.snapshot_id,
            prefix=launch_prefix(account_id, launch_id),
            starts_at=wanted.starts_at,
            now=now,
            zone=account.zone,
            slice=self._frozen_slice(account, campaign.definition.audience, snapshot),
            definition_version=campaign.definition_version,
            look=Look.of(account),
            audience_as_of=parse_instant(snapshot.as_of),
        )
        launch = self._with_offers(account, launch)
        self.launches.create(launch)
        try:
            self.workflows.prepare(launch)
        except ClientError as error:
            if once is None:
                self.launches.save(launch.failed("api_campaigns", error.response["Error"]["Code"], now))
            raise
        return launch

    def _repeated(self, launch: Launch, wanted: NewLaunch) -> Launch:
        """An attempt that died before its workflow started is taken up; there is one execution of a launch."""
        if launch.starts_at != wanted.starts_at or wanted.snapshot_id not in (None, launch.snapshot_id):
            raise KeyUsedOtherwise("Idempotency-Key was used for another launch: use a new one for each launch")
        if launch.state is LaunchState.DRAFT:
            self.workflows.prepare(launch)
        return launch

    def approve(self, account_id: AccountId, launch_id: LaunchId, approval: Approval) -> Launch:
        """The state first, then the execution, here as below: whoever changes the state has won, and repeating the
        request starts what an attempt that died in between did not.
        """
        launch = self.launches.get(account_id, launch_id)
        approved = (launch.approved_by, launch.dry_run) == (approval.approved_by, approval.dry_run_fingerprint)
        if not (launch.state is LaunchState.SCHEDULED and approved):
            now = self.clock.now()
            launch = launch.approved(approval.approved_by, approval.dry_run_fingerprint, now)
            if now > launch.starts_at:  # its execution will start it at once: refused here, somebody hears of it
                account = self.accounts.get(account_id)
                _check_seasons(launch.started(now, launch.zone_of(account)), launch.offers, account.zone)
            launch = self.launches.save(launch)
        self.workflows.follow(launch)
        return launch

    def start(self, account_id: AccountId, launch_id: LaunchId) -> Launch:
        """Approving starts a launch; this repeats it. Raises IllegalTransition for one that nobody approved."""
        launch = self.launches.get(account_id, launch_id)
        if launch.state not in (LaunchState.SCHEDULED, LaunchState.RUNNING):
            raise IllegalTransition(launch_id, launch.state, LaunchState.RUNNING)
        self.workflows.follow(launch)
        return launch

    def pause(self, account_id: AccountId, launch_id: LaunchId) -> Launch:
        """Its execution ends when it looks next; until then it plans at most the step that is due."""
        return self._change(account_id, launch_id, lambda launch: launch.paused(self.clock.now()))

    def resume(self, account_id: AccountId, launch_id: LaunchId) -> Launch:
        launch = self.launches.get(account_id, launch_id)
        if launch.state is not LaunchState.RUNNING:
            zone = launch.zone_of(self.accounts.get(account_id))
            launch = self.launches.save(launch.resumed(self.clock.now(), zone))
        self.workflows.follow(launch)
        return launch

    def cancel(self, account_id: AccountId, launch_id: LaunchId) -> Launch:
        """A launch that had started is followed once more, to its report."""
        launch = self.launches.get(account_id, launch_id)
        if launch.state is not LaunchState.CANCELLED:
            launch = self.launches.save(launch.cancelled(self.clock.now()))
        if launch.started_at is not None:
            self.workflows.follow(launch)
        return launch

    def _change(self, account_id: AccountId, launch_id: LaunchId, change: Callable[[Launch], Launch]) -> Launch:
        return self.launches.save(change(self.launches.get(account_id, launch_id)))

    def check_slice(self, account_id: AccountId, audience: Audience) -> None:
        """Raises UnusableSlice when the account has no such slice; what it holds by then is a launch's to freeze."""
        if audience.slice is not None and audience.slice not in self.slices.of_account(account_id):
            raise UnusableSlice(f"no slice {audience.slice}: GET /v1/slices lists them")

    def check_offers(self, account_id: AccountId, definition: CampaignDefinition) -> None:
        """Raises UnusableOffer for one that is not in the catalogue, or retired; a launch freezes them."""
        if definition.offers is not None:
            self._frozen_offers(account_id, definition.offers.offers)

    def check_budget(self, account_id: AccountId, definition: CampaignDefinition) -> None:
        """Raises UnusableBudget for money in another currency than that of the providers' prices."""
        if definition.budget is None or definition.budget.spend_minor is None:
            return
        if (currency := self.accounts.get(account_id).currency) != CURRENCY:
            raise UnusableBudget(
                f"budget.spend_minor is in {currency}, but providers' prices are in {CURRENCY}: expected budget.sends"
            )

    def _frozen_offers(self, account_id: AccountId, offer_ids: Sequence[str]) -> tuple[Offer, ...]:
        try:
            return self.offers.frozen(account_id, offer_ids)
        except (UnknownOffer, OfferRefused) as error:
            raise UnusableOffer(str(error)) from error

    def _frozen_messages(self, account_id: AccountId, definition: CampaignDefinition) -> CampaignDefinition:
        find = self.templates.finder(account_id)
        for path, found in freezing_problems(definition, find):
            raise UnusableTemplate(f"{path} {found.problem}: expected {found.expected}")
        return frozen(definition, find)

    def _with_offers(self, account: Account, launch: Launch) -> Launch:
        policy = launch.definition.offers
        if policy is None:
            return launch
        offers = self._frozen_offers(account.account_id, policy.offers)
        _check_seasons(launch, offers, account.zone)
        return launch.model_copy(update={"offers": offers})

    def _frozen_slice(self, account: Account, audience: Audience, snapshot: Snapshot) -> FrozenSlice | None:
        if audience.slice is None:
            return None
        as_of, saved = parse_instant(snapshot.as_of), self.slices.of_account(account.account_id)
        try:
            return frozen_slice(audience.slice, saved, as_of=as_of, currency=account.currency)
        except (UnknownSlice, ConditionRefused, SliceTooLarge) as error:
            raise UnusableSlice(f"slice {audience.slice} cannot be launched: {error}") from error

    def _snapshot(self, account_id: AccountId, wanted: str | None) -> Snapshot:
        found = self.snapshots.get(account_id, SnapshotId(wanted)) if wanted else self.snapshots.latest(account_id)
        if found is None:
            asked = f"no snapshot {wanted}" if wanted else "no snapshot yet"
            raise NoSnapshot(f"{asked}: import customers and orders, then refresh (POST /v1/refreshes)")
        if found.state is not SnapshotState.PUBLISHED:
            raise NoSnapshot(f"snapshot {found.snapshot_id} is {found.state}: wait for it or name a published one")
        return found


def _check_seasons(launch: Launch, offers: tuple[Offer, ...], zone: ZoneInfo) -> None:
    """Raises UnusableOffer."""
    if not offers:
        return
    for offer in out_of_season(launch, offers, zone):
        raise UnusableOffer(
            f"offer {offer.offer_id} is valid from {offer.valid_from} to {offer.valid_until}: expected every day "
            "on which the launch may send it"
        )
