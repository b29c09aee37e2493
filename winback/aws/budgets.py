"""Budgets of launches: counters that conditional updates raise, so that no interleaving of senders exceeds a limit.

A counter is raised before the send, and a sender that dies in between leaves it raised: a budget may end up less than
used, never more.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from winback.aws import keys
from winback.aws.tables import Item, standing_in_the_way
from winback.identifiers import AccountId, LaunchId
from winback.offers.budget import Limits, Spend, fitting, total

_COUNTERS = ("sends", "messages_hundredths", "offers_minor")
_ATTEMPTS = 20


class BudgetContention(RuntimeError):
    """Other senders kept taking in between; the caller's retry starts over."""


class Budgets:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def take(self, account_id: AccountId, launch_id: LaunchId, wanted: Sequence[Spend], limits: Limits) -> list[bool]:
        """Takes for each of `wanted`, in order, what the limits leave room for; says which were taken.

        One update for all of them; another one only where not all fit. Raises BudgetContention.
        """
        taken = [True] * len(wanted)
        for _ in range(_ATTEMPTS):
            sum_taken = total([one for one, fits in zip(wanted, taken, strict=True) if fits])
            if sum_taken == Spend():
                return taken
            there = self._raise_counters(account_id, launch_id, sum_taken, limits)
            if there is None:
                return taken
            taken = fitting(wanted, _spend(there), limits)
        raise BudgetContention(f"the budget of launch {launch_id} kept changing")

    def give_back(self, account_id: AccountId, launch_id: LaunchId, spend: Spend) -> bool:
        """Of a send that certainly reached nobody. Only who moved its ledger row to `failed` may call it, once.

        False, and nothing given, when the counters hold less than that. The client repeats a request whose answer was
        lost: it finds its own token, and takes nothing off again.
        """
        names, values = _named(spend)
        if not names:
            return True
        token = secrets.token_hex(8)
        enough = " AND ".join(f"#{name} >= :{name}" for name in values)
        try:
            self._table.update_item(
                Key=keys.budget(account_id, launch_id),
                UpdateExpression=", ".join(
                    ["SET returned = :token", *(f"#{name} = #{name} - :{name}" for name in values)]
                ),
                ConditionExpression=f"(attribute_not_exists(returned) OR returned <> :token) AND {enough}",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={":token": token, **{f":{name}": value for name, value in values.items()}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            there = standing_in_the_way(error)
            return there is not None and there.get("returned") == token
        return True

    def spent(self, account_id: AccountId, launch_id: LaunchId) -> Spend:
        item = self._table.get_item(Key=keys.budget(account_id, launch_id), ConsistentRead=True).get("Item")
        return _spend(item or {})

    def _raise_counters(self, account_id: AccountId, launch_id: LaunchId, spend: Spend, limits: Limits) -> Item | None:
        """None when that was possible, else the counters as they stand."""
        names, values = _named(spend)
        conditions, rooms = [], {}
        for name, value in values.items():
            limit = limits.by_name[name]
            if limit is None:
                continue
            if value > limit:
                return self._item(account_id, launch_id)
            conditions.append(f"(attribute_not_exists(#{name}) OR #{name} <= :room_{name})")
            rooms[f":room_{name}"] = limit - value
        condition = {"ConditionExpression": " AND ".join(conditions)} if conditions else {}
        try:
            self._table.update_item(
                Key=keys.budget(account_id, launch_id),
                UpdateExpression="ADD " + ", ".join(f"#{name} :{name}" for name in values),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={**{f":{name}": value for name, value in values.items()}, **rooms},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **condition,
            )
        except ClientError as error:
            return standing_in_the_way(error) or {}
        return None

    def _item(self, account_id: AccountId, launch_id: LaunchId) -> Item:
        answer = self._table.get_item(Key=keys.budget(account_id, launch_id), ConsistentRead=True)
        found: Item = answer.get("Item") or {}
        return found


def _named(spend: Spend) -> tuple[dict[str, str], dict[str, int]]:
    values = {name: getattr(spend, name) for name in _COUNTERS if getattr(spend, name)}
    return {f"#{name}": name for name in values}, values


def _spend(item: Item) -> Spend:
    return Spend(**{name: int(item.get(name, 0)) for name in _COUNTERS})
