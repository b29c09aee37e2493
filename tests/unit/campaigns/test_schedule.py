from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.campaigns.schedule import latest_time, postponed, step_times
from winback.campaigns.steps import Step

BERLIN = ZoneInfo("Europe/Berlin")  # summer time from 2026-03-29 02:00 to 2026-10-25 03:00

zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo"]
).map(ZoneInfo)
starts = st.datetimes(datetime(1997, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))
minutes = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
sequences = st.lists(
    st.tuples(st.integers(0, 40), st.none() | minutes), min_size=1, max_size=10, unique_by=lambda s: s[0]
).map(lambda pairs: [step(days, at) for days, at in sorted(pairs, key=lambda pair: pair[0])])


def step(after_days: int, send_at: time | None = None) -> Step:
    return Step(template="we-miss-you", after_days=after_days, send_at=send_at)


def instant(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def test_a_step_without_a_time_of_day_keeps_that_of_the_start_across_summer_time() -> None:
    times = step_times([step(0), step(2), step(4)], instant(2026, 3, 27, 8), BERLIN)
    assert times == [instant(2026, 3, 27, 8), instant(2026, 3, 29, 7), instant(2026, 3, 31, 7)]


def test_nine_o_clock_is_nine_on_the_account_s_clocks_before_and_after_the_change() -> None:
    times = step_times([step(0, time(9)), step(1, time(9))], instant(2026, 10, 23, 22), BERLIN)
    assert times == [instant(2026, 10, 24, 7), instant(2026, 10, 25, 8)]


def test_a_time_of_day_that_is_over_on_the_first_day_is_taken_on_the_next() -> None:
    assert step_times([step(0, time(9))], instant(2026, 6, 1, 16), BERLIN) == [instant(2026, 6, 2, 7)]


def test_a_local_time_that_the_change_skips_is_the_moment_of_the_change() -> None:
    assert step_times([step(1, time(2, 30))], instant(2026, 3, 28, 1), BERLIN) == [instant(2026, 3, 29, 1)]


def test_of_a_local_time_that_occurs_twice_the_first_counts() -> None:
    assert step_times([step(1, time(2, 30))], instant(2026, 10, 24, 0), BERLIN) == [instant(2026, 10, 25, 0, 30)]


@given(sequences, starts, zones)
def test_steps_come_in_order_none_before_the_start_and_each_on_its_day(
    steps: list[Step], start: datetime, zone: ZoneInfo
) -> None:
    times = step_times(steps, start, zone)
    assert times == sorted(times)
    assert times[0] >= start
    for planned, moment in zip(steps, times, strict=True):
        waited = moment - start
        assert timedelta(days=planned.after_days, hours=-2) <= waited <= timedelta(days=planned.after_days + 1, hours=2)
        assert moment.microsecond == 0
        local = moment.astimezone(zone)
        if planned.send_at is not None and moment != start and _exists(local, planned.send_at, zone):
            assert local.time() == planned.send_at


def _exists(local: datetime, send_at: time, zone: ZoneInfo) -> bool:
    wall = datetime.combine(local.date(), send_at, zone)
    return wall.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None)


def test_a_pause_that_missed_no_step_changes_nothing() -> None:
    times = [instant(2026, 6, 1, 8), instant(2026, 6, 8, 8)]
    assert postponed(times, instant(2026, 6, 2, 8), instant(2026, 6, 7, 8), BERLIN) == times


def test_steps_missed_in_a_pause_are_put_off_by_whole_days_with_those_after_them() -> None:
    times = [instant(2026, 6, 1, 8), instant(2026, 6, 4, 8), instant(2026, 6, 8, 8)]
    assert postponed(times, instant(2026, 6, 2, 8), instant(2026, 6, 5, 9), BERLIN) == [
        instant(2026, 6, 1, 8),
        instant(2026, 6, 6, 8),
        instant(2026, 6, 10, 8),
    ]


@given(sequences, starts, zones, st.integers(0, 50 * 24), st.integers(0, 50 * 24))
def test_after_a_pause_no_step_that_it_covered_is_in_the_past(
    steps: list[Step], start: datetime, zone: ZoneInfo, pause_hour: int, length: int
) -> None:
    times = step_times(steps, start, zone)
    since = start + timedelta(hours=pause_hour)
    until = since + timedelta(hours=length)
    for before, after in zip(times, postponed(times, since, until, zone), strict=True):
        assert after == before if before <= since else after >= before - timedelta(hours=2)
        assert before <= since or after >= until


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=5)])
def test_a_sequence_of_one_step_now_is_due_at_its_start(late: timedelta) -> None:
    start = instant(2026, 6, 1, 8) + late
    assert step_times([step(0)], start, BERLIN) == [start]


def test_a_step_may_leave_until_the_next_one_is_due_and_the_last_until_the_evaluation_ends() -> None:
    first, second, end = (datetime(2026, 11, day, 9, tzinfo=UTC) for day in (1, 8, 30))
    assert latest_time([first, second], 1, end) == second
    assert latest_time([first, second], 2, end) == end
    assert latest_time([first, end + timedelta(days=1)], 1, end) == end
