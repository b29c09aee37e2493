import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.rates.conftest import create_orders, quote
from winback.money import exponent
from winback.rates.conversion import ORDER_COLUMNS, Conversion, LeftOut, convert_orders
from winback.rates.files import create_rates
from winback.rates.quotes import Quote

START = date(2026, 1, 1)
CURRENCIES = ("EUR", "GBP", "JPY", "KWD", "USD")
DAYS = 12

_days = st.integers(0, DAYS - 1).map(lambda days: START + timedelta(days=days))
_rates = st.decimals(Decimal("0.0005"), Decimal("25000"), places=9)
_quotes = st.lists(
    st.builds(Quote, _days, st.sampled_from(CURRENCIES), st.sampled_from(["EUR", "GBP"]), _rates).filter(
        lambda quote: quote.currency != quote.base
    ),
    max_size=25,
    unique_by=lambda quote: (quote.day, quote.currency, quote.base),
)
_amounts = st.integers(-(10**12), 10**12)
_orders = st.lists(
    st.tuples(_days, st.integers(0, 86_399), _amounts, st.sampled_from([*CURRENCIES, "CHF", "XXX"])),
    min_size=1,
    max_size=12,
).map(
    lambda rows: [
        (str(n), datetime.combine(day, datetime.min.time()) + timedelta(seconds=second), amount, currency)
        for n, (day, second, amount, currency) in enumerate(rows)
    ]
)
_accounts = st.sampled_from(CURRENCIES)
quick = settings(max_examples=25, deadline=None)


@given(orders=_orders, quotes=_quotes, account=_accounts)
@quick
def test_each_amount_is_the_exact_quotient_rounded_half_away_from_zero(
    orders: Sequence[Any], quotes: list[Quote], account: str
) -> None:
    found, conversion = _convert(orders, quotes, account)
    expected = {}
    for order_id, at, amount, currency in orders:
        price = _price(currency, account, at.date(), quotes)
        if price is not None and (currency == account or abs(amount) * price < 10**15):
            expected[order_id] = min(-1, _rounded(amount, price)) if amount < 0 else _rounded(amount, price)
    assert {row["order_id"]: row["amount_minor"] for row in found} == expected
    assert {row["currency"] for row in found} <= {account}
    foreign = [order for order in orders if order[3] != account]
    assert conversion.converted + conversion.left_out == len(foreign)
    assert conversion.converted == sum(order[0] in expected for order in foreign)


@given(orders=_orders, quotes=_quotes, account=_accounts)
@quick
def test_discounts_costs_and_lines_are_converted_at_the_same_price(
    orders: Sequence[Any], quotes: list[Quote], account: str
) -> None:
    stated = {order_id: (at.date(), amount, currency) for order_id, at, amount, currency in orders}
    for row in _convert(orders, quotes, account)[0]:
        day, amount, currency = stated[row["order_id"]]
        price = _price(currency, account, day, quotes)
        assert price is not None
        assert row["discount_minor"] == _rounded(abs(amount) // 3, price)
        assert row["cost_minor"] is None
        first, second = row["lines"]
        assert (first["price_minor"], first["cost_minor"]) == (_rounded(amount - 7, price), None)
        assert (second["price_minor"], second["cost_minor"]) == (_rounded(7, price), _rounded(3, price))
        assert (first["sku"], first["category"], first["quantity"], second["category"]) == ("a", "c", 1, None)
        lines = first["price_minor"] + second["price_minor"]
        assert abs(lines - _rounded(amount, price)) <= 1, (
            "each is rounded for itself: half a minor unit a line, and the sum"
        )


@given(orders=_orders, quotes=_quotes, account=_accounts)
@quick
def test_orders_in_the_accounts_currency_stay_as_they_are(
    orders: Sequence[Any], quotes: list[Quote], account: str
) -> None:
    own = [(order_id, at, amount, account) for order_id, at, amount, _ in orders]
    with duckdb.connect() as connection:
        create_orders(connection, own)
        before = connection.execute("FROM orders ORDER BY order_id").fetchall()
        create_rates(connection, quotes)
        assert convert_orders(connection, account) == Conversion(currency=account)
        assert connection.execute("FROM orders ORDER BY order_id").fetchall() == before
    mixed, _ = _convert([*own, ("foreign", own[0][1], 5, "XXX")], quotes, account)
    assert [(row["order_id"], row["amount_minor"]) for row in mixed] == sorted((row[0], row[2]) for row in own)


@given(orders=_orders, quotes=_quotes, account=_accounts, factor=st.integers(2, 9))
@quick
def test_one_scale_for_all_rates_changes_no_cross_rate(
    orders: Sequence[Any], quotes: list[Quote], account: str, factor: int
) -> None:
    """Only the quotient of two rates for one base counts, so long as neither side is the base itself."""
    quotes = [quote for quote in quotes if quote.base == "EUR"]
    account = "GBP" if account == "EUR" else account
    orders = [order for order in orders if order[3] != "EUR"]
    scaled = [Quote(quote.day, quote.currency, quote.base, quote.rate * factor) for quote in quotes]
    assert _convert(orders, quotes, account) == _convert(orders, scaled, account)


@given(orders=_orders, quotes=_quotes)
@quick
def test_a_dearer_account_currency_scales_what_orders_in_the_base_become(
    orders: Sequence[Any], quotes: list[Quote]
) -> None:
    quotes = [quote for quote in quotes if quote.base == "EUR"]
    euros = [(order_id, at, amount, "EUR") for order_id, at, amount, _ in orders]
    doubled = [Quote(quote.day, quote.currency, quote.base, quote.rate * 2) for quote in quotes]
    once = {row["order_id"]: row["amount_minor"] for row in _convert(euros, quotes, "USD")[0]}
    twice = {row["order_id"]: row["amount_minor"] for row in _convert(euros, doubled, "USD")[0]}
    assert once.keys() == twice.keys()
    assert all(abs(twice[order] - 2 * amount) <= 1 for order, amount in once.items())


@pytest.mark.parametrize(
    ("day", "minor"),
    [("2026-01-02", None), ("2026-01-05", 800), ("2026-01-06", 800), ("2026-01-09", 500), ("2026-02-09", 500)],
)
def test_a_missing_day_takes_the_last_earlier_rate(connection: DuckDBPyConnection, day: str, minor: int | None) -> None:
    create_rates(connection, [quote("2026-01-05", "USD", "EUR", "1.25"), quote("2026-01-09", "USD", "EUR", "2")])
    create_orders(connection, [("1", datetime.fromisoformat(day), 1000, "USD"), ("2", datetime(2026, 1, 1), 1, "EUR")])
    conversion = convert_orders(connection, "EUR")
    found = connection.execute("SELECT amount_minor FROM orders WHERE order_id = '1'").fetchall()
    assert found == ([(minor,)] if minor else [])
    (foreign,) = conversion.foreign
    assert foreign.left_out == ({} if minor else {LeftOut.BEFORE_FIRST_RATE: 1})
    assert foreign.carried == (day == "2026-02-09"), "by far older than any holiday: counted apart"


def test_the_day_of_an_order_is_that_of_utc(connection: DuckDBPyConnection) -> None:
    create_rates(connection, [quote("2026-01-05", "USD", "EUR", "1.25"), quote("2026-01-06", "USD", "EUR", "2")])
    late, early = datetime(2026, 1, 5, 23, 59, 59), datetime(2026, 1, 6)
    create_orders(connection, [("late", late, 1000, "USD"), ("early", early, 1000, "USD")])
    convert_orders(connection, "EUR")
    found = connection.execute("SELECT order_id, amount_minor FROM orders ORDER BY 1").fetchall()
    assert found == [("early", 500), ("late", 800)]


@pytest.mark.parametrize(
    ("amount", "currency", "rate", "minor"),
    [
        (1000, "JPY", "160", 625),  # 1,000 yen, which has no minor unit, are 6.25 euros
        (1000, "KWD", "0.32", 313),  # one dinar, of a thousand fils, is 3.125 euros: half a cent goes away from zero
        (-1000, "KWD", "0.32", -313),
        (1, "USD", "2", 1),
        (-1, "USD", "2", -1),
        (1, "USD", "2.000000001", 0),
        (-1, "USD", "2.000000001", -1),  # of zero it would be a purchase
        (-1, "JPY", "16000", -1),
        (0, "USD", "2", 0),
    ],
)
def test_minor_units_are_those_of_iso_4217(
    connection: DuckDBPyConnection, amount: int, currency: str, rate: str, minor: int
) -> None:
    create_rates(connection, [quote("2026-01-05", currency, "EUR", rate)])
    create_orders(connection, [("1", datetime(2026, 1, 5), amount, currency)])
    convert_orders(connection, "EUR")
    assert connection.execute("SELECT amount_minor FROM orders").fetchall() == [(minor,)]


def test_every_order_left_out_is_counted_with_its_reason(connection: DuckDBPyConnection) -> None:
    day = datetime(2026, 1, 5)
    create_rates(
        connection,
        [
            quote("2026-01-06", "USD", "EUR", "1.1"),
            quote("2026-01-01", "CHF", "GBP", "1.1"),
            quote("2026-01-01", "TRY", "EUR", "0.000000001"),
        ],
    )
    orders = [("1", "USD"), ("2", "USD"), ("3", "XXX"), ("4", "CHF"), ("5", "SEK"), ("6", "TRY"), ("7", "EUR")]
    create_orders(connection, [(order, day, 10**12, currency) for order, currency in orders])
    conversion = convert_orders(connection, "EUR")
    assert {foreign.currency: foreign.left_out for foreign in conversion.foreign} == {
        "CHF": {LeftOut.NO_RATES: 1},
        "SEK": {LeftOut.NO_RATES: 1},
        "TRY": {LeftOut.OUT_OF_RANGE: 1},
        "USD": {LeftOut.BEFORE_FIRST_RATE: 2},
        "XXX": {LeftOut.NO_CURRENCY: 1},
    }
    assert (conversion.converted, conversion.left_out) == (0, 6)
    assert connection.execute("SELECT order_id FROM orders").fetchall() == [("7",)]


def test_of_two_sources_the_fresher_counts_and_then_the_direct_quote(connection: DuckDBPyConnection) -> None:
    create_rates(
        connection,
        [
            quote("2026-01-05", "USD", "GBP", "2"),
            quote("2026-01-05", "USD", "EUR", "1"),
            quote("2026-01-05", "GBP", "EUR", "1"),
            quote("2026-01-07", "USD", "EUR", "4"),
            quote("2026-01-07", "GBP", "EUR", "1"),
        ],
    )
    create_orders(connection, [("same", datetime(2026, 1, 5), 100, "USD"), ("later", datetime(2026, 1, 8), 100, "USD")])
    convert_orders(connection, "GBP")
    found = connection.execute("SELECT order_id, amount_minor FROM orders ORDER BY 1").fetchall()
    assert found == [("later", 25), ("same", 50)]


def test_an_account_with_orders_can_be_converted_again_with_other_rates(connection: DuckDBPyConnection) -> None:
    for rate, minor in (("2", 500), ("4", 250)):
        create_rates(connection, [quote("2026-01-05", "USD", "EUR", rate)])
        connection.execute("DROP VIEW IF EXISTS orders")
        create_orders(connection, [("1", datetime(2026, 1, 5), 1000, "USD")])
        convert_orders(connection, "EUR")
        assert connection.execute("SELECT amount_minor FROM orders").fetchall() == [(minor,)]


def _convert(orders: Sequence[Any], quotes: list[Quote], account: str) -> tuple[list[dict[str, Any]], Conversion]:
    with duckdb.connect(config={"threads": 1}) as connection:
        create_orders(connection, orders)
        create_rates(connection, quotes)
        conversion = convert_orders(connection, account)
        rows = connection.execute(f"SELECT {', '.join(ORDER_COLUMNS)} FROM orders ORDER BY order_id").fetchall()
    return [dict(zip(ORDER_COLUMNS, row, strict=True)) for row in rows], conversion


def _price(currency: str, account: str, day: date, quotes: list[Quote]) -> Fraction | None:
    """Of one minor unit, in minor units of the account's currency."""
    if currency == account:
        return Fraction(1)
    routes = []
    for base in {each.base for each in quotes}:
        legs = [_leg(code, base, day, quotes) for code in (currency, account)]
        if None not in legs:
            (ordered_on, ordered), (own_on, own) = legs  # type: ignore[misc]
            direct = 0 if base == account else 1 if base == currency else 2
            routes.append((-min(ordered_on, own_on).toordinal(), direct, base, own / ordered))
    if not routes:
        return None
    return min(routes)[3] * Fraction(10 ** exponent(account), 10 ** exponent(currency))


def _leg(code: str, base: str, day: date, quotes: list[Quote]) -> tuple[date, Fraction] | None:
    if code == base:
        return day, Fraction(1)
    earlier = [quote for quote in quotes if (quote.currency, quote.base) == (code, base) and quote.day <= day]
    if not earlier:
        return None
    latest = max(earlier, key=lambda quote: quote.day)
    return latest.day, Fraction(latest.rate)


def _rounded(amount: int, price: Fraction) -> int:
    exact = amount * price
    magnitude = math.floor(abs(exact) + Fraction(1, 2))
    return -magnitude if exact < 0 else magnitude
