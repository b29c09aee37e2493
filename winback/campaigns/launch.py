"""A launch: one frozen, approved run of a campaign over one audience, and the states that it passes through."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from winback.accounts import Account
from winback.accounts.look import Look
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.schedule import postponed
from winback.campaigns.timeline import Move, MoveKind, Timeline, latest_time, moves, timeline
from winback.delivery.reputation import Counts
from winback.identifiers import AccountId, CampaignId, LaunchId, SnapshotId
from winback.instants import format_instant, parse_instant
from winback.offers.offer import Offer
from winback.slices.saved import FrozenSlice

LATEST_START = timedelta(days=7)  # an approved audience is older than that: prepare a new launch
LONGEST_AHEAD = timedelta(days=3 * 365)  # until the evaluation ends; executions that follow a launch succeed each other


_KEPT_PAUSES = 20
DEFAULT_HOLDOUT = 0.2  # until the audience is counted


class LaunchState(StrEnum):
    DRAFT = "draft"  # the audience and the dry run are being computed
    AWAITING_APPROVAL = "awaiting_approval"
    SCHEDULED = "scheduled"  # approved; its execution waits for `starts_at`
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        return self in (LaunchState.CANCELLED, LaunchState.FINISHED, LaunchState.FAILED)


NEVER_STARTED = (LaunchState.DRAFT, LaunchState.AWAITING_APPROVAL, LaunchState.SCHEDULED)
UNDER_WAY = (LaunchState.SCHEDULED, LaunchState.RUNNING, LaunchState.PAUSED)
_S = LaunchState
TRANSITIONS: dict[LaunchState, frozenset[LaunchState]] = {
    _S.DRAFT: frozenset({_S.AWAITING_APPROVAL, _S.CANCELLED, _S.FAILED}),
    _S.AWAITING_APPROVAL: frozenset({_S.SCHEDULED, _S.CANCELLED}),
    _S.SCHEDULED: frozenset({_S.RUNNING, _S.CANCELLED, _S.FAILED}),
    _S.RUNNING: frozenset({_S.PAUSED, _S.CANCELLED, _S.FINISHED}),
    _S.PAUSED: frozenset({_S.RUNNING, _S.CANCELLED}),
    _S.CANCELLED: frozenset(),
    _S.FINISHED: frozenset(),
    _S.FAILED: frozenset(),
}


class LaunchConflict(Exception):
    """The launch does not allow what was asked of it; the message says why and what would be right."""


class IllegalTransition(LaunchConflict):
    """Names the state that the launch is in and the one that was wanted."""

    def __init__(self, launch_id: LaunchId, current: LaunchState, wanted: LaunchState) -> None:
        self.current, self.wanted = current, wanted
        legal = ", ".join(sorted(TRANSITIONS[current])) or "none, it is over"
        super().__init__(f"launch {launch_id} is {current} and cannot become {wanted}; possible: {legal}")


class EndsTooLate(LaunchConflict):
    """The evaluation would end later than a launch is followed, or before the last step."""


def _instant(value: object) -> datetime:
    """Text or a datetime. A bare number could be seconds or milliseconds, and of what fraction: it is refused."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("is no date or time: expected ISO 8601 text such as 2026-11-21T09:30:00Z")
    return parse_instant(value)


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    PlainSerializer(format_instant, return_type=str),
]


class PlannedStep(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    step: int = Field(ge=1)
    planned_at: Instant


class PlannedBranch(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    branch: int = Field(ge=1)
    planned_at: Instant


class Pause(BaseModel):
    """`because`: the guardrail that stopped it; None for a person's own reasons."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    paused_at: Instant
    resumed_at: Instant | None = None
    because: str | None = None


class Failure(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    step: str
    code: str


class Launch(BaseModel):
    """Frozen; each verb returns the launch after it, or raises LaunchConflict. `version` rises with each save."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    account_id: AccountId
    launch_id: LaunchId
    campaign_id: CampaignId
    definition: CampaignDefinition
    definition_version: int = Field(default=1, ge=1, description="of the campaign's definition, frozen here")
    snapshot_id: SnapshotId
    slice: FrozenSlice | None = Field(default=None, description="the audience's slice as it was at `created_at`")
    state: LaunchState = LaunchState.DRAFT
    starts_at: Instant = Field(description="the moment of assignment: outcomes count from here, in both arms")
    evaluation_ends_at: Instant
    prefix: str
    steps: tuple[PlannedStep, ...]
    branches: tuple[PlannedBranch, ...] = ()
    offers: tuple[Offer, ...] = Field(default=(), description="as the catalogue had them at `created_at`")
    audience_as_of: Instant | None = Field(default=None, description="the snapshot's; none: `created_at`")
    time_zone: str | None = Field(default=None, description="of its times; the account's at `created_at`, else of now")
    look: Look | None = Field(default=None, description="the account's at `created_at`; none: as it is now")
    holdout_share: float = Field(default=DEFAULT_HOLDOUT, description="the definition's, or sized for its audience")
    created_at: Instant
    chunks: int | None = None
    dry_run: str | None = Field(default=None, description="fingerprint of the dry run")
    approved_by: str | None = None
    approved_at: Instant | None = None
    started_at: Instant | None = None
    paused_at: Instant | None = None
    paused_because: str | None = None
    pauses: tuple[Pause, ...] = Field(default=(), description="the last ones, for the report")
    judged: Counts = Field(default=Counts(), description="at its last pause by a guardrail: that counts no more")
    ended_at: Instant | None = Field(default=None, description="when it was finished, cancelled or failed")
    reported_at: Instant | None = None
    error: Failure | None = None
    moves_done: int = Field(default=0, ge=0, description="how many of `moves` the workflow has made")
    continuation: int = Field(default=0, ge=0, description="executions before the one that follows it now")
    version: int = 1

    @classmethod
    def prepare(
        cls,
        account_id: AccountId,
        launch_id: LaunchId,
        campaign_id: CampaignId,
        definition: CampaignDefinition,
        snapshot_id: SnapshotId,
        *,
        prefix: str,
        starts_at: datetime,
        now: datetime,
        zone: ZoneInfo,
        slice: FrozenSlice | None = None,  # noqa: A002 (the field's name)
        definition_version: int = 1,
        offers: tuple[Offer, ...] = (),
        look: Look | None = None,
        audience_as_of: datetime | None = None,
    ) -> Self:
        """Raises EndsTooLate."""
        latest = LONGEST_AHEAD - timedelta(days=definition.evaluation_days)
        if starts_at - now > latest:
            raise EndsTooLate(
                f"starts_at {format_instant(starts_at)} and {definition.evaluation_days} evaluation days end more than "
                f"{LONGEST_AHEAD.days} days from now: expected a start until {format_instant(now + latest)}"
            )
        planned = timeline(definition, starts_at, zone)
        launch = cls(
            account_id=account_id,
            launch_id=launch_id,
            campaign_id=campaign_id,
            definition=definition,
            definition_version=definition_version,
            snapshot_id=snapshot_id,
            slice=slice,
            starts_at=starts_at,
            evaluation_ends_at=starts_at + timedelta(days=definition.evaluation_days),
            prefix=prefix,
            steps=(),
            offers=offers,
            audience_as_of=audience_as_of,
            time_zone=zone.key,
            look=look,
            holdout_share=DEFAULT_HOLDOUT if definition.holdout.share is None else definition.holdout.share,
            created_at=now,
        )
        if max(planned.steps) >= launch.evaluation_ends_at:
            raise EndsTooLate(
                f"the last step would leave at {format_instant(max(planned.steps))}, when the evaluation is over: "
                "expected steps that name more weekdays, or more evaluation days"
            )
        return launch._with_times(planned)

    @property
    def moves(self) -> list[Move]:
        """What the workflow does for it, in order."""
        return moves([step.planned_at for step in self.steps], [branch.planned_at for branch in self.branches])

    @property
    def execution(self) -> str:
        """Name of the execution that follows it."""
        return f"{self.launch_id}-{self.continuation}" if self.continuation else self.launch_id

    @property
    def chosen_at(self) -> datetime:
        """What its customers do from then on, the choice of the audience knows nothing of."""
        return self.audience_as_of or self.created_at

    def zone_of(self, account: Account) -> ZoneInfo:
        """By whose clocks its steps were planned: an account that moves does not move them."""
        return account.zone if self.time_zone is None else ZoneInfo(self.time_zone)

    def shown_as(self, account: Account) -> Account:
        """The account as this launch's messages show it: what was approved is what is sent."""
        return account if self.look is None else self.look.worn_by(account)

    def planned_at(self, step: int) -> datetime:
        """Raises ValueError when the launch has no such step."""
        for planned in self.steps:
            if planned.step == step:
                return planned.planned_at
        raise ValueError(f"launch {self.launch_id} has no step {step}: expected 1 to {len(self.steps)}")

    def latest_at(self, step: int) -> datetime:
        """Until when a message of the step may leave (winback.campaigns.timeline.latest_time)."""
        times = [planned.planned_at for planned in self.steps]
        return latest_time(self.definition, times, step, self.evaluation_ends_at)

    def summarised(self, fingerprint: str, chunks: int) -> Self:
        return self._become(LaunchState.AWAITING_APPROVAL, dry_run=fingerprint, chunks=chunks)

    def failed(self, step: str, code: str, now: datetime) -> Self:
        return self._become(LaunchState.FAILED, error=Failure(step=step, code=code), ended_at=now)

    def approved(self, approved_by: str, fingerprint: str, now: datetime) -> Self:
        """`fingerprint` is of the dry run that the approver saw. It runs from `starts_at` on."""
        approved = self._become(LaunchState.SCHEDULED, approved_by=approved_by, approved_at=now)
        if fingerprint != self.dry_run:
            raise LaunchConflict(
                f"launch {self.launch_id} has another dry run than the one approved: "
                "read the launch again and approve the fingerprint that it shows"
            )
        self._require_fresh(now)
        return approved

    def started(self, now: datetime, zone: ZoneInfo) -> Self:
        """Started late, the steps keep their distances and count from now; assignment stays at `starts_at`."""
        running = self._become(LaunchState.RUNNING, started_at=now)
        self._require(LaunchState.SCHEDULED, LaunchState.RUNNING)
        self._require_fresh(now)
        if now <= self.starts_at:
            return running
        return running._rescheduled(timeline(self.definition, now, zone))

    def is_too_late(self, now: datetime) -> bool:
        """Whether it was never started, and cannot be any more."""
        return self.state in NEVER_STARTED and now > self.starts_at + LATEST_START

    @property
    def is_followed(self) -> bool:
        """Whether an execution is to follow it now, be it only to its report."""
        unreported = self.state is LaunchState.CANCELLED and self.started_at is not None and self.reported_at is None
        return unreported or self.state in (LaunchState.SCHEDULED, LaunchState.RUNNING)

    def advanced(self, moves_done: int) -> Self:
        """The workflow has made so many moves; never fewer than it had."""
        return self.model_copy(update={"moves_done": max(self.moves_done, moves_done)})

    def continued(self) -> Self:
        """Another execution follows it from now on; whoever asks on behalf of an earlier one is told so."""
        return self.model_copy(update={"continuation": self.continuation + 1})

    def paused(self, now: datetime, because: str | None = None, judged: Counts | None = None) -> Self:
        """`because`: of a guardrail, which `judged` these counts: whoever resumes the launch has seen them. None for a
        person's own reasons. Its execution ends; `resumed` starts another."""
        pauses = (*self.pauses, Pause(paused_at=now, because=because))[-_KEPT_PAUSES:]
        paused = self._become(LaunchState.PAUSED, paused_at=now, paused_because=because, pauses=pauses)
        return paused if judged is None else paused.model_copy(update={"judged": judged})

    def resumed(self, now: datetime, zone: ZoneInfo) -> Self:
        """Steps and branches whose time passed during the pause, and those after them, are put off by whole days; by
        whole weeks when a step among them names weekdays.
        """
        self._require(LaunchState.PAUSED, LaunchState.RUNNING)
        since = self.paused_at or now
        ended = tuple(
            pause if pause.resumed_at else pause.model_copy(update={"resumed_at": now}) for pause in self.pauses
        )
        running = self._become(LaunchState.RUNNING, paused_at=None, paused_because=None, pauses=ended).continued()
        planned = self.moves
        named = any(touch.step.on for touch in self.definition.touches if self.planned_at(touch.number) > since)
        times = postponed([move.planned_at for move in planned], since, now, zone, whole_weeks=named)
        moved = {(move.kind, move.number): moment for move, moment in zip(planned, times, strict=True)}
        return running._rescheduled(
            Timeline(
                tuple(moved[MoveKind.PLAN, step.step] for step in self.steps),
                tuple(moved[MoveKind.EVALUATE, branch.branch] for branch in self.branches),
            )
        )

    def cancelled(self, now: datetime) -> Self:
        """Another execution writes its report."""
        cancelled = self._become(LaunchState.CANCELLED, ended_at=now)
        return cancelled.continued() if self.state in (LaunchState.RUNNING, LaunchState.PAUSED) else cancelled

    def reported(self, now: datetime) -> Self:
        """The report is written: a running launch is finished by it; a cancelled one stays cancelled."""
        if self.state in (LaunchState.CANCELLED, LaunchState.FINISHED):
            return self.model_copy(update={"reported_at": now})
        return self._become(LaunchState.FINISHED, reported_at=now, ended_at=now)

    def _require(self, current: LaunchState, wanted: LaunchState) -> None:
        if self.state is not current:
            raise IllegalTransition(self.launch_id, self.state, wanted)

    def _become(self, state: LaunchState, **changes: Any) -> Self:
        if state not in TRANSITIONS[self.state]:
            raise IllegalTransition(self.launch_id, self.state, state)
        return self.model_copy(update={"state": state, **changes})

    def _require_fresh(self, now: datetime) -> None:
        if now > self.starts_at + LATEST_START:
            raise LaunchConflict(
                f"launch {self.launch_id} was to start at {format_instant(self.starts_at)}, more than "
                f"{LATEST_START.days} days ago: its audience is stale, prepare a new launch"
            )

    def _rescheduled(self, planned: Timeline) -> Self:
        last = max(planned.steps)
        if last >= self.evaluation_ends_at:
            raise LaunchConflict(
                f"the last step of launch {self.launch_id} would leave at {format_instant(last)}, "
                f"after its evaluation ends at {format_instant(self.evaluation_ends_at)}: "
                "cancel it and prepare a new launch"
            )
        return self._with_times(planned)

    def _with_times(self, planned: Timeline) -> Self:
        return self.model_copy(
            update={
                "steps": tuple(PlannedStep(step=n, planned_at=at) for n, at in enumerate(planned.steps, start=1)),
                "branches": tuple(
                    PlannedBranch(branch=n, planned_at=at) for n, at in enumerate(planned.branches, start=1)
                ),
            }
        )
