"""Nobody is written to in their night: across changes of the clocks, the date line, half-hour zones, unknown zones."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.accounts import QuietHours, SendWindow
from winback.delivery.quiet_hours import next_allowed

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Berlin",
        "America/New_York",
        "Pacific/Kiritimati",  # UTC+14
        "Pacific/Pago_Pago",  # UTC-11
        "Asia/Kolkata",  # UTC+5:30
        "Asia/Kathmandu",  # UTC+5:45
        "Australia/Lord_Howe",  # changes by half an hour
        "America/St_Johns",
        "Africa/Casablanca",  # changes around Ramadan
        "America/Havana",  # changes at midnight
    )
]


def moved(moment: str, zone: str | None, quiet: QuietHours | None = None, window: SendWindow | None = None) -> str:
    found = next_allowed(
        datetime.fromisoformat(moment),
        ZoneInfo(zone) if zone else None,
        quiet or QuietHours(),
        account_zone=BERLIN,
        unknown_zone=window or SendWindow(),
    )
    return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


@pytest.mark.parametrize(
    ("zone", "moment", "leaves"),
    [
        ("Europe/Berlin", "2026-11-21T10:00Z", "2026-11-21T10:00Z"),
        ("Europe/Berlin", "2026-11-21T20:00Z", "2026-11-22T07:00Z"),  # from nine in the evening on
        ("Europe/Berlin", "2026-11-22T07:00Z", "2026-11-22T07:00Z"),  # until eight
        # The night in which summer time starts is an hour shorter, the one in which it ends an hour longer.
        ("Europe/Berlin", "2026-03-28T21:00Z", "2026-03-29T06:00Z"),
        ("Europe/Berlin", "2026-10-24T21:00Z", "2026-10-25T07:00Z"),
        # The same instant is Saturday evening on one side of the date line and Friday evening on the other.
        ("Pacific/Kiritimati", "2026-11-21T07:30Z", "2026-11-21T18:00Z"),
        ("Pacific/Pago_Pago", "2026-11-21T08:30Z", "2026-11-21T19:00Z"),
        ("Asia/Kolkata", "2026-11-21T16:00Z", "2026-11-22T02:30Z"),
        ("Asia/Kathmandu", "2026-11-21T16:00Z", "2026-11-22T02:15Z"),
        # Unknown zone: from eleven to five on the account's clocks, and no other time.
        (None, "2026-11-21T09:59Z", "2026-11-21T10:00Z"),
        (None, "2026-11-21T15:59Z", "2026-11-21T15:59Z"),
        (None, "2026-11-21T16:00Z", "2026-11-22T10:00Z"),
        (None, "2026-07-01T15:00Z", "2026-07-02T09:00Z"),
    ],
)
def test_a_message_moves_to_the_end_of_the_night(zone: str | None, moment: str, leaves: str) -> None:
    assert moved(moment, zone) == leaves


def test_an_end_that_the_clocks_skip_or_show_twice_is_found() -> None:
    assert (
        moved("2026-03-29T00:30Z", "Europe/Berlin", QuietHours(start=time(1), end=time(2, 30))) == "2026-03-29T01:00Z"
    )
    # At 2:30, half an hour after the quiet hours' end, the clocks go back to 2:00 at 3:00, which is not quiet.
    assert moved("2026-10-25T00:30Z", "Europe/Berlin", QuietHours(start=time(1), end=time(2))) == "2026-10-25T00:30Z"
    # The end is shown first before the clocks go back into the quiet hours, and may be taken only outside of them.
    assert (
        moved("2026-10-25T00:59Z", "Europe/Berlin", QuietHours(start=time(2), end=time(2, 59))) == "2026-10-25T00:59Z"
    )
    assert (
        moved("2026-10-25T01:00Z", "Europe/Berlin", QuietHours(start=time(2), end=time(2, 59))) == "2026-10-25T01:59Z"
    )


def test_equal_times_are_no_quiet_hours_and_an_open_window() -> None:
    night = "2026-11-21T02:00Z"
    assert moved(night, "Europe/Berlin", QuietHours(start=time(0), end=time(0))) == night
    assert moved(night, None, window=SendWindow(from_=time(0), until=time(0))) == night


TIMES = st.times(min_value=time(0)).map(lambda at: at.replace(second=0, microsecond=0))


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC)),
    st.sampled_from([None, *ZONES]),
    TIMES,
    TIMES,
)
def test_no_message_leaves_in_quiet_hours_nor_early_nor_later_than_a_day(
    moment: datetime, zone: ZoneInfo | None, start: time, end: time
) -> None:
    quiet = QuietHours(start=start, end=end)
    window = SendWindow(from_=min(start, end), until=max(start, end))
    found = next_allowed(moment, zone, quiet, account_zone=BERLIN, unknown_zone=window)
    assert moment <= found <= moment + timedelta(hours=25)
    if start == end:
        assert found == moment
    elif zone is None:
        assert window.from_ <= found.astimezone(BERLIN).time() < window.until
    else:
        assert not _quiet(found, zone, start, end)
        assert found == moment or _quiet(found - timedelta(seconds=1), zone, start, end)


def _quiet(moment: datetime, zone: ZoneInfo, start: time, end: time) -> bool:
    at = moment.astimezone(zone).time()
    return start <= at < end if start < end else at >= start or at < end
