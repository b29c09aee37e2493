"""The feeder: at most the quota, every shard its turn, nothing advanced that is not in the queue."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.delivery.feeding import Feeding, Permit, SendQuota
from winback.delivery.release import DueEntry, MalformedRelease, Release, message_bounds
from winback.identifiers import AccountId, LaunchId

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PAUSED, CANCELLED = LaunchId("lau-00000000000a"), LaunchId("lau-00000000000c")


def entry(chunk: int, rows: int, launch: str = "lau-000000000001") -> DueEntry:
    return DueEntry("email", AccountId("fjord"), LaunchId(launch), 1, chunk, f"chunk-{chunk}", 0, rows, NOW)


class Shards:
    """A due index in memory."""

    def __init__(self, *shards: list[DueEntry]) -> None:
        self.shards = [list(entries) for entries in shards]

    def due(self, now: datetime, shard: int) -> Iterator[DueEntry]:
        return iter(list(self.shards[shard]))

    def advance(self, one: DueEntry, next_row: int) -> DueEntry | None:
        self.delete(one)
        if next_row >= one.to_row:
            return None
        rest = DueEntry(**{**vars(one), "from_row": next_row})
        self.shards[0].append(rest)
        return rest

    def delete(self, one: DueEntry) -> bool:
        for entries in self.shards:
            if one in entries:
                entries.remove(one)
        return True

    @property
    def rows(self) -> int:
        return sum(one.to_row - one.from_row for entries in self.shards for one in entries)


class Quota:
    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, wanted: int) -> int:
        granted = min(wanted, self.left)
        self.left -= granted
        return granted


def permit(_: AccountId, launch: LaunchId) -> Permit:
    return {PAUSED: Permit.WAIT, CANCELLED: Permit.DROP}.get(launch, Permit.SEND)


def feed(due: Shards, quota: int, queue: list[Release], **changes: Any) -> Counter[str]:
    parts: dict[str, Any] = {
        "due": due,
        "quota": Quota(quota),
        "release": lambda releases: queue.extend(release for release, _ in releases),
        "per_second": 1000.0,
        "permit": permit,
        "seconds_left": lambda: 60.0,
        **changes,
    }
    return Feeding(**parts).feed(NOW, range(len(due.shards)))


def rows_of(queue: Sequence[Release]) -> Counter[tuple[str, int]]:
    return Counter((one.key, row) for one in queue for row in range(one.from_row, one.to_row))


@given(st.lists(st.lists(st.integers(1, 700), max_size=4), min_size=1, max_size=4), st.integers(0, 3000))
def test_each_row_is_released_once_as_far_as_the_quota_goes(sizes: list[list[int]], quota: int) -> None:
    numbers = iter(range(1000))
    due = Shards(*[[entry(next(numbers), rows) for rows in shard] for shard in sizes])
    total = due.rows
    queue: list[Release] = []
    done = feed(due, quota, queue)
    assert done["released"] == min(total, quota)
    assert due.rows == total - done["released"]
    assert set(rows_of(queue).values()) <= {1}
    assert rows_of(queue).total() == done["released"]
    assert all(one.to_row - one.from_row <= 25 for one in queue)


def test_a_large_launch_does_not_hold_up_the_others() -> None:
    due = Shards([entry(0, 500), entry(1, 500)], [entry(2, 25)])
    queue: list[Release] = []
    feed(due, 300, queue)
    assert "chunk-2" in {one.key for one in queue}


def test_a_paused_launch_waits_and_a_cancelled_one_goes() -> None:
    due = Shards([entry(0, 10, PAUSED), entry(1, 10, CANCELLED), entry(2, 10)])
    queue: list[Release] = []
    done = feed(due, 100, queue)
    assert done == Counter({"waiting": 10, "dropped": 10, "released": 10})
    assert {one.key for one in queue} == {"chunk-2"}
    assert due.rows == 10


def test_what_the_queue_did_not_take_stays_due() -> None:
    due = Shards([entry(0, 100)])

    def refuse(_: object) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        feed(due, 100, [], release=refuse)
    assert due.rows == 100


def test_releases_are_spread_over_the_minute_at_the_provider_s_rate() -> None:
    released: list[tuple[Release, int]] = []
    feed(Shards([entry(0, 500)], [entry(1, 500)]), 840, [], release=released.extend, per_second=14.0)
    by_second = Counter[int]()
    for release, delay in released:
        by_second[delay] += release.to_row - release.from_row
    assert sum(by_second.values()) == 840
    assert max(by_second) == 59
    for seconds in range(1, 61):
        assert sum(rows for delay, rows in by_second.items() if delay < seconds) <= 14 * (seconds + 1)


def test_a_feeder_short_of_time_stops() -> None:
    due, queue = Shards([entry(0, 100)]), list[Release]()
    assert feed(due, 100, queue, seconds_left=lambda: 1.0) == Counter()


def test_a_minute_allows_whole_emails_only() -> None:
    assert SendQuota(per_second=0.99, left_today=None).per_minute == 59


def test_bounds_cut_a_range_into_messages() -> None:
    assert list(message_bounds(10, 61)) == [(10, 35), (35, 60), (60, 61)]


def test_a_release_survives_the_queue() -> None:
    release = Release.of(entry(3, 60), 25, 50)
    assert Release.from_json(release.to_json()) == release


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"account_id": 1}', Release.of(entry(0, 5), 0, 5).to_json()[:-1]]
)
def test_what_is_no_release_is_refused(text: str) -> None:
    with pytest.raises(MalformedRelease):
        Release.from_json(text)
