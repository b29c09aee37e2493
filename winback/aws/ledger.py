"""The send ledger in the performance table: conditional writes only."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from winback.aws import keys
from winback.aws.contacts import Contention
from winback.aws.tables import Item, batch_get, conditionally, standing_in_the_way
from winback.delivery.gate import Reason
from winback.delivery.ledger import BounceType, Description, FeedbackEvent, Standing, State, origins, standing
from winback.identifiers import SendId
from winback.instants import format_instant

_TRANSACTIONS = 8


class Ledger:
    """Each method is one conditional write, so any of them may be repeated, raced or lost halfway."""

    def __init__(self, performance_table: Any) -> None:
        self._table = performance_table

    def rows(self, send_ids: Iterable[SendId], *, consistent: bool = True) -> dict[SendId, Item]:
        """The rows that exist."""
        by_key = {keys.pair(key): send_id for send_id in send_ids if (key := keys.send(send_id))}
        found = batch_get(self._table, [keys.key(*pair) for pair in by_key], consistent=consistent)
        return {by_key[pair]: row for pair, row in found.items()}

    def claim(
        self,
        send_id: SendId,
        *,
        claim: str,
        now: datetime,
        lease_until: datetime,
        described: Description,
        first: bool = False,
    ) -> Standing:
        """FREE when the row is now ours, under the name `claim`; else how it stands.

        Only the holder of `claim` may move the row on; a late write of an earlier holder finds another name. `first`:
        only if nobody claimed it before; a throttled row, which holds a code and a part of the budget, then counts as
        another sender's.
        """
        item = {
            **keys.send(send_id),
            "state": State.CLAIMED.value,
            "claim": claim,
            "claimed_at": format_instant(now),
            "lease_until": format_instant(lease_until),
            **described.attributes(),
        }
        existing = self._born(item, first=first)
        if existing is None or existing.get("claim") == claim:
            return Standing.FREE
        found = standing(existing, now)
        return Standing.LEASED if found is Standing.FREE else found

    def skip(
        self,
        send_id: SendId,
        reasons: Iterable[Reason],
        *,
        now: datetime,
        described: Description,
        first: bool = False,
    ) -> bool:
        """Records that the gate denied the send. False when the row has gone further; `first`: when there is one."""
        item = {
            **keys.send(send_id),
            "state": State.SKIPPED.value,
            "reasons": [reason.value for reason in reasons],
            "skipped_at": format_instant(now),
            **described.attributes(),
        }
        return self._born(item, first=first) is None

    def accepted(self, send_id: SendId, *, claim: str, at: datetime, message_id: str) -> bool:
        return self._move(send_id, claim, State.ACCEPTED, {"accepted_at": format_instant(at), "message_id": message_id})

    def failed(self, send_id: SendId, *, claim: str, error: str) -> bool:
        return self._move(send_id, claim, State.FAILED, {"error": error})

    def unknown(self, send_id: SendId, *, claim: str, error: str) -> bool:
        return self._move(send_id, claim, State.UNKNOWN, {"error": error})

    def throttled(self, send_id: SendId, *, claim: str, error: str) -> bool:
        return self._move(send_id, claim, State.THROTTLED, {"error": error})

    def record(self, send_id: SendId, event: FeedbackEvent, *, counted: Sequence[Item] = ()) -> bool:
        """Writes a feedback event, the earliest instant wins. False when there is no such row.

        `counted` are writes that belong to the send's first event of this kind (of bounces: the first hard one): they
        are made in one transaction with it, so that each counts once, whatever is repeated or dies.
        """
        if counted and self._first(send_id, event, counted) and event.bounce_type is None:
            return True
        name, at = event.kind.value, format_instant(event.at)
        known = self._update(
            send_id,
            "SET #name = :at",
            "attribute_exists(pk) AND (attribute_not_exists(#name) OR #name > :at)",
            {"#name": name},
            {":at": at},
        )
        if event.bounce_type is not None and known:
            value = ":type" if event.bounce_type is BounceType.HARD else "if_not_exists(bounce_type, :type)"
            self._update(
                send_id,
                f"SET bounce_type = {value}",
                "attribute_exists(pk)",
                {},
                {":type": event.bounce_type.value},
            )
        return known

    def _first(self, send_id: SendId, event: FeedbackEvent, counted: Sequence[Item]) -> bool:
        """False when it is not the first of its kind, or there is no row. Raises Contention."""
        names, values = {"#name": event.kind.value}, {":at": format_instant(event.at)}
        update = "SET #name = if_not_exists(#name, :at)"
        condition = "attribute_exists(pk) AND attribute_not_exists(#name)"
        if event.bounce_type is not None:
            update += ", bounce_type = :type"
            condition = "attribute_exists(pk) AND (attribute_not_exists(bounce_type) OR bounce_type <> :type)"
            values[":type"] = event.bounce_type.value
        row = {
            "TableName": self._table.name,
            "Key": keys.send(send_id),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
        for attempt in range(_TRANSACTIONS):
            try:
                self._table.meta.client.transact_write_items(TransactItems=[{"Update": row}, *counted])
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionCanceledException":
                    raise
                reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", ())]
                if reasons[:1] == ["ConditionalCheckFailed"]:
                    return False
                time.sleep(min(0.05 * 2**attempt, 1))  # the counters are shared with other events
            else:
                return True
        raise Contention("the counters kept changing")

    def _born(self, item: Item, *, first: bool = False) -> Item | None:
        """Puts a row that is new or, unless `first`, throttled; else the row that is there."""
        again: dict[str, Any] = {
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {":throttled": State.THROTTLED.value},
        }
        try:
            self._table.put_item(
                Item=item,
                ConditionExpression="attribute_not_exists(pk)" + ("" if first else " OR #state = :throttled"),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **({} if first else again),
            )
        except ClientError as error:
            there = standing_in_the_way(error)
            if there is None:  # erased at this very moment: what stands now is for the next attempt to see
                raise Contention("a ledger row vanished while it was claimed") from error
            return there
        return None

    def _move(self, send_id: SendId, claim: str, after: State, attributes: dict[str, str]) -> bool:
        before = origins(after)
        names = {f"#{name}": name for name in ("state", "claim", *attributes)}
        values = {
            ":after": after.value,
            ":claim": claim,
            **{f":before{i}": state.value for i, state in enumerate(before)},
            **{f":{name}": value for name, value in attributes.items()},
        }
        allowed = ", ".join(f":before{i}" for i in range(len(before)))
        settings = ", ".join(f"#{name} = :{name}" for name in attributes)
        return conditionally(
            self._table.update_item,
            Key=keys.send(send_id),
            UpdateExpression=f"SET #state = :after, {settings}",
            ConditionExpression=f"#claim = :claim AND #state IN ({allowed})",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )

    def _update(
        self, send_id: SendId, update: str, condition: str, names: dict[str, str], values: dict[str, str]
    ) -> bool:
        """True when the row exists, also when the condition on its values does not hold."""
        arguments: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
        try:
            self._table.update_item(
                Key=keys.send(send_id),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **arguments,
            )
        except ClientError as error:
            return standing_in_the_way(error) is not None
        return True
