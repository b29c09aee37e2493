"""Codes and budgets of one launch, as its sender takes them."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from threading import Lock
from typing import Any

from winback.aws.budgets import Budgets
from winback.aws.code_pools import CodePools, OnLow
from winback.campaigns.launch import Launch
from winback.delivery.channels import Outgoing
from winback.delivery.ledger import Standing, State, standing
from winback.delivery.message_cost import cost_in_hundredths
from winback.identifiers import AccountId
from winback.instants import parse_instant
from winback.offers.budget import Limits, Spend
from winback.offers.offer import CodeKind, Offer
from winback.offers.terms import worst_minor

_GIVEN = frozenset({State.ACCEPTED, State.UNKNOWN})
MOST_AT_ONCE = 25  # codes: those of one message's rows


class CodeReserve:
    """Codes that this process took and did not use yet, for the next message with the same offer.

    So codes are taken many at a time, and only a process that ends loses a few.
    """

    def __init__(self, campaigns_table: Any, on_low: OnLow | None = None) -> None:
        self._pools = CodePools(campaigns_table, on_low)
        self._codes: dict[tuple[AccountId, str], deque[str]] = {}
        self._lock = Lock()

    def take(self, account_id: AccountId, offer: Offer, expected: int) -> str | None:
        """One code; `expected`: how many will be asked for soon. None when there is none left."""
        if not offer.codes.unique:  # as this launch froze it
            return next(iter(self._pools.take(account_id, offer, 1)), None)
        with self._lock:
            kept = self._codes.setdefault((account_id, offer.offer_id), deque())
            if not kept:
                kept.extend(self._pools.take(account_id, offer, max(1, min(expected, MOST_AT_ONCE))))
            return kept.popleft() if kept else None

    def keep(self, account_id: AccountId, offer: Offer, code: str) -> None:
        if not offer.codes.unique:
            return
        with self._lock:
            self._codes.setdefault((account_id, offer.offer_id), deque()).append(code)


class Handout:
    """The sender's OfferPort for the rows of one message. `expected`: rows by offer, of those who have no code yet."""

    def __init__(self, launch: Launch, budgets: Budgets, reserve: CodeReserve, expected: Mapping[str, int]) -> None:
        self._launch, self._budgets, self._reserve = launch, budgets, reserve
        self._expected, self._lock = Counter(expected), Lock()
        self._offers = {offer.offer_id: offer for offer in launch.offers}
        self._limits = limits_of(launch)

    def needs_code(self, offer_id: str) -> bool:
        return self._offers[offer_id].codes is not CodeKind.NONE

    def take_code(self, offer_id: str) -> str | None:
        """No more leave the pool than the message's rows still want: what lies here is missing elsewhere."""
        with self._lock:
            wanted = self._expected[offer_id]
            self._expected[offer_id] -= 1
        return self._reserve.take(self._launch.account_id, self._offers[offer_id], wanted)

    def keep_code(self, offer_id: str, code: str) -> None:
        self._reserve.keep(self._launch.account_id, self._offers[offer_id], code)

    def cost(self, outgoing: Outgoing) -> int | None:
        return cost_in_hundredths(outgoing) if self._limits.messages_hundredths is not None else None

    def take(self, spend: Spend) -> bool:
        return self._budgets.take(self._launch.account_id, self._launch.launch_id, [spend], self._limits)[0]

    def give_back(self, spend: Spend) -> None:
        self._budgets.give_back(self._launch.account_id, self._launch.launch_id, spend)


def limits_of(launch: Launch) -> Limits:
    budget, offers = launch.definition.budget, launch.definition.offers
    spend = budget.spend_minor if budget else None
    return Limits(
        sends=budget.sends if budget else None,
        messages_hundredths=spend * 100 if spend is not None else None,
        offers_minor=offers.budget_minor if offers else None,
    )


def spend_of(launch: Launch, row: Mapping[str, Any], *, given: bool) -> Spend | None:
    """What a plan row takes of the launch's budgets beside its message's cost; None: nothing.

    `given`: an earlier step brought the offer already, which the customer can redeem once.
    """
    limits = limits_of(launch)
    offer = next((one for one in launch.offers if one.offer_id == row.get("offer_id")), None)
    spend = Spend(
        sends=1 if limits.sends is not None else 0,
        offers_minor=worst_minor(offer) if offer is not None and limits.offers_minor is not None and not given else 0,
    )
    return spend if spend != Spend() else None


def offered_at(rows: Iterable[Mapping[str, Any]], offer_id: str | None, wall: datetime) -> datetime | None:
    """When the first of a customer's earlier rows of the launch brought it this offer, or may have; None: none did."""
    if offer_id is None:
        return None
    brought = [
        parse_instant(row.get("accepted_at", row["claimed_at"]))
        for row in rows
        if row.get("offer_id") == offer_id
        and (State(row["state"]) in _GIVEN or standing(row, wall) is Standing.ABANDONED)
    ]
    return min(brought, default=None)


def code_of(rows: Iterable[Mapping[str, Any]], offer_id: str | None) -> str | None:
    """The code of this offer that an earlier step took for the customer: a reminder shows the same."""
    return next((row["code"] for row in rows if row.get("offer_id") == offer_id and "code" in row), None)
