"""Where sending is looked at, stopped and resumed, by people."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from winback.accounts.channels import ChannelName
from winback.aws.circuits import Circuits
from winback.aws.quota import DayQuota
from winback.aws.reputation import Reputation
from winback.aws.switches import Brakes, Switches
from winback.aws.tables import Accounts
from winback.delivery.circuit import circuit_of
from winback.delivery.feeding import SendQuota
from winback.delivery.reputation import Counts, judge
from winback.delivery.sending_status import Situation, WarmingUp
from winback.delivery.switches import StoppedBy, Switch
from winback.delivery.warm_up import daily_limit
from winback.identifiers import AccountId


class SendingDesk:
    """`quota`: asks for the limits of e-mail."""

    def __init__(self, campaigns_table: Any, quota: Callable[[], SendQuota]) -> None:
        self._table, self._quota = campaigns_table, quota
        self._switches = Switches(campaigns_table)

    def situation(self, account_id: AccountId, now: datetime) -> Situation:
        """Raises UnknownAccount."""
        everybody, states = self._switches.read([account_id])
        state = states[account_id]
        counts = Brakes(self._table).counts(account_id, state, now)
        circuits = {channel.value: circuit_of(channel, account_id) for channel in ChannelName}
        return Situation(
            own=state.switch,
            everybody=everybody,
            counts=counts,
            health=judge(counts, state.pace),
            circuits={channel: Circuits(self._table).read(name).circuit for channel, name in circuits.items()},
            email_quota=self._email_quota(),
            warming_up=self._warming_up(account_id, now),
        )

    def _email_quota(self) -> SendQuota | None:
        """None while SES does not say: the switch must be seen and turned in an outage above all."""
        try:
            return self._quota()
        except (ClientError, BotoCoreError):
            return None

    def stop(self, account_id: AccountId | None, *, by: StoppedBy, because: str | None, now: datetime) -> bool:
        """Of one account, or of everybody (None). False when it was stopped already."""
        return self._switches.stop(account_id, by=by, because=because, now=now)

    def resume(self, account_id: AccountId | None, *, now: datetime) -> bool:
        """False when nothing was stopped."""
        counted = Counts()
        if account_id is not None:
            days = Reputation(self._table).of_days(account_id, Brakes.CHANNEL, now)
            counted = days.get(now.date().isoformat(), Counts())
        return self._switches.resume(account_id, counted=counted, now=now)

    def everybody(self) -> Switch:
        return self._switches.read([])[0]

    def _warming_up(self, account_id: AccountId, now: datetime) -> WarmingUp | None:
        warm_up = Accounts(self._table).get(account_id).warm_up
        if warm_up is None:
            return None
        limit = daily_limit(warm_up.started_on, now.date()) or 0
        used = DayQuota(self._table, limit, account_id, now.date()).used()
        return WarmingUp(warm_up.started_on, used)
