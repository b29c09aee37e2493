"""Yearly average rates in place of each day's: what orders become by them, and how far the two are apart at most."""

import math
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from duckdb import DuckDBPyConnection

from winback.rates.conversion import conversion_sql, create_conversions


@dataclass(frozen=True)
class Deviation:
    """The day on which a currency's price in the account's was farthest from its year's average.

    Of the orders' days, and of all days with a quote in the years of orders in the currency. `share` is the day's price
    over the year's less one; `amount_share` the most by which an amount by the year's price differs from the same by
    the day's, relative to the latter.
    """

    currency: str
    day: date
    share: Fraction
    amount_share: Fraction

    @property
    def billionths(self) -> int:
        """`amount_share`, rounded up."""
        return math.ceil(self.amount_share * 10**9)


def find_deviations(connection: DuckDBPyConnection, currency: str) -> list[Deviation]:
    """By currency, after `convert_orders`; and makes what `convert_by_years` uses."""
    connection.execute(conversion_sql("yearly", currency))
    create_conversions(connection, currency, into="yearly_conversions", days="year_days", rates="yearly_rates")
    create_conversions(connection, currency, into="checked_conversions", days="checked_days")
    yearly = {(code, day.year): price for (code, day), price in _prices(connection, "yearly_conversions").items()}
    found: dict[str, list[tuple[Fraction, date]]] = {}
    for (code, day), price in _prices(connection, "checked_conversions").items():
        found.setdefault(code, []).append((price / yearly[code, day.year], day))
    return [_deviation(code, ratios) for code, ratios in sorted(found.items())]


def convert_by_years(connection: DuckDBPyConnection) -> None:
    """After `find_deviations`: the same orders in the view `orders`, now by the average rates of their years.

    As central banks publish it, the average is of the quotes of the year's days for one unit of their base.
    """
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE conversions AS
        SELECT daily.currency, daily.day, yearly.multiplier, yearly.half, yearly.divisor, yearly.rate_day
        FROM conversions AS daily
        INNER JOIN yearly_conversions AS yearly
            ON daily.currency = yearly.currency AND CAST(date_trunc('year', daily.day) AS DATE) = yearly.day"""
    )


def _deviation(currency: str, ratios: list[tuple[Fraction, date]]) -> Deviation:
    ratio, day = max(ratios, key=lambda found: (abs(found[0] - 1), -found[1].toordinal()))
    return Deviation(currency, day, ratio - 1, max(abs(1 / each - 1) for each, _ in ratios))


def _prices(connection: DuckDBPyConnection, conversions: str) -> dict[tuple[str, date], Fraction]:
    """Of a minor unit in the account's."""
    rows = connection.execute(f"SELECT currency, day, multiplier, divisor FROM {conversions}").fetchall()  # noqa: S608 ours
    return {(code, day): Fraction(multiplier, divisor) for code, day, multiplier, divisor in rows}
