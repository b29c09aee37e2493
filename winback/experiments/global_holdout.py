"""Who is in an account's global holdout: a pure function of (salt, customer, period).

Time is cut into periods of `rotation_days` since 1970-01-01 UTC, the same for everybody. In each period another share
of the customers is held out: the salt names the period, so turns are independent of each other and of every campaign's
assignment, and nobody is left without messages for good.

Wash-out. Whoever was held out in the period before has heard nothing for its length, and would answer a campaign like
no other customer. For `washout_days` from the period's start they are in neither arm of any launch. The period's own
holdout still carries the effect of messages received before: compare it with the others from `measured_from` on.

A period is a matter of the calendar, not of when the share was set: raising the share adds customers and moves nobody
out; another `rotation_days` draws anew.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from winback.accounts.global_holdout import GlobalHoldout
from winback.experiments.assignment import unit_interval
from winback.identifiers import AccountId, CustomerKey

_START = datetime(1970, 1, 1, tzinfo=UTC)


class Turn(StrEnum):
    """How a customer stands to the global holdout at a moment."""

    NONE = "none"
    HELD_OUT = "global_holdout"
    WASHING_OUT = "washout"


def turn(
    rules: GlobalHoldout, account_id: AccountId, customer: CustomerKey, value_tier: str | None, moment: datetime
) -> Turn:
    """`value_tier` None: not known, so no tier excludes the customer."""
    if rules.share == 0 or value_tier in rules.exclude_tiers:
        return Turn.NONE
    period = period_of(rules, moment)
    if _drawn(rules, account_id, customer, period):
        return Turn.HELD_OUT
    if moment < measured_from(rules, period) and _drawn(rules, account_id, customer, period - 1):
        return Turn.WASHING_OUT
    return Turn.NONE


def period_of(rules: GlobalHoldout, moment: datetime) -> int:
    """The number of the period, from 0 on 1970-01-01 UTC."""
    return (moment - _START) // timedelta(days=rules.rotation_days)


def period_start(rules: GlobalHoldout, period: int) -> datetime:
    return _START + period * timedelta(days=rules.rotation_days)


def measured_from(rules: GlobalHoldout, period: int) -> datetime:
    """When the wash-out ends: from then on the period's holdout and the others differ by its campaigns alone."""
    return period_start(rules, period) + timedelta(days=rules.washout_days)


def _drawn(rules: GlobalHoldout, account_id: AccountId, customer: CustomerKey, period: int) -> bool:
    return unit_interval(f"{account_id}:global-holdout:{period}", customer) < rules.share
