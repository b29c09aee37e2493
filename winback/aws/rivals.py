"""What launches of higher priority are expected to send to some customers, from their files in the lake."""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from winback.aws.lake import Lake, Row
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchStore
from winback.campaigns.launch import UNDER_WAY, Launch
from winback.campaigns.priorities import Span, Ways, expected, going_before, planned, steps_within
from winback.delivery.contacts import Contact
from winback.identifiers import CustomerKey
from winback.instants import parse_instant

LIFETIME = 60.0  # seconds until a running function sees another launch
_KEPT = 8


class Rivals:
    """The account's launches are read once a minute per running function, not once a chunk. `monotonic`: seconds."""

    def __init__(self, launches: LaunchStore, lake: Lake, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._launches, self._lake, self._monotonic = launches, lake, monotonic
        self._known: OrderedDict[str, tuple[list[tuple[Launch, list[Row]]], float]] = OrderedDict()

    def expected(
        self, launch: Launch, customers: Sequence[CustomerKey], span: Span, as_of: datetime
    ) -> dict[CustomerKey, list[Contact]]:
        """Contacts that launches going before `launch` are expected at `as_of` to make within the span with the
        customers, who are given in order. Booked ones may be among them."""
        if not customers:
            return {}
        wanted = frozenset(customers)
        found: dict[CustomerKey, list[Contact]] = defaultdict(list)
        for other, manifest in self._before(launch):
            steps = steps_within(other, span, as_of)
            if not steps:
                continue
            for line in manifest:
                if line["first"] <= customers[-1] and line["last"] >= customers[0]:
                    for customer, contacts in self._of_chunk(other, steps, int(line["chunk"])):
                        if customer in wanted:
                            found[customer] += contacts
        return found

    def _before(self, launch: Launch) -> list[tuple[Launch, list[Row]]]:
        """The launches that go before it, with their manifests."""
        now = self._monotonic()
        known, until = self._known.get(launch.launch_id, ([], now))
        if now >= until:
            others = going_before(launch, self._launches.of_account(launch.account_id, *UNDER_WAY))
            known = [(other, LaunchFiles(self._lake, other).manifest()) for other in others]
            self._known[launch.launch_id] = known, now + LIFETIME
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return known

    def _of_chunk(self, other: Launch, steps: Sequence[int], chunk: int) -> list[tuple[CustomerKey, list[Contact]]]:
        files = LaunchFiles(self._lake, other)
        found: list[tuple[CustomerKey, list[Contact]]] = []
        unplanned = []
        for step in steps:
            rows = self._lake.find_rows(files.plan_key("live", step, chunk))
            if rows is None:
                unplanned.append(step)
                continue
            timed = [{**row, "send_at": parse_instant(row["send_at"])} for row in rows]
            found += planned(other, step, timed).items()
        if unplanned:
            audience = self._lake.read_rows(files.audience_key(chunk))
            found += expected(other, unplanned, audience, self._ways(files, other, unplanned, chunk)).items()
        return found

    def _ways(self, files: LaunchFiles, other: Launch, steps: Sequence[int], chunk: int) -> Ways:
        branches = {branch for step in steps for branch, _ in other.definition.touch(step).conditions}
        asked = {branch: self._lake.find_rows(files.path_key(branch, chunk)) for branch in branches}
        return {
            branch: {row["customer_key"]: row["way"] for row in rows}
            for branch, rows in asked.items()
            if rows is not None
        }
