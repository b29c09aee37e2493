"""Plays the weeks of the campaign: moves the clock, lets the engine work and the recipients react."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

from local.cloud import Cloud
from local.demo.store import Store, TookTooLong
from winback.aws.keys import DUE_SHARDS
from winback.instants import parse_instant

MINUTE = timedelta(minutes=1)
_PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 0.05
_DUE_SECONDS = 15.0  # a chunk enters the due index right after its plan is written; nobody's chunk never does


@dataclass
class Timeline:
    """One launch in a cloud whose clock this moves. Never backwards."""

    cloud: Cloud
    store: Store
    launch_id: str
    channels: Sequence[str] = ("email",)

    def launch(self) -> dict[str, Any]:
        return self.store.get(f"/v1/launches/{self.launch_id}")

    def move_to(self, moment: datetime) -> None:
        """Everything that recipients do until then happens; its feedback is taken in."""
        self.cloud.set_clock(moment)
        self.cloud.mail.advance(moment)
        self.cloud.wait_drained("feedback", "texts")

    def dispatch(
        self, steps: Sequence[int], *, planning: Callable[[Mapping[str, Any]], object], sending: Callable[[], object]
    ) -> None:
        """At the planned time that the steps share: waits for their plans, then releases minute by minute until nothing
        is due.

        `planning` (with a step's chunks, planned and of) and `sending` are called over and over while the planner
        and the senders work.
        """
        moment = parse_instant(self.launch()["steps"][steps[0] - 1]["planned_at"])
        self.move_to(moment)
        for step in steps:
            self._wait(partial(self._is_planned, step, planning), f"step {step} to be planned")
        appears_by = time.monotonic() + _DUE_SECONDS
        while not self._is_due() and time.monotonic() < appears_by:
            time.sleep(_POLL_SECONDS)
        while self._is_due():
            self.cloud.tick_feeder(moment)
            self._wait(lambda: self._is_sent(sending), "what is due to be sent")
            self.move_to(moment)
            moment += MINUTE
            self.cloud.set_clock(moment)

    def _is_planned(self, step: int, planning: Callable[[Mapping[str, Any]], object]) -> bool:
        chunks = self.launch()["steps"][step - 1].get("chunks")
        if chunks is None:  # approved, and not begun yet
            return False
        planning(chunks)
        return bool(chunks["planned"] == chunks["of"])

    def _is_sent(self, sending: Callable[[], object]) -> bool:
        sending()
        return self.cloud.queue_depth("sends") == 0

    def _is_due(self) -> bool:
        """Whether the due index holds anything of this launch."""
        campaigns = self.cloud.table("campaigns")
        for channel, shard in product(self.channels, range(DUE_SHARDS)):
            found = campaigns.query(
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": f"due#{channel}#{shard}"},
                ConsistentRead=True,
            )
            if any(self.launch_id in item["sk"] for item in found["Items"]):
                return True
        return False

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise TookTooLong(f"waited {_PATIENCE_SECONDS:.0f} s for {what}")
            time.sleep(_POLL_SECONDS)
