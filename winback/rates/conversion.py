"""Makes orders in several currencies into orders of one, by the rate of each order's day; in exact integers."""

from collections.abc import Iterable
from enum import StrEnum
from importlib.resources import files

from duckdb import DuckDBPyConnection
from pydantic import BaseModel, ConfigDict

from winback.imports.sql import literal
from winback.money import exponent

CARRIED_DAYS = 7
"""Markets close for no longer. A rate that was carried further than this is counted apart: the rates may have ended."""

ORDER_COLUMNS = (
    "order_id",
    "customer_id",
    "ordered_at",
    "amount_minor",
    "currency",
    "discount_minor",
    "cost_minor",
    "lines",
)
LINES = "STRUCT(sku VARCHAR, category VARCHAR, quantity DECIMAL(18, 3), price_minor BIGINT, cost_minor BIGINT)[]"


class LeftOut(StrEnum):
    """Why an order has no amount in the account's currency."""

    NO_CURRENCY = "no currency"  # XXX: nothing says what its amount is in
    NO_RATES = "no rates"  # none connects its currency with the account's
    BEFORE_FIRST_RATE = "before the first rate"
    OUT_OF_RANGE = "out of range"  # its amount would be absurd, so the rate is wrong


class ForeignOrders(BaseModel):
    """Orders in one currency other than the account's."""

    model_config = ConfigDict(frozen=True)

    currency: str
    converted: int
    carried: int
    """Of the converted ones: those whose last earlier rate was more than `CARRIED_DAYS` days old."""
    left_out: dict[LeftOut, int]


class Conversion(BaseModel):
    """What became of the orders in other currencies; none of them where all orders are in the account's."""

    model_config = ConfigDict(frozen=True)

    currency: str
    foreign: list[ForeignOrders] = []

    @property
    def converted(self) -> int:
        return sum(orders.converted for orders in self.foreign)

    @property
    def left_out(self) -> int:
        return sum(sum(orders.left_out.values()) for orders in self.foreign)

    @property
    def carried(self) -> int:
        return sum(orders.carried for orders in self.foreign)


def convert_orders(connection: DuckDBPyConnection, currency: str) -> Conversion:
    """Makes the table `orders` of `load_orders` a relation of orders in `currency`, by the table `rates`.

    `rates` is what `create_rates` or `open_rates` makes. The table becomes `stated_orders`; `orders` is then a view of
    `ORDER_COLUMNS` without what could not be converted, which the answer counts. Orders that all are in `currency` stay
    as they are.
    """
    found = connection.execute("SELECT DISTINCT currency FROM orders ORDER BY currency").fetchall()
    if [code for (code,) in found] in ([], [currency]):
        return Conversion(currency=currency)
    connection.execute("DROP TABLE IF EXISTS loaded_orders")
    connection.execute("ALTER TABLE orders RENAME TO loaded_orders")
    state_orders(connection, "loaded_orders")
    return convert_stated_orders(connection, currency)


def state_orders(connection: DuckDBPyConnection, relation: str, customer: str = "customer_id") -> None:
    """The view `stated_orders` of that relation: `ORDER_COLUMNS`, NULL where it lacks one or a field of its lines."""
    columns = connection.table(relation).columns
    kinds = {"cost_minor": "BIGINT", "discount_minor": "BIGINT", "lines": LINES}
    selected = []
    for name in ORDER_COLUMNS:
        column = customer if name == "customer_id" else name
        value = f"CAST({column if column in columns else 'NULL'} AS {kinds[name]})" if name in kinds else column
        selected.append(f"{value} AS {name}")
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW stated_orders AS SELECT {', '.join(selected)} FROM {relation}"  # noqa: S608 ours
    )


def convert_stated_orders(connection: DuckDBPyConnection, currency: str) -> Conversion:
    """Makes the view `orders` of the relation `stated_orders` and the table `rates`; counts what was in others."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE foreign_days AS SELECT DISTINCT currency, CAST(ordered_at AS DATE) AS day "
        "FROM stated_orders WHERE currency <> $currency",
        {"currency": currency},
    )
    codes = connection.execute("SELECT DISTINCT currency FROM foreign_days").fetchall()
    create_units(connection, {currency, *(code for (code,) in codes)})
    create_conversions(connection, currency)
    connection.execute(conversion_sql("converted_orders", currency))
    outcomes = connection.execute(conversion_sql("foreign_orders", currency), {"carried_days": CARRIED_DAYS}).fetchall()
    foreign: dict[str, ForeignOrders] = {}
    for code, outcome, orders, carried in outcomes:
        known = foreign.get(code, ForeignOrders(currency=code, converted=0, carried=0, left_out={}))
        if outcome == "converted":
            change = {"converted": orders, "carried": int(carried)}
        else:
            change = {"left_out": {**known.left_out, LeftOut(outcome): orders}}
        foreign[code] = known.model_copy(update=change)
    return Conversion(currency=currency, foreign=list(foreign.values()))


def create_conversions(
    connection: DuckDBPyConnection,
    currency: str,
    *,
    into: str = "conversions",
    days: str = "foreign_days",
    rates: str = "rates",
) -> None:
    """The table `into` of those two (conversions.sql)."""
    connection.execute(conversion_sql("conversions", currency, conversions=into, days=days, rates=rates))


def create_units(connection: DuckDBPyConnection, currencies: Iterable[str]) -> None:
    """The table `currency_units(currency, units)`: minor units of a unit by ISO 4217, 100 for EUR and 1 for JPY."""
    codes = sorted(currencies)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE currency_units AS "
        "SELECT unnest($codes) AS currency, CAST(unnest($units) AS HUGEINT) AS units",
        {"codes": codes, "units": [10 ** exponent(code) for code in codes]},
    )


def conversion_sql(name: str, currency: str, **tables: str) -> str:
    """The text of `{name}.sql` for an account of that currency; `tables` are those that conversions.sql leaves open."""
    text = files("winback.rates").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return text.format(
        account_currency=literal(currency),
        amount_minor=_converted("stated_orders.amount_minor", least_return=1),
        discount_minor=_converted("stated_orders.discount_minor"),
        cost_minor=_converted("stated_orders.cost_minor"),
        line_price_minor=_converted("line.price_minor"),
        line_cost_minor=_converted("line.cost_minor"),
        **{"conversions": "conversions", "days": "foreign_days", "rates": "rates", **tables},
    )


def _converted(amount: str, *, least_return: int = 0) -> str:
    """Rounded half away from zero, a negative one to `-least_return` at least. NULL stays, and an amount that no BIGINT
    holds becomes it.
    """
    magnitude = (
        f"TRY_CAST((abs({amount}) * conversions.multiplier + conversions.half) // conversions.divisor AS BIGINT)"
    )
    returned = f"WHEN {magnitude} < {least_return} THEN -{least_return} " if least_return else ""
    return f"CASE WHEN {amount} >= 0 THEN {magnitude} {returned}ELSE -{magnitude} END"
