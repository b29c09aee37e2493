"""The hour at which a message of a step with a window leaves: the customer's best one, as predicted, within the window.

The window is of the customer's own day; of a customer whose zone is not known, of the account's day and within the
account's conservative window. Quiet hours narrow it, and where nothing is left of it the message leaves at the first
hour after it that is not quiet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from winback.accounts import Account
from winback.campaigns.schedule import next_opening
from winback.campaigns.steps import SendWithin
from winback.identifiers import CustomerKey, LaunchId
from winback.predictions.send_time.choice import Clocks, NoAllowedHour, QuietHours, Window, choose, hour_salt
from winback.predictions.send_time.prior import awake_prior

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class BestHour:
    """`propensity`: probability with which this one of the `possible` hours was chosen."""

    at: datetime
    propensity: float
    possible: int


@dataclass(frozen=True)
class _Open:
    window: Window
    quiet: QuietHours
    clocks: Clocks


def best_hour(
    distribution: Sequence[float] | None,
    within: SendWithin,
    not_before: datetime,
    zone: ZoneInfo | None,
    *,
    account: Account,
    launch_id: LaunchId,
    step: int,
    customer: CustomerKey,
) -> BestHour | None:
    """Never before `not_before`. Without a `distribution` (of the customer's 168 hours of the week) the shipped prior
    counts. None where quiet hours leave less than an hour of the day: then there is nothing to choose."""
    quiet, unknown = account.quiet_hours, account.unknown_zone
    closed = (unknown.until, unknown.from_) if zone is None else (quiet.start, quiet.end)
    opened = _opened(within, not_before, zone or account.zone, closed)
    try:
        choice = choose(
            distribution if distribution is not None else awake_prior(),
            opened.window,
            opened.quiet,
            opened.clocks,
            salt=hour_salt(launch_id, step),
            customer=customer,
        )
    except NoAllowedHour:
        return None
    return BestHour(choice.at, choice.propensity, choice.possible)


@lru_cache(maxsize=4096)
def _opened(within: SendWithin, not_before: datetime, zone: ZoneInfo, closed: tuple[time, time]) -> _Open:
    """The window's instants, and as quiet hours all that is not within its times of day or is `closed`."""
    start, until, opens = within.start, within.until, not_before
    if not start <= not_before.astimezone(zone).time() < until:
        opens = next_opening(start, not_before, zone)
    last_day = opens.astimezone(zone).date() + (within.days - 1) * _DAY
    closes = next_opening(until, datetime.combine(last_day, time(0), tzinfo=zone).astimezone(UTC), zone)
    if closes <= opens:  # the clocks skip the window on its only day
        closes = opens + timedelta(hours=1)
    left = _left(start, until, closed)
    quiet = QuietHours(left[1], left[0]) if left is not None else QuietHours(*closed)
    return _Open(Window(opens, closes), quiet, Clocks((zone,)))


def _left(start: time, until: time, closed: tuple[time, time]) -> tuple[time, time] | None:
    """What is open from `start` to `until`, the longest piece of it; None when everything is closed."""
    if closed[0] == closed[1]:
        return start, until
    if closed[0] < closed[1]:
        pieces = [(start, min(until, closed[0])), (max(start, closed[1]), until)]
    else:  # over midnight
        pieces = [(max(start, closed[1]), min(until, closed[0]))]
    longest = max(pieces, key=lambda piece: _minutes(piece[1]) - _minutes(piece[0]))
    return longest if longest[0] < longest[1] else None


def _minutes(at: time) -> int:
    return 60 * at.hour + at.minute
