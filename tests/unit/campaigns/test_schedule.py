from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from winback.campaigns.schedule import first_moment, next_opening, postponed

BERLIN = ZoneInfo("Europe/Berlin")  # summer time from 2026-03-29 02:00 to 2026-10-25 03:00

zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
).map(ZoneInfo)
starts = st.datetimes(datetime(1997, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))
minutes = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))


def instant(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def test_without_an_opening_the_time_of_day_is_that_of_the_start_across_summer_time() -> None:
    start = instant(2026, 3, 27, 8)
    assert [first_moment(start, days, BERLIN) for days in (0, 2, 4)] == [
        start,
        instant(2026, 3, 29, 7),
        instant(2026, 3, 31, 7),
    ]


def test_nine_o_clock_is_nine_on_the_account_s_clocks_before_and_after_the_change() -> None:
    start = instant(2026, 10, 23, 22)
    assert [first_moment(start, days, BERLIN, opening=time(9)) for days in (0, 1)] == [
        instant(2026, 10, 24, 7),
        instant(2026, 10, 25, 8),
    ]


def test_an_opening_that_is_over_on_the_first_day_is_taken_on_the_next() -> None:
    assert first_moment(instant(2026, 6, 1, 16), 0, BERLIN, opening=time(9)) == instant(2026, 6, 2, 7)


def test_an_opening_earlier_than_the_start_s_time_of_day_still_lies_on_its_own_day() -> None:
    tuesday = instant(2026, 12, 1, 9)  # ten o'clock
    assert first_moment(tuesday, 7, BERLIN, opening=time(9, 30)) == instant(2026, 12, 8, 8, 30)
    assert first_moment(tuesday, 7, BERLIN, opening=time(9, 30), weekdays={1}) == instant(2026, 12, 8, 8, 30)


def test_a_local_time_that_the_change_skips_is_the_moment_of_the_change() -> None:
    assert first_moment(instant(2026, 3, 28, 1), 1, BERLIN, opening=time(2, 30)) == instant(2026, 3, 29, 1)
    assert next_opening(time(2, 30), instant(2026, 3, 29, 1), BERLIN) == instant(2026, 3, 29, 1)


def test_of_a_local_time_that_occurs_twice_the_first_counts() -> None:
    assert first_moment(instant(2026, 10, 24, 0), 1, BERLIN, opening=time(2, 30)) == instant(2026, 10, 25, 0, 30)


def test_a_weekday_is_the_first_such_day_from_then_on() -> None:
    friday = instant(2026, 3, 27, 8)
    assert first_moment(friday, 0, BERLIN, weekdays={4}) == friday
    assert first_moment(friday, 1, BERLIN, opening=time(10), weekdays={1, 3}) == instant(2026, 3, 31, 8)
    assert next_opening(time(8), friday, BERLIN, weekdays={4}) == instant(2026, 4, 3, 6)


@given(
    start=starts,
    days=st.integers(0, 40),
    zone=zones,
    opening=st.none() | minutes,
    weekdays=st.sets(st.integers(0, 6)),
    hours=st.integers(0, 1000),
)
def test_a_moment_is_on_its_day_at_its_time_never_before_the_start_and_later_than_asked(
    *, start: datetime, days: int, zone: ZoneInfo, opening: time | None, weekdays: set[int], hours: int
) -> None:
    later_than = start + timedelta(hours=hours)
    moment = first_moment(start, days, zone, opening=opening, weekdays=weekdays, later_than=later_than)
    assert moment > later_than
    assert moment >= first_moment(start, days, zone, opening=opening) >= start
    local = moment.astimezone(zone)
    wanted = opening or start.astimezone(zone).time()
    if moment != start and _exists(local, wanted, zone):
        assert local.time() == wanted
        assert not weekdays or local.weekday() in weekdays


def _exists(local: datetime, at: time, zone: ZoneInfo) -> bool:
    """Whether the clocks show this time on that day, and the day is not one that the date line took."""
    wall = datetime.combine(local.date(), at, zone)
    there = wall.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None)
    before = (wall - timedelta(days=1)).astimezone(UTC).astimezone(zone)
    return there and before.date() == local.date() - timedelta(days=1)


def test_a_pause_that_missed_nothing_changes_nothing() -> None:
    times = [instant(2026, 6, 1, 8), instant(2026, 6, 8, 8)]
    assert postponed(times, instant(2026, 6, 2, 8), instant(2026, 6, 7, 8), BERLIN) == times


def test_what_a_pause_missed_is_put_off_by_whole_days_with_what_comes_after_it() -> None:
    times = [instant(2026, 6, 1, 8), instant(2026, 6, 4, 8), instant(2026, 6, 8, 8)]
    since, until = instant(2026, 6, 2, 8), instant(2026, 6, 5, 9)
    assert postponed(times, since, until, BERLIN) == [times[0], instant(2026, 6, 6, 8), instant(2026, 6, 10, 8)]
    assert postponed(times, since, until, BERLIN, whole_weeks=True) == [
        times[0],
        instant(2026, 6, 11, 8),
        instant(2026, 6, 15, 8),
    ]


@given(
    hours=st.lists(st.integers(0, 40 * 24), min_size=1, max_size=10, unique=True).map(sorted),
    start=starts,
    zone=zones,
    pause_hour=st.integers(0, 50 * 24),
    length=st.integers(0, 50 * 24),
    whole_weeks=st.booleans(),
)
def test_after_a_pause_nothing_that_it_covered_is_in_the_past_and_the_order_stays(
    *, hours: list[int], start: datetime, zone: ZoneInfo, pause_hour: int, length: int, whole_weeks: bool
) -> None:
    times = [start + timedelta(hours=hour) for hour in hours]
    since = start + timedelta(hours=pause_hour)
    until = since + timedelta(hours=length)
    after = postponed(times, since, until, zone, whole_weeks=whole_weeks)
    assert after == sorted(after)
    for before, moment in zip(times, after, strict=True):
        assert moment == before if before <= since else moment >= max(before - timedelta(hours=2), until)
