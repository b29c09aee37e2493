"""An SQS standard queue in memory: delays, visibility time-outs, dead letters; twice and in any order where asked.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
"""

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.inprocess.hooks import Hook, NoFaults

_BATCH = 10


@dataclass
class Message:
    body: str
    message_id: str
    receives: int = 0
    receipt: int = 0  # of its latest receive; 0 while it waits


@dataclass(frozen=True)
class Disorder:
    """Shares of messages that are delivered twice, and whether they come in any order."""

    duplicated: float = 0.0
    shuffled: bool = False


@dataclass
class MemoryQueue:
    """`send_message_batch` is the client's; `receive`, `delete` are what Lambda's poller does for a function."""

    name: str
    now: Callable[[], datetime]
    chance: random.Random
    visibility: timedelta
    max_receives: int = 10
    disorder: Disorder = Disorder()
    hook: Hook = field(default_factory=NoFaults)
    dead: list[Message] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    _waiting: list[tuple[datetime, float, int, Message]] = field(default_factory=list)
    _taken: dict[int, Message] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        """The hook's left-overs are `Failed`, as when SQS is short of something for a moment."""
        if not 1 <= len(Entries) <= _BATCH:
            raise ValueError(f"a batch of {len(Entries)} messages: expected 1 to {_BATCH}")
        point = f"{self.name}.send_message_batch"
        self.calls["send_message_batch"] += 1
        self.hook.before(point)
        taken = len(Entries) - self.hook.left_over(point, len(Entries))
        for entry in Entries[:taken]:
            self.put(entry["MessageBody"], delay=entry.get("DelaySeconds", 0))
        self.hook.after(point)
        failed = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in Entries[taken:]]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries[:taken]], "Failed": failed}

    def put(self, body: str, *, delay: float = 0) -> None:
        number = self._number()
        self._wait(Message(body, f"msg-{number}"), self.now() + timedelta(seconds=delay))

    def receive(self, most: int = _BATCH) -> list[Message]:
        """Up to `most` visible messages, hidden for the visibility time-out; the spent ones go to the dead letters."""
        self.calls["receive_message"] += 1
        now, found = self.now(), list[Message]()
        while self._waiting and self._waiting[0][0] <= now and len(found) < most:
            message = heapq.heappop(self._waiting)[-1]
            if message.receipt and self._taken.pop(message.receipt, None) is None:
                continue  # it was deleted meanwhile
            if message.receives >= self.max_receives:
                self.dead.append(message)
                continue
            if self.chance.random() < self.disorder.duplicated:
                self._wait(
                    Message(message.body, message.message_id), now + timedelta(seconds=self.chance.randrange(90))
                )
            message.receives += 1
            message.receipt = self._number()
            self._taken[message.receipt] = message
            self._wait(message, now + self.visibility)
            found.append(message)
        return found

    def delete(self, message: Message) -> None:
        self.calls["delete_message"] += 1
        self._taken.pop(message.receipt, None)

    @property
    def empty(self) -> bool:
        return not self._taken and all(entry[-1].receipt for entry in self._waiting)

    @property
    def next_visible_at(self) -> datetime | None:
        """None when it is empty."""
        while self._waiting and (receipt := self._waiting[0][-1].receipt) and receipt not in self._taken:
            heapq.heappop(self._waiting)
        return self._waiting[0][0] if self._waiting else None

    def _wait(self, message: Message, until: datetime) -> None:
        order = self.chance.random() if self.disorder.shuffled else 0.0
        if self.disorder.shuffled and not message.receipt:
            until += timedelta(seconds=self.chance.randrange(30))
        heapq.heappush(self._waiting, (until, order, self._number(), message))

    def _number(self) -> int:
        return next(self._numbers)
