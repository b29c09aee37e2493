"""Hours of the local week, across changes of the clocks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.send_time.prior import awake_prior as prior_of_training
from winback.predictions.send_time.clocks import create_zone_offsets
from winback.predictions.send_time.hours import hour_of_week, next_local_hour, offset_spans
from winback.predictions.send_time.prior import awake_prior

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca"]
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


def test_the_week_begins_on_monday_at_midnight_of_the_local_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert hour_of_week(datetime(2026, 11, 22, 23, tzinfo=UTC), berlin) == 0
    assert hour_of_week(datetime(2026, 11, 22, 22, 59, tzinfo=UTC), berlin) == 167
    with pytest.raises(ValueError, match="time zone"):
        hour_of_week(datetime(2026, 11, 22), berlin)


def test_the_same_instant_of_day_is_another_hour_in_summer() -> None:
    new_york = ZoneInfo("America/New_York")
    assert hour_of_week(datetime(2026, 3, 6, 17, tzinfo=UTC), new_york) % 24 == 12
    assert hour_of_week(datetime(2026, 3, 13, 17, tzinfo=UTC), new_york) % 24 == 13


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ZONES), MOMENTS, st.integers(1, 900))
def test_spans_of_offsets_are_zoneinfos_own(name: str, since: datetime, days: int) -> None:
    zone, until = ZoneInfo(name), since + timedelta(days=days)
    spans = list(offset_spans(zone, since, until))
    assert spans[0].since == since
    assert spans[-1].until == until
    for before, after in pairwise(spans):
        assert before.until == after.since
        assert before.offset != after.offset
    for span in spans:
        for moment in (span.since, span.since + (span.until - span.since) / 2, span.until - timedelta(seconds=1)):
            assert moment.astimezone(zone).utcoffset() == span.offset


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ZONES), MOMENTS)
def test_the_next_local_hour_is_full_and_less_than_two_hours_off(name: str, moment: datetime) -> None:
    zone = ZoneInfo(name)
    found = next_local_hour(moment, zone)
    local = found.astimezone(zone)
    assert (local.minute, local.second, local.microsecond) == (0, 0, 0)
    assert moment <= found < moment + timedelta(hours=2)


def test_sql_reads_the_clocks_as_zoneinfo_does() -> None:
    connection = duckdb.connect(config={"threads": 1})
    since, until = datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC)
    create_zone_offsets(connection, ["Europe/Berlin"], since, until)
    found = connection.execute("SELECT since, offset_seconds FROM zone_offsets ORDER BY since").fetchall()
    assert found == [(datetime(2026, 10, 24), 7200), (datetime(2026, 10, 25, 1), 3600)]


def test_the_shipped_prior_is_the_same_in_training_and_outside() -> None:
    assert list(awake_prior()) == prior_of_training()
    assert sum(awake_prior()) == pytest.approx(1)
    assert min(range(24), key=awake_prior().__getitem__) in (2, 3)
    asleep = [1 - share * 7 * (24 - 8.74) for share in awake_prior()[:24]]
    assert sum(asleep) == pytest.approx(8.74, abs=1e-6)
