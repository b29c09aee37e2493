from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.instants import format_instant, parse_instant

moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)


@given(moments)
def test_an_instant_survives_its_text(moment: datetime) -> None:
    assert parse_instant(format_instant(moment)) == moment


@given(moments, moments)
def test_texts_sort_as_instants_do(one: datetime, other: datetime) -> None:
    assert (format_instant(one) < format_instant(other)) == (one < other)


@pytest.mark.parametrize(
    "text", ["1997-10-01", "1997-10-01T00:00:00", "1997-10-01T02:00:00+02:00", "1997-10-01T00:00:00Z"]
)
def test_dates_and_offsets_become_utc(text: str) -> None:
    assert format_instant(parse_instant(text)) == "1997-10-01T00:00:00Z"


def test_what_is_no_time_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match="expected ISO 8601 such as"):
        parse_instant("yesterday")


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        format_instant(datetime(2026, 1, 1))
