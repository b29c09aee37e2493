from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.instants import format_instant, parse_instant

moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 12, 31), timezones=st.just(UTC)).map(
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


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59-05:00",
        "0001-01-01T00:00:00+05:00",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+01:00",
        "2201-01-01",
    ],
)
def test_a_time_that_nothing_here_can_have_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a year from 1970 to 2200"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["ann@example.com", "2999-01-01"])
def test_a_refusal_does_not_repeat_the_text(text: str) -> None:
    with pytest.raises(ValueError, match="expected") as refused:
        parse_instant(text)
    assert text not in str(refused.value)


def test_the_year_always_has_four_digits() -> None:
    assert format_instant(datetime(1, 1, 1, 5, tzinfo=UTC)) == "0001-01-01T05:00:00Z"


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        format_instant(datetime(2026, 1, 1))
