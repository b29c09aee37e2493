"""Saved slices in the campaigns table."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.aws.tables import put_if, query_all
from winback.identifiers import AccountId
from winback.instants import format_instant
from winback.slices.saved import (
    NewSlice,
    SavedSlice,
    UnknownSlice,
    check_new,
    check_room,
    check_unused,
)


class SliceChanged(RuntimeError):
    """Somebody else changed the slice since the version that the request names."""


class SliceTaken(RuntimeError):
    """The request's idempotency key made another slice."""


class SliceStore:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def of_account(self, account_id: AccountId) -> dict[str, SavedSlice]:
        """All of them by id, the latest changed first."""
        rows = query_all(
            self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": keys.slice_(account_id, "")["pk"]},
            ConsistentRead=True,
        )
        found = sorted((from_item(SavedSlice, row) for row in rows), key=lambda each: each.updated_at, reverse=True)
        return {each.slice_id: each for each in found}

    def get(self, account_id: AccountId, slice_id: str) -> SavedSlice:
        answer = self._table.get_item(Key=keys.slice_(account_id, slice_id), ConsistentRead=True)
        if "Item" not in answer:
            raise UnknownSlice(f"no slice {slice_id}")
        return from_item(SavedSlice, answer["Item"])

    def create(self, account_id: AccountId, slice_id: str, wanted: NewSlice, now: datetime) -> SavedSlice:
        """An id that is taken by the same slice gives that one. Raises ConditionRefused, TooManySlices, SliceTaken."""
        saved = self.of_account(account_id)
        if there := saved.get(slice_id):
            return _same(there, wanted)
        check_new(wanted, slice_id, saved)
        check_room(wanted, slice_id, saved)
        moment = format_instant(now)
        made = SavedSlice(
            slice_id=slice_id, name=wanted.name, condition=wanted.condition, created_at=moment, updated_at=moment
        )
        if self._put(account_id, made, "attribute_not_exists(pk)", {}):
            return made
        return _same(self.get(account_id, slice_id), wanted)

    def replace(
        self, account_id: AccountId, slice_id: str, wanted: NewSlice, version: int, now: datetime
    ) -> SavedSlice:
        """Raises UnknownSlice, ConditionRefused, TooManySlices, and SliceChanged when it has another version by now."""
        saved = self.of_account(account_id)
        if slice_id not in saved:
            raise UnknownSlice(f"no slice {slice_id}")
        check_new(wanted, slice_id, saved)
        check_room(wanted, slice_id, saved)
        changed = saved[slice_id].model_copy(
            update={
                "name": wanted.name,
                "condition": wanted.condition,
                "version": version + 1,
                "updated_at": format_instant(now),
            }
        )
        if not self._put(account_id, changed, "version = :read", {":read": version}):
            raise SliceChanged(f"slice {slice_id} is no longer of version {version}: read it again and repeat")
        return changed

    def delete(self, account_id: AccountId, slice_id: str) -> None:
        """Launches keep what they froze. Raises UnknownSlice, and SliceInUse while another slice names it."""
        saved = self.of_account(account_id)
        if slice_id not in saved:
            raise UnknownSlice(f"no slice {slice_id}")
        check_unused(slice_id, saved)
        self._table.delete_item(Key=keys.slice_(account_id, slice_id))

    def _put(self, account_id: AccountId, saved: SavedSlice, condition: str, values: Mapping[str, Any]) -> bool:
        return put_if(self._table, {**keys.slice_(account_id, saved.slice_id), **to_item(saved)}, condition, values)


def _same(there: SavedSlice, wanted: NewSlice) -> SavedSlice:
    if (there.name, there.condition) != (wanted.name, wanted.condition):
        raise SliceTaken("Idempotency-Key was used for another slice: use a new one for each")
    return there
