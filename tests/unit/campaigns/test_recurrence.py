from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from winback.campaigns.policies import Schedule
from winback.campaigns.recurrence import next_start
from winback.campaigns.steps import Weekday

MADE = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOURS = st.integers(0, 3 * 365 * 24)


@given(
    st.sampled_from(list(Weekday)),
    st.integers(4, 23).map(lambda hour: f"{hour:02}:15"),
    st.integers(1, 6),
    HOURS,
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_starts_lie_whole_periods_apart_on_their_weekday_and_hour_also_across_changes_of_the_clocks(
    weekday: Weekday, at: str, every_weeks: int, hours: int, name: str
) -> None:
    schedule, zone = Schedule.model_validate({"weekday": weekday, "at": at, "every_weeks": every_weeks}), ZoneInfo(name)
    now = MADE + timedelta(hours=hours)
    first, start = next_start(schedule, MADE, MADE, zone), next_start(schedule, MADE, now, zone)
    assert now <= start <= now + timedelta(weeks=every_weeks, hours=1)
    local = start.astimezone(zone)
    assert local.weekday() == weekday.number
    assert f"{local:%H:%M}" == at
    days = (local.date() - first.astimezone(zone).date()).days
    assert days % (7 * every_weeks) == 0
    assert next_start(schedule, MADE, start, zone) == start
