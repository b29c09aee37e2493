"""The feeder: at most the quota, fairly shared, nothing advanced that is not in the queue."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.delivery.feeding import Feeding, Permit, SendQuota, fair_shares
from winback.delivery.release import DueEntry, MalformedRelease, Release, message_bounds
from winback.identifiers import AccountId, LaunchId

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PAUSED, CANCELLED = LaunchId("lau-00000000000a"), LaunchId("lau-00000000000c")


def entry(chunk: int, rows: int, launch: str = "lau-000000000001", account: str = "fjord") -> DueEntry:
    return DueEntry("email", AccountId(account), LaunchId(launch), 1, chunk, f"chunk-{chunk}", 0, rows, NOW)


class Shards:
    """A due index in memory."""

    def __init__(self, *shards: list[DueEntry]) -> None:
        self.shards = [list(entries) for entries in shards]

    def due(self, now: datetime, shard: int, channel: str) -> Iterator[DueEntry]:
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
    def __init__(self, left: int, per_second: float = 1000.0) -> None:
        self.left, self.per_second = left, per_second

    def take(self, wanted: int) -> int:
        granted = min(wanted, self.left)
        self.left -= granted
        return granted


class Allowance:
    """Of accounts that may send less than the quota gives."""

    def __init__(self, **limits: int) -> None:
        self.limits = limits

    def of(self, account_id: AccountId) -> int | None:
        return self.limits.get(account_id)

    def take(self, account_id: AccountId, wanted: int) -> int:
        granted = min(wanted, self.limits[account_id])
        self.limits[account_id] -= granted
        return granted


def permit(_: AccountId, launch: LaunchId) -> Permit:
    return {PAUSED: Permit.WAIT, CANCELLED: Permit.DROP}.get(launch, Permit.SEND)


def feeding(due: Shards, quota: int, queue: list[Release], *, per_second: float = 1000.0, **changes: Any) -> Feeding:
    parts: dict[str, Any] = {
        "channel": "email",
        "due": due,
        "quota": Quota(quota, per_second),
        "allowance": Allowance(),
        "release": lambda releases: queue.extend(release for release, _ in releases),
        "permit": permit,
        "seconds_left": lambda: 60.0,
        **changes,
    }
    return Feeding(**parts)


def feed(due: Shards, quota: int, queue: list[Release], **changes: Any) -> Counter[str]:
    return feeding(due, quota, queue, **changes).feed(NOW, range(len(due.shards)))


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


def rows_by(queue: Sequence[Release], name: str) -> Counter[str]:
    rows = Counter[str]()
    for one in queue:
        rows[getattr(one, name)] += one.to_row - one.from_row
    return rows


def test_accounts_share_the_minute_whatever_the_size_and_number_of_their_launches() -> None:
    large = [entry(chunk, 500, f"lau-00000000000{chunk}") for chunk in range(4)]
    due = Shards(large, [entry(8, 500, "lau-000000000008", "tiny"), entry(9, 30, "lau-000000000009", "small")])
    queue: list[Release] = []
    feed(due, 330, queue)
    assert rows_by(queue, "account_id") == Counter({"fjord": 150, "tiny": 150, "small": 30})
    assert sorted(rows_by(queue, "launch_id").values()) == [30, 37, 37, 38, 38, 150]


def test_a_launch_sends_its_oldest_rows_first() -> None:
    newer, older = entry(0, 100), replace(entry(1, 100), send_at=NOW - timedelta(hours=1))
    queue: list[Release] = []
    feed(Shards([newer], [older]), 120, queue)
    assert rows_by(queue, "key") == Counter({"chunk-1": 100, "chunk-0": 20})


@given(st.dictionaries(st.integers(0, 9), st.integers(0, 400), max_size=8), st.integers(0, 1000), st.integers(0, 9))
def test_nobody_gets_more_than_another_who_wants_more(wanted: dict[int, int], total: int, turn: int) -> None:
    shares = fair_shares(wanted, total, turn)
    assert sum(shares.values()) == min(total, sum(wanted.values()))
    assert all(0 <= shares[name] <= wanted[name] for name in wanted)
    short = [shares[name] for name in wanted if shares[name] < wanted[name]]
    assert all(shares[name] <= least + 1 for name in wanted for least in short)


def test_what_does_not_divide_goes_to_another_each_minute() -> None:
    totals = Counter[str]()
    for turn in range(3):
        totals.update(fair_shares({"a": 5, "b": 5, "c": 5}, 1, turn))
    assert totals == Counter({"a": 1, "b": 1, "c": 1})


def test_an_account_that_may_send_little_leaves_the_rest_to_the_others() -> None:
    queue: list[Release] = []
    due = Shards([entry(0, 500, account="new"), entry(1, 500, "lau-000000000002", "old")])
    feed(due, 300, queue, allowance=Allowance(new=40))
    assert rows_by(queue, "account_id") == Counter({"new": 40, "old": 260})
    feed(due, 300, queue := [], allowance=Allowance(new=0))
    assert rows_by(queue, "account_id") == Counter({"old": 240})


def test_a_probe_is_one_message_and_says_so() -> None:
    due, queue = Shards([entry(0, 100)], [entry(1, 100)]), list[Release]()
    assert feeding(due, 100, queue).probe(NOW, range(2)) == Counter({"released": 25})
    assert [(one.from_row, one.to_row, one.probe) for one in queue] == [(0, 25, True)]
    assert due.rows == 175
    assert feeding(due, 100, [], allowance=Allowance(fjord=3)).probe(NOW, range(2)) == Counter({"released": 3})
    assert feeding(due, 0, []).probe(NOW, range(2)) == Counter()


def test_a_paused_launch_waits_and_a_cancelled_one_goes() -> None:
    due = Shards([entry(0, 10, PAUSED), entry(1, 10, CANCELLED), entry(2, 10)])
    queue: list[Release] = []
    done = feed(due, 100, queue)
    assert done == Counter({"waiting": 10, "dropped": 10, "released": 10})
    assert {one.key for one in queue} == {"chunk-2"}
    assert due.rows == 10


def test_neither_a_large_account_nor_a_paused_launch_hides_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("winback.delivery.feeding.HORIZON", 2)
    old = [replace(entry(chunk, 10, PAUSED), send_at=NOW - timedelta(days=1)) for chunk in range(5)]
    large = [entry(chunk, 10, "lau-000000000001") for chunk in range(5, 9)]
    due = Shards([*old, *large, entry(9, 10, "lau-000000000002", "small")])
    queue: list[Release] = []
    done = feed(due, 100, queue)
    assert rows_by(queue, "account_id") == Counter({"fjord": 20, "small": 10})
    assert (done["waiting"], done["later"]) == (50, 20)


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
