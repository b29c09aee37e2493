"""The switches of sending in the campaigns table: one item an account, one for everything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from winback.aws import keys
from winback.aws.reputation import Reputation
from winback.aws.tables import Item, batch_get, conditionally
from winback.delivery.reputation import Counts, Health, Pace, judge
from winback.delivery.switches import StoppedBy, Switch
from winback.identifiers import AccountId
from winback.instants import format_instant, parse_instant


@dataclass(frozen=True)
class SendingState:
    """An account's item: its switch, its pace, and what had been counted on the day of the last resumption."""

    switch: Switch = field(default_factory=Switch)
    pace: Pace = Pace.NORMAL
    counted_before: Counts = field(default_factory=Counts)


class Switches:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def read(self, accounts: Iterable[AccountId]) -> tuple[Switch, Mapping[AccountId, SendingState]]:
        """As they are now, in one read: the one for everything, and each account's."""
        wanted = list(dict.fromkeys(accounts))
        found = batch_get(self._table, [keys.switch(None), *map(keys.switch, wanted)], consistent=True)
        return state_of(found.get(keys.pair(keys.switch(None)))).switch, {
            account_id: state_of(found.get(keys.pair(keys.switch(account_id)))) for account_id in wanted
        }

    def stop(self, account_id: AccountId | None, *, by: StoppedBy, because: str | None, now: datetime) -> bool:
        """False when it was stopped already; then it stays as it was."""
        return self._update(
            account_id,
            "SET stopped_at = :at, stopped_by = :by" + (", because = :because" if because else ""),
            "attribute_not_exists(stopped_at)",
            {":at": format_instant(now), ":by": by.value, **({":because": because} if because else {})},
        )

    def resume(self, account_id: AccountId | None, *, counted: Counts, now: datetime) -> bool:
        """`counted` on this day so far counts no more. False when it was not stopped."""
        return self._update(
            account_id,
            "SET resumed_at = :at, counted_before = :counted, pace = :normal REMOVE stopped_at, stopped_by, because",
            "attribute_exists(stopped_at)",
            {":at": format_instant(now), ":counted": vars(counted), ":normal": Pace.NORMAL.value},
        )

    def set_pace(self, account_id: AccountId, pace: Pace) -> None:
        self._update(
            account_id, "SET pace = :pace", "attribute_not_exists(pace) OR pace <> :pace", {":pace": pace.value}
        )

    def _update(self, account_id: AccountId | None, update: str, condition: str, values: dict[str, Any]) -> bool:
        return conditionally(
            self._table.update_item,
            Key=keys.switch(account_id),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
        )


class Brakes:
    """Slows an account down and stops it by its reputation on e-mail."""

    CHANNEL = "email"

    def __init__(self, campaigns_table: Any) -> None:
        self._switches = Switches(campaigns_table)
        self._reputation = Reputation(campaigns_table)

    def counts(self, account_id: AccountId, state: SendingState, now: datetime) -> Counts:
        """Of the window, from the last resumption on."""
        days = self._reputation.of_days(account_id, self.CHANNEL, now)
        total = Counts()
        resumed_on = state.switch.resumed_at.date().isoformat() if state.switch.resumed_at else ""
        for day, counts in days.items():
            if day == resumed_on:
                total += counts.since(state.counted_before)
            elif day > resumed_on:
                total += counts
        return total

    def apply(self, account_id: AccountId, state: SendingState, now: datetime) -> tuple[Health, bool]:
        """The account's health, written down where it changed; and whether this very call stopped the account."""
        health = judge(self.counts(account_id, state, now), state.pace)
        if health.pace is Pace.STOPPED:
            because = "; ".join(health.reasons)
            return health, self._switches.stop(account_id, by=StoppedBy.REPUTATION, because=because, now=now)
        if health.pace is not state.pace:
            self._switches.set_pace(account_id, health.pace)
        return health, False


def state_of(item: Item | None) -> SendingState:
    known = item or {}
    return SendingState(
        Switch(
            stopped_at=parse_instant(known["stopped_at"]) if "stopped_at" in known else None,
            stopped_by=StoppedBy(known["stopped_by"]) if "stopped_by" in known else None,
            because=known.get("because"),
            resumed_at=parse_instant(known["resumed_at"]) if "resumed_at" in known else None,
        ),
        Pace(known.get("pace", Pace.NORMAL)),
        Counts(**{name: int(value) for name, value in known.get("counted_before", {}).items()}),
    )
