"""Codes and budgets of one launch, as its sender takes them."""

from collections import deque
from collections.abc import Mapping
from threading import Lock
from typing import Any

from winback.aws.budgets import Budgets
from winback.aws.code_pools import CodePools
from winback.campaigns.launch import Launch
from winback.identifiers import AccountId
from winback.offers.budget import Limits, Spend
from winback.offers.offer import CodeKind, Offer

MOST_AT_ONCE = 25  # codes: those of one message's rows


class CodeReserve:
    """Codes that this process took and did not use yet, for the next message with the same offer.

    So codes are taken many at a time, and only a process that ends loses a few.
    """

    def __init__(self, campaigns_table: Any) -> None:
        self._pools = CodePools(campaigns_table)
        self._codes: dict[tuple[AccountId, str], deque[str]] = {}
        self._lock = Lock()

    def take(self, account_id: AccountId, offer: Offer, expected: int) -> str | None:
        """One code; `expected`: how many will be asked for soon. None when there is none left."""
        with self._lock:
            kept = self._codes.setdefault((account_id, offer.offer_id), deque())
            if not kept:
                kept.extend(self._pools.take(account_id, offer, max(1, min(expected, MOST_AT_ONCE))))
            return kept.popleft() if kept else None


class Handout:
    """The sender's OfferPort for the rows of one message. `expected`: rows by offer."""

    def __init__(self, launch: Launch, budgets: Budgets, reserve: CodeReserve, expected: Mapping[str, int]) -> None:
        self._launch, self._budgets, self._reserve, self._expected = launch, budgets, reserve, expected
        self._offers = {offer.offer_id: offer for offer in launch.offers}
        self._limits = limits_of(launch)

    def needs_code(self, offer_id: str) -> bool:
        return self._offers[offer_id].codes is not CodeKind.NONE

    def take_code(self, offer_id: str) -> str | None:
        offer = self._offers[offer_id]
        return self._reserve.take(self._launch.account_id, offer, self._expected.get(offer_id, 1))

    def take(self, spend: Spend) -> bool:
        return self._budgets.take(self._launch.account_id, self._launch.launch_id, [spend], self._limits)[0]

    def give_back(self, spend: Spend) -> None:
        self._budgets.give_back(self._launch.account_id, self._launch.launch_id, spend)


def limits_of(launch: Launch) -> Limits:
    budget, offers = launch.definition.budget, launch.definition.offers
    return Limits(
        sends=budget.sends if budget else None,
        messages_minor=budget.spend_minor if budget else None,
        offers_minor=offers.budget_minor if offers else None,
    )


def spend_of(launch: Launch, row: Mapping[str, Any]) -> Spend | None:
    """What a plan row takes of the launch's budgets: its `message_minor` and its `spend_minor`. None: it has none."""
    limits = limits_of(launch)
    spend = Spend(
        sends=1 if limits.sends is not None else 0,
        messages_minor=int(row.get("message_minor") or 0) if limits.messages_minor is not None else 0,
        offers_minor=int(row.get("spend_minor") or 0) if row.get("offer_id") and limits.offers_minor is not None else 0,
    )
    return spend if spend != Spend() else None
