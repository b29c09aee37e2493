"""Calls that account managers are to make: items of the performance table by state and due day."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from winback.aws import keys
from winback.aws.tables import Item, put_if, standing_in_the_way
from winback.delivery.calls import (
    CallIsDone,
    CallOutcome,
    CallState,
    Settled,
    UnknownCall,
    call_id_of,
    send_of,
    settle,
)
from winback.identifiers import AccountId, SendId
from winback.instants import format_instant

KEPT = timedelta(days=400)
_AFTER_ANY = "~"  # sorts after every character of a call's id


@dataclass(frozen=True)
class Page:
    """`cursor` asks for the next page; None after the last."""

    calls: list[Item]
    cursor: str | None


class CallTasks:
    def __init__(self, performance_table: Any) -> None:
        self._table = performance_table

    def add(self, send_id: SendId, fields: Mapping[str, str], *, due_on: date, at: datetime) -> str:
        """The call's id. Adding a call again changes nothing, whatever became of it."""
        call_id = call_id_of(send_id, due_on)
        item = {
            **keys.call(send_id.account_id, CallState.OPEN, call_id),
            "send_id": str(send_id),
            "fields": dict(fields),
            "created_at": format_instant(at),
            "expires_at": int((at + KEPT).timestamp()),
        }
        put_if(self._table, item, "attribute_not_exists(pk)")
        return call_id

    def page(
        self, account_id: AccountId, state: CallState, *, due_until: date | None, limit: int, cursor: str | None
    ) -> Page:
        """Calls of one state by due day, at most `limit`; those due by `due_until`, that day included."""
        condition, values = "pk = :pk", {":pk": keys.calls_pk(account_id, state)}
        if due_until is not None:
            condition += " AND sk < :until"
            values[":until"] = f"{due_until.isoformat()}{_AFTER_ANY}"
        start = {"ExclusiveStartKey": keys.call(account_id, state, cursor)} if cursor else {}
        found = self._table.query(
            KeyConditionExpression=condition, ExpressionAttributeValues=values, Limit=limit, **start
        )
        last = found.get("LastEvaluatedKey")
        return Page(found["Items"], str(last["sk"]) if last else None)

    def require(self, account_id: AccountId, call_id: str) -> None:
        """Raises UnknownCall when there is no such call, open or done."""
        if all(self._item(account_id, state, call_id) is None for state in CallState):
            raise UnknownCall("no such call")

    def settle(
        self, account_id: AccountId, call_id: str, outcome: CallOutcome, *, comment: str | None, at: datetime, on: date
    ) -> Settled:
        """Records how a call went, `at` a moment that is the day `on` for the account.

        Saying the same again changes nothing. Raises UnknownCall, and CallIsDone after another outcome. The finished
        call is written before the open one goes: whoever is killed in between, and repeats it, ends at the same.
        """
        send_of(account_id, call_id)
        opened = self._item(account_id, CallState.OPEN, call_id)
        if opened is None:
            done = self._item(account_id, CallState.DONE, call_id)
            if done is None:
                raise UnknownCall("no such call")
            return _again(done, outcome)
        tried = {*opened.get("tried_on", []), *([on.isoformat()] if outcome is CallOutcome.NOT_REACHED else [])}
        settled = settle(outcome, {date.fromisoformat(day) for day in tried})
        said = {
            "outcome": outcome.value,
            "said_at": format_instant(at),
            **({"comment": comment} if comment else {}),
            **({"tried_on": sorted(tried)} if tried else {}),
        }
        if settled.state is CallState.OPEN:
            if not put_if(self._table, {**opened, **said}, "attribute_exists(pk)"):
                # Somebody else finished it meanwhile: it must not open again.
                raise CallIsDone("the call is done, as somebody else said at this moment")
            return settled
        finished = {**opened, **said, **keys.call(account_id, CallState.DONE, call_id)}
        try:
            self._table.put_item(
                Item=finished,
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            done = standing_in_the_way(error) or {}
            self._table.delete_item(Key=keys.call(account_id, CallState.OPEN, call_id))
            return _again(done, outcome)
        self._table.delete_item(Key=keys.call(account_id, CallState.OPEN, call_id))
        return settled

    def _item(self, account_id: AccountId, state: CallState, call_id: str) -> Item | None:
        key = keys.call(account_id, state, call_id)
        item: Item | None = self._table.get_item(Key=key, ConsistentRead=True).get("Item")
        return item


def _again(done: Item, outcome: CallOutcome) -> Settled:
    if done.get("outcome") != outcome:
        raise CallIsDone(f"the call is done, as {done.get('outcome')}")
    tried = [date.fromisoformat(day) for day in done.get("tried_on", [])]
    return replace(settle(outcome, tried), state=CallState.DONE)
