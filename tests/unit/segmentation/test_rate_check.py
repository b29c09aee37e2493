import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.rates.conversion import LINES, convert_orders
from winback.rates.files import create_rates
from winback.rates.quotes import Quote
from winback.rates.yearly import convert_by_years, find_deviations
from winback.segmentation.rate_check import RateCheck, check_rates

AS_OF = datetime(2027, 1, 1, tzinfo=UTC)
FIRST = date(2025, 1, 1)


def quotes_of(rate: Callable[[int], Decimal], currency: str = "USD") -> list[Quote]:
    """Each day of 2025 and 2026."""
    return [Quote(FIRST + timedelta(days=day), currency, "EUR", rate(day)) for day in range(730)]


def steady(_: int) -> Decimal:
    return Decimal("1.25")


def swinging(day: int) -> Decimal:
    """By some six per cent to each side within a year."""
    return round(Decimal(1.25 * (1 + 0.06 * math.sin(day / 40))), 4)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 25), st.integers(0, 729), st.integers(-3_000, 30_000), st.sampled_from(["EUR", "USD", "USD"])
        ),
        min_size=60,
        max_size=120,
    )
)
@settings(max_examples=6, deadline=None)
def test_only_customers_within_the_bound_can_move(rows: list[Any]) -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        result = _check(connection, [*rows, (26, 5, 1_000, "USD")], quotes_of(swinging))
        assert result.moved <= result.within_bound <= result.customers
        assert _count(connection, "abs(yearly_minor - daily_minor) > margin_minor") == 0
        cuts = [cut_off.minor for cut_off in result.cut_offs]
        far = " AND ".join(f"(margin_minor = 0 OR abs(daily_minor - {cut}) > margin_minor)" for cut in cuts)
        assert _count(connection, f"daily_segment <> yearly_segment AND {far}") == 0
        assert _count(connection, f"daily_cell <> yearly_cell AND {far}") == 0


def test_steady_rates_move_nobody_and_have_no_deviation() -> None:
    with duckdb.connect() as connection:
        result = _check(connection, [(n, 20 * n, 1_000 * n, "USD") for n in range(1, 30)], quotes_of(steady))
    assert (result.moved, result.moved_when_recalibrated, result.bound) == (0, 0, 0)
    assert (result.segment_moves, result.cell_moves) == ([], [])
    assert result.conversion.converted == 29


def test_a_customer_near_a_cut_off_moves_and_is_counted_with_where_from_and_to() -> None:
    """On a dear day a dollar is worth more than by its year's average; twenty customers in euros stand around it."""
    dear = [Quote(date(2026, 11, 2), "USD", "EUR", Decimal("0.8"))]
    rows = [(n, 670, 1_000, "EUR") for n in range(1, 20)] + [(20, 670, 900, "USD"), (20, 671, 1, "USD")]
    with duckdb.connect() as connection:
        result = _check(connection, rows, [quote for quote in quotes_of(steady) if quote.day != dear[0].day] + dear)
    assert sum(move.customers for move in result.cell_moves + result.segment_moves) >= 1
    assert result.moved == 1
    (deviation,) = result.deviations
    assert (deviation.currency, deviation.day) == ("USD", date(2026, 11, 2))
    assert 0.5 < deviation.share < 0.6


def test_the_largest_deviation_is_over_the_published_days_of_the_orders_years() -> None:
    """In 2025, without an order, the dollar moved wildly: that does not count."""
    wild = [Quote(FIRST + timedelta(days=day), "USD", "EUR", Decimal(1 + day % 7)) for day in range(365)]
    calm = [Quote(date(2026, month, 1), "USD", "EUR", Decimal(100 + month) / 100) for month in range(1, 13)]
    with duckdb.connect() as connection:
        _create_orders(connection, [(1, 400, 1_000, "USD")])
        create_rates(connection, [*wild, *calm])
        convert_orders(connection, "EUR")
        (deviation,) = find_deviations(connection, "EUR")
    average = Fraction(sum(100 + month for month in range(1, 13)), 1200)
    assert deviation.day == date(2026, 1, 1)
    assert deviation.share == average / Fraction(101, 100) - 1
    assert deviation.billionths == math.ceil((Fraction(112, 100) / average - 1) * 10**9)


def test_orders_become_the_same_by_years_when_rates_hold_for_a_year() -> None:
    def by_year(day: int) -> Decimal:
        return Decimal("1.25") if day < 365 else Decimal("2")

    with duckdb.connect() as connection:
        _create_orders(connection, [(n, 30 * n, 1_000 * n, "USD") for n in range(1, 24)])
        create_rates(connection, quotes_of(by_year))
        convert_orders(connection, "EUR")
        daily = connection.execute("FROM orders ORDER BY ALL").fetchall()
        find_deviations(connection, "EUR")
        convert_by_years(connection)
        assert connection.execute("FROM orders ORDER BY ALL").fetchall() == daily


def _check(connection: DuckDBPyConnection, rows: Sequence[Any], quotes: list[Quote]) -> RateCheck:
    _create_orders(connection, rows)
    create_rates(connection, quotes)
    conversion = convert_orders(connection, "EUR")
    return check_rates(connection, conversion, as_of=AS_OF)


def _create_orders(connection: DuckDBPyConnection, rows: Sequence[Any]) -> None:
    """Of (customer, day, amount, currency)."""
    connection.execute(
        "CREATE OR REPLACE TABLE orders (order_id VARCHAR, customer_id VARCHAR, ordered_at TIMESTAMP, "
        f"amount_minor BIGINT, currency VARCHAR, discount_minor BIGINT, cost_minor BIGINT, lines {LINES})"
    )
    connection.executemany(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?, 0, NULL, NULL)",
        [
            [
                str(n),
                f"c{customer}",
                datetime.combine(FIRST + timedelta(days=day), datetime.min.time()),
                amount,
                currency,
            ]
            for n, (customer, day, amount, currency) in enumerate(rows)
        ],
    )


def _count(connection: DuckDBPyConnection, condition: str) -> int:
    ((customers,),) = connection.execute(f"SELECT count(*) FROM compared WHERE {condition}").fetchall()
    return int(customers)
