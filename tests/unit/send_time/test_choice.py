"""The hour a message leaves: within its window, outside quiet hours, with its exact propensity."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.identifiers import CustomerKey, LaunchId
from winback.predictions.send_time.choice import (
    Choice,
    Clocks,
    NoAllowedHour,
    QuietHours,
    Window,
    choose,
    hour_salt,
)
from winback.predictions.send_time.hours import hour_of_week
from winback.predictions.send_time.prior import awake_prior

BERLIN, NEW_YORK, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")
NIGHT = QuietHours(time(21), time(8))
NO_QUIET = QuietHours(time(0), time(0))
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
ANN = CustomerKey("ann")
FLAT = [1.0] * 168


def window(opens: datetime = MONDAY, hours: float = 24) -> Window:
    return Window(opens, opens + timedelta(hours=hours))


def chosen(
    distribution: list[float] | None = None,
    span: Window | None = None,
    quiet: QuietHours = NIGHT,
    zone: ZoneInfo = BERLIN,
    *,
    salt: str = "s",
    share: float = 0.0,
) -> Choice:
    return choose(distribution or FLAT, span or window(), quiet, Clocks((zone,)), salt=salt, customer=ANN, share=share)


def peak(hour: int) -> list[float]:
    return [2.0 if number == hour else 1.0 for number in range(168)]


def test_the_likeliest_hour_on_the_customers_own_clock_is_taken() -> None:
    assert chosen(peak(19)).at == datetime(2026, 11, 23, 18, tzinfo=UTC)
    assert chosen(peak(19), window(hours=25), zone=NEW_YORK).at == datetime(2026, 11, 24, 0, tzinfo=UTC)
    half = chosen(peak(19), zone=KOLKATA)
    assert half.at == datetime(2026, 11, 23, 13, 30, tzinfo=UTC)
    assert half.hour_of_week == 19


def test_a_likelier_hour_that_is_quiet_is_not_taken() -> None:
    found = chosen(peak(22))
    assert found.at == datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert (found.possible, found.propensity, found.randomised, found.moved) == (13, 1.0, False, False)


def test_a_window_that_is_quiet_all_through_moves_to_the_next_allowed_hour() -> None:
    found = chosen(span=window(datetime(2026, 11, 23, 22, tzinfo=UTC), 3), share=1.0)
    assert found.at == datetime(2026, 11, 24, 7, tzinfo=UTC)
    assert (found.moved, found.propensity, found.possible, found.randomised) == (True, 1.0, 1, False)


def test_a_window_without_a_full_allowed_hour_takes_its_first_allowed_minute() -> None:
    found = chosen(span=window(datetime(2026, 11, 23, 6, 50, tzinfo=UTC), 0.5))
    assert found.at == datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
    short = chosen(span=window(datetime(2026, 11, 23, 9, 20, tzinfo=UTC), 0.5))
    assert short.at == datetime(2026, 11, 23, 9, 20, tzinfo=UTC)
    assert not short.moved


def test_an_hour_that_runs_into_quiet_minutes_is_not_allowed() -> None:
    quiet = QuietHours(time(20, 30), time(8, 15))
    hours = {chosen(peak(hour), quiet=quiet).at.astimezone(BERLIN).hour for hour in range(24)}
    assert hours == set(range(9, 20))


def test_a_customer_without_a_zone_gets_hours_that_are_quiet_nowhere() -> None:
    clocks = Clocks.of(None, [NEW_YORK, ZoneInfo("America/Los_Angeles")])
    for salt in range(200):
        at = choose(FLAT, window(hours=72), NIGHT, clocks, salt=str(salt), customer=ANN, share=1.0).at
        for zone in clocks.zones:
            assert time(8) <= at.astimezone(zone).time() < time(21)
    assert Clocks.of(BERLIN, [NEW_YORK]).zones == (BERLIN,)


def test_zones_all_around_the_earth_leave_no_hour() -> None:
    clocks = Clocks(tuple(ZoneInfo(f"Etc/GMT{offset:+d}") for offset in range(-12, 12, 4)))
    with pytest.raises(NoAllowedHour):
        choose(FLAT, window(), NIGHT, clocks, salt="s", customer=ANN)


def test_in_spring_the_hour_that_does_not_exist_is_never_chosen() -> None:
    span = window(datetime(2027, 3, 27, 23, tzinfo=UTC), 8)
    ats = {
        choose(FLAT, span, NO_QUIET, Clocks((BERLIN,)), salt=str(salt), customer=ANN, share=1.0).at
        for salt in range(300)
    }
    assert sorted(at.astimezone(BERLIN).hour for at in ats) == [0, 1, 3, 4, 5, 6, 7, 8]
    assert chosen(peak(6 * 24 + 2), span, NO_QUIET).at == datetime(2027, 3, 27, 23, tzinfo=UTC)


def test_in_autumn_the_hour_that_comes_twice_is_two_chances_and_the_first_is_best() -> None:
    span = window(datetime(2026, 10, 24, 22, tzinfo=UTC), 6)
    found = chosen(peak(6 * 24 + 2), span, NO_QUIET)
    assert found.at == datetime(2026, 10, 25, 0, tzinfo=UTC)
    assert found.possible == 6
    later = chosen(peak(6 * 24 + 4), span, NO_QUIET)
    assert later.at == datetime(2026, 10, 25, 3, tzinfo=UTC)


def test_a_zone_that_changes_by_half_an_hour_keeps_to_its_full_hours() -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")
    span = window(datetime(2026, 10, 3, 12, tzinfo=UTC), 10)
    for salt in range(100):
        at = choose(FLAT, span, NO_QUIET, Clocks((lord_howe,)), salt=str(salt), customer=ANN, share=1.0).at
        assert at.astimezone(lord_howe).minute == 0


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.floats(0.02, 200),
    st.integers(0, 23),
    st.integers(0, 23),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago"]),
    st.floats(0, 1),
)
def test_it_never_leaves_the_window_nor_the_allowed_hours(  # noqa: PLR0917 (what hypothesis draws)
    opens: datetime, hours: float, since: int, until: int, zone_name: str, share: float
) -> None:
    zone, quiet = ZoneInfo(zone_name), QuietHours(time(since), time(until))
    span = window(opens.replace(microsecond=0), hours)
    found = choose(awake_prior(), span, quiet, Clocks((zone,)), salt="s", customer=ANN, share=share)
    assert not quiet.cover(found.at.astimezone(zone).time())
    assert found.hour_of_week == hour_of_week(found.at, zone)
    assert 0 < found.propensity <= 1
    if found.moved:
        assert found.at >= span.closes
        minutes = int(min(hours, 48) * 60)
        assert all(quiet.cover((span.opens + timedelta(minutes=m)).astimezone(zone).time()) for m in range(minutes))
    else:
        assert span.opens <= found.at < span.closes


def test_the_propensity_is_how_often_the_hour_comes_over_salts() -> None:
    draws = [chosen(peak(12), window(hours=12), salt=str(salt), share=0.3) for salt in range(8000)]
    times = Counter(draw.at for draw in draws)
    said = {draw.at: draw.propensity for draw in draws}
    assert sum(said.values()) == pytest.approx(1)
    for at, propensity in said.items():
        error = (propensity * (1 - propensity) / len(draws)) ** 0.5
        assert times[at] / len(draws) == pytest.approx(propensity, abs=4.5 * error)
    assert sum(draw.randomised for draw in draws) / len(draws) == pytest.approx(0.3, abs=0.025)
    assert sum(draw.weight for draw in draws) / len(draws) == pytest.approx(1, abs=0.05)


def test_the_same_salt_and_customer_give_the_same_hour() -> None:
    salt = hour_salt(LaunchId("lau-0123456789ab"), 1)
    assert chosen(salt=salt, share=1.0) == chosen(salt=salt, share=1.0)
    assert salt != hour_salt(LaunchId("lau-0123456789ab"), 2)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        chosen(share=1.1)
    with pytest.raises(ValueError, match="168 numbers"):
        chosen([1.0] * 24)
    with pytest.raises(ValueError, match="closes before"):
        Window(MONDAY, MONDAY)
    with pytest.raises(ValueError, match="time zone"):
        Window(datetime(2026, 1, 1), MONDAY)
    with pytest.raises(ValueError, match="whole minutes"):
        QuietHours(time(21, 0, 1), time(8))
    with pytest.raises(ValueError, match="no time zone"):
        Clocks.of(None, [])
