"""Time between a message and its reactions: keeps what is due when, and lets it happen up to a moment."""

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from local.mail.events import event
from local.mail.messages import Message
from local.mail.recipients import Kind, Rates, Reaction, reactions

# In real time an hour of a recipient's life passes in a second, so that nobody waits for an open until the evening.
# What a person does comes a few seconds later still: feedback takes who reads within the second for a machine.
_REAL_TIME_PACE = 1 / 3600
_PERSON_AFTER, _PERSON_SECONDS = timedelta(minutes=2), 3
_REQUESTS_AT_ONCE = 4

Publish = Callable[[list[dict[str, Any]]], None]
Visit = Callable[[Reaction], int]  # performs the recipient's HTTP request; returns its status


@dataclass(order=True)
class _Due:
    at: datetime
    send_id: str
    number: int
    message: Message = field(compare=False)
    reaction: Reaction = field(compare=False)


class Correspondence:
    """What recipients will do and have done. With a set clock all waits for `advance`; without one, `tick` does it."""

    def __init__(
        self,
        *,
        publish: Publish,
        visit: Visit,
        suppress: Callable[[Message, str], None],
        is_suppressed: Callable[[Message], bool],
        account: str,
        region: str,
    ) -> None:
        self._publish, self._visit = publish, visit
        self._suppress, self._is_suppressed = suppress, is_suppressed
        self._account, self._region = account, region
        self._lock = threading.Lock()
        self._emitting = threading.Lock()
        self._due: list[_Due] = []
        self._number = itertools.count()
        self._clock: datetime | None = None
        self.seed = 1
        self.rates = Rates()
        self.emitted: Counter[str] = Counter()
        self.refused_visits: Counter[int] = Counter()

    def now(self) -> datetime:
        return self._clock or datetime.now(UTC).replace(microsecond=0)

    @property
    def simulated(self) -> bool:
        return self._clock is not None

    def set_clock(self, now: datetime | None) -> None:
        """None goes back to real time."""
        self._clock = now

    def accept(self, message: Message) -> None:
        """Plans the reactions to a message that was just taken."""
        planned = reactions(self.seed, self.rates, message, suppressed=self._is_suppressed(message))
        with self._lock:
            for reaction in planned:
                at = message.sent_at + (reaction.after if self.simulated else _hurried(reaction.after))
                heapq.heappush(self._due, _Due(at, message.send_id, next(self._number), message, reaction))

    def pending(self) -> tuple[int, datetime | None]:
        """How many reactions are still to come, and when the next one is due."""
        with self._lock:
            return len(self._due), self._due[0].at if self._due else None

    def advance(self, now: datetime) -> dict[str, int]:
        """Lets everything due up to `now` happen, in order of time; returns how often each kind did."""
        self._clock = now
        return self._emit(now)

    def tick(self) -> dict[str, int]:
        """The same for real time; does nothing while a clock is set."""
        return {} if self.simulated else self._emit(self.now())

    def _emit(self, now: datetime) -> dict[str, int]:
        with self._emitting, self._taking(now) as due:
            events = [one for one in due if one.reaction.kind not in (Kind.UNSUBSCRIBE, Kind.SCAN)]
            visits = [one.reaction for one in due if one.reaction.kind in (Kind.UNSUBSCRIBE, Kind.SCAN)]
            self._publish([self._event(one) for one in events])
            for one in events:
                self._remember_refusal(one)
            with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
                for status in pool.map(self._visit, visits):
                    if status >= 400:
                        self.refused_visits[status] += 1
            counts = Counter(str(one.reaction.kind) for one in due)
            self.emitted += counts
            return dict(counts)

    @contextmanager
    def _taking(self, now: datetime) -> Iterator[list[_Due]]:
        """Takes what is due; puts it back when handing it on fails, so that nothing is lost (repeats are harmless)."""
        with self._lock:
            taken = []
            while self._due and self._due[0].at <= now:
                taken.append(heapq.heappop(self._due))
        try:
            yield taken
        except BaseException:
            with self._lock:
                for one in taken:
                    heapq.heappush(self._due, one)
            raise

    def _event(self, one: _Due) -> dict[str, Any]:
        return event(one.message, one.reaction, one.at, account=self._account, region=self._region)

    def _remember_refusal(self, one: _Due) -> None:
        """SES itself lists the recipients of what bounced hard or was complained of."""
        if one.reaction.kind is Kind.COMPLAINT:
            self._suppress(one.message, "COMPLAINT")
        elif one.reaction.bounce_type == "Permanent" and one.reaction.bounce_sub_type == "General":
            self._suppress(one.message, "BOUNCE")


def _hurried(after: timedelta) -> timedelta:
    """The same order in real time, within half a minute."""
    seconds = after.total_seconds() * _REAL_TIME_PACE + (_PERSON_SECONDS if after >= _PERSON_AFTER else 0)
    return timedelta(seconds=round(seconds))
