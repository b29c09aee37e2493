"""When what is planned would leave: the plan's hours against each channel's rate, first planned first sent."""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from winback.instants import EARLIEST, format_instant, parse_instant

HOUR, DAY = timedelta(hours=1), 24
_LONGEST = 366 * DAY  # hours without any room: no launch is evaluated longer
_SHOWN = 24  # hours over the rate that are listed


@dataclass(frozen=True)
class Rate:
    """What a channel's provider takes. `day_limit` gives a day's own limit, such as a domain's that is warmed up."""

    per_second: float
    per_day: int | None = None  # in any 24 hours; None: no limit
    day_limit: Callable[[date], int | None] = field(default=lambda _: None)

    @property
    def per_hour(self) -> int:
        return int(self.per_second * 3600)

    def room(self, hour: datetime, sent: Sequence[tuple[datetime, int]]) -> int:
        """How many may leave in that hour after what was `sent` in the hours before."""
        room = self.per_hour
        if self.per_day is not None:
            room = min(room, self.per_day - sum(number for at, number in sent if at > hour - DAY * HOUR))
        limit = self.day_limit(hour.date())
        if limit is not None:
            room = min(room, limit - sum(number for at, number in sent if at.date() == hour.date()))
        return max(0, room)


@dataclass
class _Waiting:
    step: int
    number: int
    planned: datetime
    latest: datetime


def pacing(
    hours: Mapping[int, Mapping[str, int]], latest: Mapping[int, datetime], rate: Rate
) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """Of one channel: `hours` has each step's recipients by hour, `latest` the moment from when on a step's are stale.

    Returns what the channel does as a whole, and what becomes of each step: when its last message leaves, how many
    leave in a later hour than planned (`late`), and how many never, because the moment passed (`stale`).
    """
    plan = sorted((parse_instant(hour), step, number) for step, row in hours.items() for hour, number in row.items())
    steps: dict[int, dict[str, Any]] = {
        step: {"last_leaves_at": None, "late": 0, "stale": 0} for step in hours if hours[step]
    }
    queue: deque[_Waiting] = deque()
    sent: deque[tuple[datetime, int]] = deque(maxlen=2 * DAY)
    over: list[dict[str, Any]] = []
    last, place, waited, hours_over = None, 0, 0, 0
    now = plan[0][0] if plan else EARLIEST
    while (place < len(plan) or queue) and waited < _LONGEST:
        while place < len(plan) and plan[place][0] <= now:
            at, step, number = plan[place]
            queue.append(_Waiting(step, number, at, latest[step]))
            place += 1
        for each in [each for each in queue if each.latest <= now]:
            steps[each.step]["stale"] += each.number
            queue.remove(each)
        wanted = sum(each.number for each in queue)
        room = left = rate.room(now, sent)
        while queue and left:
            first = queue[0]
            number = min(first.number, left)
            left, first.number = left - number, first.number - number
            if first.planned < now:
                steps[first.step]["late"] += number
            # Messages leave evenly, as the rate allows: the last one within the hour.
            last = now + HOUR * min(1.0, (room - left) / rate.per_hour) if rate.per_hour else now
            steps[first.step]["last_leaves_at"] = format_instant(last)
            if not first.number:
                queue.popleft()
        sent.append((now, room - left))
        if wanted > room:
            hours_over += 1
            over += [{"hour": format_instant(now), "waiting": wanted, "capacity": room}][: _SHOWN - len(over)]
        waited = waited + 1 if not room else 0
        now = now + HOUR if queue else (plan[place][0] if place < len(plan) else now)
    for each in queue:
        steps[each.step]["stale"] += each.number
    whole = {
        "per_second": rate.per_second,
        "per_day": rate.per_day,
        "messages": sum(number for _, _, number in plan),
        "busiest_hour": _busiest(plan),
        "hours_over": hours_over,
        "first_hours_over": over,
        "last_leaves_at": None if last is None else format_instant(last),
    }
    return whole, steps


def _busiest(plan: Sequence[tuple[datetime, int, int]]) -> dict[str, Any] | None:
    totals: Counter[datetime] = Counter()
    for at, _, number in plan:
        totals[at] += number
    if not totals:
        return None
    hour, number = max(totals.items(), key=lambda found: (found[1], -found[0].timestamp()))
    return {"hour": format_instant(hour), "messages": number}
