"""The due index loses no row, and a minute's quota is shared by all feeders."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.adapters.delivery.conftest import NOW, Tables
from winback.aws.due import DueEntry, DueIndex
from winback.aws.keys import DUE_SHARDS, due_shard
from winback.aws.quota import MinuteQuota
from winback.aws.tables import table
from winback.delivery.feeding import SendQuota
from winback.identifiers import AccountId, LaunchId

LAUNCH = LaunchId("lau-000000000001")
ENTRY = DueEntry("email", AccountId("fjord"), LAUNCH, 1, 0, "plan/chunk-00000.jsonl.gz", 0, 500, NOW)


@pytest.fixture
def index(tables: Tables) -> DueIndex:
    return DueIndex(tables.campaigns)


@pytest.fixture
def due(index: DueIndex) -> Callable[..., list[DueEntry]]:
    def read(now: object = NOW) -> list[DueEntry]:
        return list(index.due(now, due_shard(LAUNCH, 0), "email"))  # type: ignore[arg-type]

    return read


def bounds(entries: list[DueEntry]) -> list[tuple[int, int]]:
    return [(entry.from_row, entry.to_row) for entry in entries]


def test_an_entry_is_due_from_its_second_on(index: DueIndex, due: Callable[..., list[DueEntry]]) -> None:
    index.put(ENTRY)
    assert due(NOW - timedelta(seconds=1)) == []
    assert replace(due()[0], token="") == ENTRY


def test_the_oldest_comes_first(index: DueIndex, due: Callable[..., list[DueEntry]]) -> None:
    for minutes in (3, 1, 2):
        index.put(replace(ENTRY, send_at=NOW - timedelta(minutes=minutes)))
    assert [entry.send_at for entry in due()] == sorted(entry.send_at for entry in due())


def test_an_advanced_entry_keeps_its_rest(index: DueIndex, due: Callable[..., list[DueEntry]]) -> None:
    index.put(ENTRY)
    rest = index.advance(due()[0], 200)
    assert rest is not None
    assert bounds(due()) == [(200, 500)]
    assert index.advance(due()[0], 500) is None
    assert due() == []


def test_the_rest_that_was_returned_can_be_advanced_in_turn(
    index: DueIndex, due: Callable[..., list[DueEntry]]
) -> None:
    index.put(ENTRY)
    rest = index.advance(due()[0], 200)
    assert rest is not None
    index.advance(rest, 400)
    assert bounds(due()) == [(400, 500)]


def test_a_repeated_put_changes_nothing_and_a_shorter_one_does_not_hide_the_longer(
    index: DueIndex, due: Callable[..., list[DueEntry]]
) -> None:
    for rows in (500, 500, 25, 600):
        index.put(replace(ENTRY, to_row=rows))
    assert bounds(due()) == [(0, 600)]


def test_rows_put_back_while_they_are_being_released_stay(index: DueIndex, due: Callable[..., list[DueEntry]]) -> None:
    index.put(ENTRY)
    read = due()[0]
    index.put(replace(ENTRY, to_row=1))  # a sender puts the first row back at the same second
    assert not index.delete(read)
    assert bounds(due()) == [(0, 500)]


def test_chunks_spread_over_all_shards() -> None:
    assert {due_shard(LAUNCH, chunk) for chunk in range(100)} == set(range(DUE_SHARDS))


def test_an_entry_without_rows_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="from_row < to_row"):
        replace(ENTRY, from_row=500)


def test_feeders_of_one_minute_share_its_quota(tables: Tables) -> None:
    def take(_: int) -> int:
        return MinuteQuota(table("campaigns"), lambda: SendQuota(2.0, None), NOW).take(50)

    with ThreadPoolExecutor(4) as threads:
        granted = list(threads.map(take, range(4)))
    assert sum(granted) == 120


def test_the_next_minute_has_a_quota_of_its_own(tables: Tables) -> None:
    for minute in (NOW, NOW + timedelta(minutes=1)):
        assert MinuteQuota(tables.campaigns, lambda: SendQuota(1.0, None), minute).take(100) == 60


def test_the_day_s_quota_limits_the_minute_s(tables: Tables) -> None:
    assert MinuteQuota(tables.campaigns, lambda: SendQuota(14.0, 5), NOW).take(100) == 5
    assert MinuteQuota(tables.campaigns, lambda: SendQuota(14.0, 0), NOW).take(100) == 0
