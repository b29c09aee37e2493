"""Executions that follow a launch, killed, raced and repeated at will: every move is made, in order, and none too many.

The state machine of infra/workflows/campaign.py is played by `Execution`; the rest is the product's own code.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from local.inprocess.clock import SimulatedClock
from local.inprocess.scenario import ACCOUNT, OFFER, START
from local.inprocess.tables import MemoryTable
from winback.aws.following import Follower
from winback.aws.launch_control import LaunchControl, UnusableOffer, Workflows
from winback.aws.launches import LaunchStore
from winback.aws.reputation import Reputation
from winback.aws.tables import Accounts
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch, LaunchConflict, LaunchState
from winback.campaigns.progress import MOST_LOOKS, Action
from winback.campaigns.progress import Execution as Asking
from winback.campaigns.requests import Approval
from winback.identifiers import CampaignId, LaunchId, SnapshotId

LAUNCH = LaunchId("lau-000000000001")
FINGERPRINT = "0123456789abcdef"
APPROVAL = Approval(approved_by="Ada", dry_run_fingerprint=FINGERPRINT)
STEP = {"template": "we-miss-you"}
SEQUENCE = CampaignDefinition.model_validate(
    {
        "name": "Come back",
        "audience": {"families": ["Slipping"]},
        "evaluation_days": 60,
        "steps": [
            {**STEP, "after_days": 0},
            {
                "branch": {"on": "engaged"},
                "after_days": 4,
                "then": [{**STEP, "after_days": 4, "on": ["monday", "thursday"]}],
                "otherwise": [{**STEP, "after_days": 6}],
            },
        ],
    }
)


@dataclass
class Execution:
    """Where one execution stands: what it will ask next, and what it was last told."""

    name: str
    continuation: int
    moves_done: int
    looks: int = 0
    ended: bool = False
    doing: tuple[Action, int] | None = None
    successor: dict[str, Any] | None = None


@dataclass
class StateMachines:
    """Step Functions: a name runs once."""

    outage: bool = False
    executions: dict[str, Execution] = field(default_factory=dict)

    def start(self, name: str, continuation: int, moves_done: int) -> None:
        if self.outage:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "StartExecution")
        self.executions.setdefault(name, Execution(name, continuation, moves_done))

    @property
    def alive(self) -> list[Execution]:
        return [execution for execution in self.executions.values() if not execution.ended]


@dataclass(frozen=True)
class FollowedHere(Workflows):
    machines: StateMachines = field(default_factory=StateMachines)

    def follow(self, launch: Launch) -> None:
        self.machines.start(launch.execution, launch.continuation, launch.moves_done)


class Following(RuleBasedStateMachine):
    @initialize()
    def a_launch_awaits_approval(self) -> None:
        table, self.clock = MemoryTable("campaigns"), SimulatedClock(START)
        self.launches, accounts = LaunchStore(table), Accounts(table)
        accounts.put(ACCOUNT)
        self.machines = StateMachines()
        followed = FollowedHere(None, "prepare", "campaign", self.machines)
        self.control = LaunchControl.of_table(table, self.clock, followed)
        self.follower = Follower(accounts, self.launches, Reputation(table), self.clock)
        self.made: list[tuple[Action, int]] = []
        self.reports = 0
        launch = Launch.prepare(
            ACCOUNT.account_id,
            LAUNCH,
            CampaignId("cmp-000000000001"),
            SEQUENCE,
            SnapshotId("snp-000000000001"),
            prefix="launches/",
            starts_at=START + timedelta(days=1),
            now=START,
            zone=ACCOUNT.zone,
        )
        self.launches.create(launch.summarised(FINGERPRINT, 2))

    @property
    def launch(self) -> Launch:
        return self.launches.get(ACCOUNT.account_id, LAUNCH)

    @rule(hours=st.sampled_from([1, 11, 30, 100]))
    def time_passes(self, hours: int) -> None:
        self.clock.pass_by(timedelta(hours=hours))

    @rule(verb=st.sampled_from(["approve", "pause", "resume", "cancel", "resume"]), dies=st.booleans())
    def somebody_asks(self, verb: str, dies: bool) -> None:
        """`dies`: after the launch was saved and before its execution was started."""
        before, self.machines.outage = self.launch.state, dies
        more = [APPROVAL] if verb == "approve" else []
        try:
            getattr(self.control, verb)(ACCOUNT.account_id, LAUNCH, *more)
        except LaunchConflict:
            assert self.launch.state is before
        except ClientError:
            assert dies
        self.machines.outage = False

    @rule(number=st.integers(0, 5), lost=st.booleans(), spent=st.integers(0, 9))
    @precondition(lambda self: self.machines.alive)
    def an_execution_goes_on(self, number: int, lost: bool, spent: int) -> None:
        """`lost`: the answer of its task, which is asked for again later."""
        alive = self.machines.alive
        self.go_on(alive[number % len(alive)], lost=lost, looks=MOST_LOOKS if spent == 0 else 1)

    @rule()
    def the_hour_strikes(self) -> None:
        if self.launch.is_followed:
            self.control.workflows.follow(self.launch)

    def go_on(self, execution: Execution, *, lost: bool = False, looks: int = 1) -> Action | None:
        if execution.doing is not None:
            self.do(execution, *execution.doing)
            return None
        asking = Asking(execution.continuation, execution.looks + looks, timedelta(0))
        launch, coming = self.follower.look(ACCOUNT.account_id, LAUNCH, asking, execution.moves_done)
        if lost:
            return None
        execution.looks, execution.moves_done = asking.looks, launch.moves_done
        if coming.action is Action.STOP:
            execution.ended = True
        elif coming.action is not Action.WAIT:
            if coming.action is not Action.CONTINUE:
                assert execution.continuation == launch.continuation, "one at a time follows the launch"
            if coming.action in (Action.PLAN, Action.EVALUATE):
                assert launch.state is LaunchState.RUNNING
            execution.doing = (coming.action, coming.number or 0)
            execution.successor = {"name": launch.execution, "continuation": launch.continuation}
        return coming.action

    def do(self, execution: Execution, action: Action, number: int) -> None:
        execution.doing = None
        if action in (Action.PLAN, Action.EVALUATE):
            if (action, number) not in self.made:
                self.made.append((action, number))
            execution.moves_done += 1
            return
        execution.ended = True
        if action is Action.REPORT:
            self.reports += 1
            self.launches.save(self.launch.reported(self.clock.now()))
        else:
            assert execution.successor is not None
            self.machines.start(**execution.successor, moves_done=execution.moves_done)

    @invariant()
    def moves_are_made_in_their_order_and_none_is_counted_that_was_not_made(self) -> None:
        order = [(Action(move.kind), move.number) for move in self.launch.moves]
        assert self.made == order[: len(self.made)]
        assert self.launch.moves_done <= len(self.made)
        assert all(execution.moves_done <= len(self.made) for execution in self.machines.executions.values())

    def teardown(self) -> None:
        """Left alone, it comes to its end: every move made and reported, or cancelled and reported."""
        if not hasattr(self, "launches"):
            return
        for _ in range(60):
            if self.launch.state is LaunchState.PAUSED:
                try:
                    self.control.resume(ACCOUNT.account_id, LAUNCH)
                except LaunchConflict:  # its steps would lie behind the evaluation
                    self.control.cancel(ACCOUNT.account_id, LAUNCH)
            self.the_hour_strikes()
            waiting = [self.go_on(execution) is Action.WAIT for execution in self.machines.alive]
            if all(waiting):
                self.clock.pass_by(timedelta(days=5))
        launch = self.launch
        if launch.approved_by is not None and launch.state is not LaunchState.FAILED:
            assert launch.state.over
        assert not self.machines.alive
        if launch.state is LaunchState.FINISHED:
            assert len(self.made) == len(launch.moves)
            assert self.reports == 1
        if launch.state is LaunchState.CANCELLED and launch.started_at:
            assert self.reports == 1


Following.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestFollowing = Following.TestCase


def late(days: float) -> Following:
    """So many days after its start the launch still waits; its last step lies close to the end of the evaluation."""
    following = Following()
    following.a_launch_awaits_approval()
    short = SEQUENCE.model_copy(update={"evaluation_days": 12})
    close = following.launch.model_copy(
        update={"definition": short, "evaluation_ends_at": following.launch.starts_at + timedelta(days=12)}
    )
    following.launches.save(close)
    following.clock.move_to(close.starts_at + timedelta(days=days))
    return following


def test_a_launch_that_can_no_longer_be_made_before_its_evaluation_ends_is_not_approved() -> None:
    following = late(6.9)
    with pytest.raises(LaunchConflict, match="after its evaluation ends"):
        following.control.approve(ACCOUNT.account_id, LAUNCH, APPROVAL)
    assert following.launch.state is LaunchState.AWAITING_APPROVAL


def test_a_launch_whose_offer_ends_before_its_last_message_can_still_leave_is_not_approved() -> None:
    following = late(6)
    steps = [{**STEP, "after_days": 0, "offer": True}]
    policy = {"offers": [OFFER.offer_id], "budget_minor": 100_000}
    offered = CampaignDefinition.model_validate({**SEQUENCE.model_dump(), "steps": steps, "offers": policy})
    ends = OFFER.model_copy(update={"valid_until": following.launch.starts_at.date()})
    changes = {"definition": offered, "offers": (ends,), "steps": following.launch.steps[:1], "branches": ()}
    following.launches.save(following.launch.model_copy(update=changes))
    with pytest.raises(UnusableOffer, match="expected every day on which the launch may send it"):
        following.control.approve(ACCOUNT.account_id, LAUNCH, APPROVAL)
    assert following.launch.state is LaunchState.AWAITING_APPROVAL


def test_a_start_that_comes_too_late_for_the_last_step_fails_the_launch_and_leaves_it_waiting_for_nothing() -> None:
    following = late(0.1)
    following.control.approve(ACCOUNT.account_id, LAUNCH, APPROVAL)
    following.clock.move_to(following.launch.starts_at + timedelta(days=6.9))
    (execution,) = following.machines.alive
    assert following.go_on(execution) is Action.STOP
    assert following.launch.state is LaunchState.FAILED
