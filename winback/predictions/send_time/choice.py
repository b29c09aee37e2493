"""The hour at which a message leaves: the customer's likeliest within the window, or a random one, with its propensity.

When an open happens depends on when we wrote, so what a message at another hour would have done is only learnable where
some hours were drawn at random and the probability of every choice was kept (Horvitz and Thompson 1952; Bottou et al.
2013, Counterfactual Reasoning and Learning Systems, section 4). A share of the sends draws uniformly among all hours
that are allowed; the others take the best. Both draws are hashes of (salt, customer): repeated, they give the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from winback.experiments.assignment import unit_interval
from winback.identifiers import CustomerKey, LaunchId
from winback.predictions.send_time.hours import HOURS, hour_of_week, next_local_hour

RANDOM_SHARE = 0.1
_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
_LONGEST_QUIET = timedelta(days=2)


@dataclass(frozen=True)
class QuietHours:
    """Local times between which nothing is sent, from `since` (included) to `until` (excluded), over midnight when
    `since` is later. Equal times: no quiet hours.

    Raises ValueError for times that are not whole minutes: an hour's messages leave minute by minute.
    """

    since: time
    until: time

    def __post_init__(self) -> None:
        if any(each.second or each.microsecond or each.tzinfo is not None for each in (self.since, self.until)):
            raise ValueError("quiet hours are local times of whole minutes, such as 21:00 and 08:00")

    def cover(self, at: time) -> bool:
        if self.since <= self.until:
            return self.since <= at < self.until
        return at >= self.since or at < self.until


@dataclass(frozen=True)
class Window:
    """When a message may leave: from `opens` (included) to `closes` (excluded), instants.

    Raises ValueError unless both have a time zone and the window is longer than nothing and at most 35 days.
    """

    opens: datetime
    closes: datetime

    def __post_init__(self) -> None:
        if self.opens.tzinfo is None or self.closes.tzinfo is None:
            raise ValueError("the window's instants need a time zone")
        if not timedelta(0) < self.closes - self.opens <= timedelta(days=35):
            raise ValueError("the window closes before it opens, or more than 35 days later")


@dataclass(frozen=True)
class Clocks:
    """Whose clocks count: the customer's one zone or, where it is not known, all those that the account's customers
    may live in: an hour must then be outside quiet hours in each, and the first one's clocks read the distribution.

    Raises ValueError without any.
    """

    zones: tuple[ZoneInfo, ...]

    def __post_init__(self) -> None:
        if not self.zones:
            raise ValueError("no time zone: expected the customer's, or those of the account")

    @classmethod
    def of(cls, customer: ZoneInfo | None, account: Sequence[ZoneInfo]) -> "Clocks":
        return cls((customer,) if customer is not None else tuple(account))

    def silent(self, moment: datetime, quiet: QuietHours) -> bool:
        """Whether it is quiet at `moment` on any of the clocks."""
        return any(quiet.cover(moment.astimezone(zone).time()) for zone in self.zones)


@dataclass(frozen=True)
class Choice:
    """`at`: when it leaves (UTC). `propensity`: probability, over all salts, that it was this hour of `possible` ones.

    `randomised`: drawn at random, which may be the best hour as well. `moved`: the whole window was quiet, and this is
    the first hour after it that is not.
    """

    at: datetime
    hour_of_week: int
    propensity: float
    possible: int
    randomised: bool
    moved: bool

    @property
    def weight(self) -> float:
        """What an answer to it counts in training: as if every allowed hour had been drawn alike."""
        return 1 / (self.possible * self.propensity)


class NoAllowedHour(ValueError):
    """Quiet hours leave no hour in the days after the window on all clocks at once."""


def hour_salt(launch_id: LaunchId, step: int) -> str:
    """Salt of a step's draws, so that a customer's draws in two steps are independent."""
    return f"{launch_id}:{step}:send-hour"


def choose(
    distribution: Sequence[float],
    window: Window,
    quiet: QuietHours,
    clocks: Clocks,
    *,
    salt: str,
    customer: CustomerKey,
    share: float = RANDOM_SHARE,
) -> Choice:
    """The hour for one customer. `distribution`: 168 numbers of 0 or more, their sum is of no account.

    Possible are the full local hours that begin within the window and of which no minute is quiet; where there is none,
    the window's first minute that is not quiet. Of equally good hours the earliest is best.

    Raises ValueError for a share outside 0..1 or another distribution, NoAllowedHour.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share {share} is not within 0 and 1")
    if len(distribution) != HOURS or not min(distribution) >= 0:
        raise ValueError(f"expected {HOURS} numbers of 0 or more, one for each hour of the week")
    zone = clocks.zones[0]
    possible = _possible(window, quiet, clocks)
    if not possible:
        at = _first_after(window, quiet, clocks)
        return Choice(at, hour_of_week(at, zone), propensity=1.0, possible=1, randomised=False, moved=True)
    hours = [hour_of_week(at, zone) for at in possible]
    best = max(range(len(possible)), key=lambda number: (distribution[hours[number]], -number))
    randomised = unit_interval(f"{salt}:whether", customer) < share
    drawn = int(unit_interval(f"{salt}:which", customer) * len(possible)) if randomised else best
    return Choice(
        at=possible[drawn],
        hour_of_week=hours[drawn],
        propensity=share / len(possible) + (1 - share) * (drawn == best),
        possible=len(possible),
        randomised=randomised,
        moved=False,
    )


# A launch asks for the same window for thousands of customers, of few zones.
@lru_cache(maxsize=1024)
def _possible(window: Window, quiet: QuietHours, clocks: Clocks) -> tuple[datetime, ...]:
    found, at = [], next_local_hour(window.opens, clocks.zones[0])
    while at < window.closes:
        if _allowed(at, quiet, clocks):
            found.append(at)
        at = next_local_hour(at + _MINUTE, clocks.zones[0])
    return tuple(found) or _first_minute(window, quiet, clocks)


def _first_minute(window: Window, quiet: QuietHours, clocks: Clocks) -> tuple[datetime, ...]:
    at = window.opens.astimezone(UTC)
    while at < window.closes:
        if not clocks.silent(at, quiet):
            return (at,)
        at += _MINUTE
    return ()


@lru_cache(maxsize=1024)
def _first_after(window: Window, quiet: QuietHours, clocks: Clocks) -> datetime:
    """The first full local hour from the window's closing on that is allowed."""
    at = next_local_hour(window.closes, clocks.zones[0])
    while at < window.closes + _LONGEST_QUIET:
        if _allowed(at, quiet, clocks):
            return at
        at = next_local_hour(at + _MINUTE, clocks.zones[0])
    raise NoAllowedHour("quiet hours cover the whole day: on the clocks of all zones together no hour is left")


def _allowed(at: datetime, quiet: QuietHours, clocks: Clocks) -> bool:
    """Whether no minute of the hour that begins at `at` is quiet."""
    if quiet.since == quiet.until:
        return True
    return not any(clocks.silent(at + minute * _MINUTE, quiet) for minute in range(60))
