"""The execution that follows a launch asks here what comes next; what the launch itself becomes by then is saved."""

from dataclasses import dataclass
from datetime import datetime

from winback.aws.clock import Clock
from winback.aws.launches import LaunchStore
from winback.aws.reputation import Reputation
from winback.aws.tables import Accounts
from winback.campaigns.guardrails import passed_guardrail
from winback.campaigns.launch import Launch, LaunchConflict, LaunchState
from winback.campaigns.progress import Action, Execution, Next, next_action
from winback.identifiers import AccountId, LaunchId


@dataclass(frozen=True)
class Follower:
    accounts: Accounts
    launches: LaunchStore
    reputation: Reputation
    clock: Clock

    def look(
        self, account_id: AccountId, launch_id: LaunchId, execution: Execution, moves_done: int
    ) -> tuple[Launch, Next]:
        """The launch as it is now, and what the execution does next, having made `moves_done` moves.

        Its start, a passed guardrail, its progress and its succession are saved before they are told, so an answer that
        was lost is given again. Raises LaunchChanged when somebody else changed it meanwhile: ask again.
        """
        read = self.launches.get(account_id, launch_id)
        now = self.clock.now()
        launch = self._due(read, now)
        if moves_done > launch.moves_done:
            launch = launch.advanced(moves_done)
        coming = next_action(launch, execution, now)
        if coming.action is Action.CONTINUE and execution.continuation == launch.continuation:
            launch = launch.continued()
        return (launch if launch == read else self.launches.save(launch)), coming

    def _due(self, launch: Launch, now: datetime) -> Launch:
        """What time or its readers' reactions make of it."""
        if launch.state is LaunchState.SCHEDULED and now >= launch.starts_at:
            try:
                return launch.started(now, launch.zone_of(self.accounts.get(launch.account_id)))
            except LaunchConflict:  # its audience is stale, or its last step would lie behind the evaluation
                return launch.failed("launch_clock", "StartedTooLate", now)
        return self._paused_by_guardrail(launch, now)

    def _paused_by_guardrail(self, launch: Launch, now: datetime) -> Launch:
        if launch.state is not LaunchState.RUNNING:
            return launch
        counts = self.reputation.of_launch(launch.account_id, launch.launch_id)
        because = passed_guardrail(launch.definition.guardrails, counts.since(launch.judged))
        return launch if because is None else launch.paused(now, because, counts)
