"""Who buys in one season of each year, and until when that is no silence."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.unit.features.orders import read_facts
from winback.features import PRIOR, compute_facts

END = date(2026, 1, 1)


def _facts(
    connection: duckdb.DuckDBPyConnection, customers: dict[str, list[date]], *, as_of: date = END
) -> dict[str, dict[str, Any]]:
    rows = [(name, day) for name, days in customers.items() for day in days]
    connection.execute("DROP TABLE IF EXISTS touches")
    connection.execute("DROP TABLE IF EXISTS profiles")
    connection.execute(
        "CREATE OR REPLACE TABLE orders AS SELECT unnest($names) AS customer_id, "
        "unnest($days)::DATE::TIMESTAMP + INTERVAL 9 HOUR AS ordered_at, 1000::BIGINT AS amount_minor",
        {"names": [name for name, _ in rows], "days": [day.isoformat() for _, day in rows]},
    )
    compute_facts(connection, as_of=datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC), calibration=PRIOR)
    return read_facts(connection)


def _december(years: range, days: tuple[int, ...] = (5, 12)) -> list[date]:
    return [date(year, 12, day) for year in years for day in days]


def test_a_christmas_buyer_is_not_lapsed_in_june_and_is_after_a_missed_christmas(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    days = _december(range(2022, 2025))
    june = _facts(connection, {"ann": days}, as_of=date(2025, 6, 15))["ann"]
    assert (june["seasonal"], june["season_month"], june["season_share"], june["season_years"]) == (True, 10, 1, 3)
    assert june["silence_ratio"] < 1
    last_day = date(2026, 1, 15)
    assert _facts(connection, {"ann": days}, as_of=last_day)["ann"]["silence_ratio"] == 1
    assert _facts(connection, {"ann": days}, as_of=last_day + timedelta(days=1))["ann"]["silence_ratio"] > 1


def test_without_a_season_the_same_silence_is_long(connection: duckdb.DuckDBPyConnection) -> None:
    days = [date(2024, 12, 12) - timedelta(days=91 * n + n % 7) for n in range(9)]
    june = _facts(connection, {"ann": days}, as_of=date(2025, 10, 15))["ann"]
    assert not june["seasonal"]
    assert june["silence_ratio"] > 1


@pytest.mark.parametrize(
    ("days", "season_month", "share", "years"),
    [
        ([date(y, m, 3) for y in (2022, 2023, 2024) for m in (12, 1)], 11, 1, 4),  # over the end of the year
        ([date(y, m, 3) for y in (2022, 2023, 2024) for m in (1, 2, 3, 8)], 1, 0.75, 3),
        ([date(y, 2, d) for y in (2022, 2024) for d in (1, 2)], 1, 1, 2),  # of equal windows the earliest
        ([date(y, m, 3) for y in (2022, 2023) for m in (3, 9)], 1, 0.5, 2),
    ],
)
def test_the_season_is_the_densest_three_months(
    connection: duckdb.DuckDBPyConnection, days: list[date], season_month: int, share: float, years: int
) -> None:
    ann = _facts(connection, {"ann": days})["ann"]
    assert (ann["season_month"], ann["season_share"], ann["season_years"]) == (season_month, share, years)


def test_short_histories_have_no_season(connection: duckdb.DuckDBPyConnection) -> None:
    found = _facts(
        connection,
        {
            "within a year": [date(2025, 12, day) for day in range(1, 9)],
            "three purchases": [date(year, 12, 5) for year in (2023, 2024, 2025)],
            "many on one day": [date(2023, 12, 5)] * 4 + [date(2025, 12, 5)] * 4,
        },
    )
    for row in found.values():
        assert (row["season_month"], row["season_share"], row["season_years"], row["seasonal"]) == (
            None, None, None, False,
        )  # fmt: skip


def test_two_years_are_not_evidence_enough_and_three_are(connection: duckdb.DuckDBPyConnection) -> None:
    found = _facts(
        connection,
        {
            "two years": _december(range(2024, 2026), (3, 9, 15)),
            "three years": _december(range(2023, 2026), (3, 9)),
            "three purchases in it": [*_december(range(2023, 2026), (3,)), date(2024, 6, 1)],
            "and much else": [*_december(range(2023, 2026), (3, 9)), *(date(2024, month, 1) for month in (3, 5, 7))],
        },
    )
    assert {name for name, row in found.items() if row["seasonal"]} == {"three years"}


def test_the_next_season_starts_after_the_last_purchase(connection: duckdb.DuckDBPyConnection) -> None:
    christmas = _december(range(2022, 2025))
    summer = [*christmas, date(2025, 7, 1)]  # the season of October to December 2025 is still to come
    early = [*christmas, date(2025, 10, 1)]  # in it: the next is that of 2026
    found = _facts(connection, {"summer": summer, "early": early})
    assert found["summer"]["seasonal"]
    assert found["summer"]["lapse_days"] == (date(2026, 1, 1) - date(2025, 7, 1)).days + 14
    assert found["early"]["lapse_days"] == (date(2027, 1, 1) - date(2025, 10, 1)).days + 14


def _poisson(source: random.Random, years: int) -> list[date]:
    return _at(source, years, [source.random() for _ in range(round(source.gammavariate(4, 0.5 * years)))])


def _bursts(source: random.Random, years: int) -> list[date]:
    """A start a year on average, and purchases within weeks after it."""
    starts = [source.random() for _ in range(round(source.gammavariate(3, years / 3)))]
    return _at(
        source,
        years,
        [
            start + source.expovariate(1 / 30) / (365 * years)
            for start in starts
            for _ in range(source.choice((1, 3, 5)))
        ],
    )


def _christmas(source: random.Random, years: int) -> list[date]:
    """Nine years of ten, once to three times between early November and Christmas; every tenth purchase any time."""
    return [
        date(END.year - 1 - year, 11, 1) + timedelta(days=source.randrange(53))
        if source.random() < 0.9
        else date(END.year - 1 - year, 1, 1) + timedelta(days=source.randrange(365))
        for year in range(years)
        if source.random() < 0.9
        for _ in range(source.choice((1, 2, 3)))
    ]


def _at(source: random.Random, years: int, moments: list[float]) -> list[date]:
    start = END - timedelta(days=365 * years + source.randrange(365))
    return [start + timedelta(days=int(365 * years * moment)) for moment in moments if moment < 1]


@pytest.mark.parametrize(("made", "at_most"), [(_poisson, 0.03), (_bursts, 0.05)])
def test_buyers_without_a_season_are_seldom_called_seasonal(
    connection: duckdb.DuckDBPyConnection, made: Any, at_most: float
) -> None:
    source = random.Random(3)
    customers = {str(n): made(source, years) for n in range(3_000) for years in [3 + n % 3]}
    found = _facts(connection, customers)
    able = [row for row in found.values() if row["purchases"] >= 3]
    assert len(able) > 2_000
    assert sum(row["seasonal"] for row in able) <= at_most * len(able)


def test_christmas_buyers_of_five_years_are_found(connection: duckdb.DuckDBPyConnection) -> None:
    source = random.Random(3)
    found = _facts(connection, {str(n): _christmas(source, 5) for n in range(1_000)})
    able = [row for row in found.values() if row["purchases"] >= 3]
    assert sum(row["seasonal"] for row in able) >= 0.9 * len(able)
    assert {row["season_month"] for row in able if row["seasonal"]} <= {9, 10, 11, 12}
