"""Orders in DuckDB -> what the models are fitted to, and what happened after the calibration's end."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import duckdb
import numpy as np
from numpy.typing import NDArray

from winback.predictions.lifetime.forecast import Cohorts
from winback.predictions.lifetime.value import Customers, Keeps

Vector = NDArray[np.float64]
Whole = NDArray[np.int64]
WEEK = 7


@dataclass(frozen=True)
class Observed:
    """Customers in the order of the table `customer_histories`; amounts in minor units."""

    customers: Customers
    cohorts: Cohorts
    keeps: Keeps
    last_day: date
    """Of all purchases, those after the calibration included: until when it is known what happened."""


@cache
def _sql() -> str:
    return files("winback.predictions.lifetime").joinpath("histories.sql").read_text(encoding="utf-8")


def observe(connection: duckdb.DuckDBPyConnection, *, calibration_end: date, with_first: bool) -> Observed | None:
    """Reads the table `orders`, and makes `purchase_days` and `customer_histories`; None when nobody purchased by
    `calibration_end`, inclusive. Orders after it change nothing but `last_day`.

    `with_first`: the first purchase's value tells of the customer's later ones too; the literature leaves it out.
    """
    connection.execute(_sql(), {"calibration_end": calibration_end})  # DuckDB gives them to the last statement alone
    prefix = "all_" if with_first else ""
    columns = connection.execute(
        f"SELECT repeats, recency_days, age_days, {prefix}paid AS paid, {prefix}spent_minor AS spent "  # noqa: S608
        "FROM customer_histories ORDER BY customer_id"
    ).fetchnumpy()
    repeats, recency, age, paid = (
        np.asarray(columns[name], dtype=np.int64) for name in ("repeats", "recency_days", "age_days", "paid")
    )
    if not len(repeats):
        return None
    ages, customers = np.unique(age, return_counts=True)
    return Observed(
        Customers(repeats, recency, age, paid, np.asarray(columns["spent"], dtype=float)),
        Cohorts(ages, customers.astype(np.int64)),
        _keeps(connection, calibration_end),
        connection.execute("SELECT max(day) FROM purchase_days").fetchall()[0][0],
    )


def _keeps(connection: duckdb.DuckDBPyConnection, calibration_end: date) -> Keeps:
    gross, returned, known, margin = connection.execute(
        """
        SELECT
            coalesce(sum(amount_minor) FILTER (amount_minor >= 0), 0),
            coalesce(-sum(amount_minor) FILTER (amount_minor < 0), 0),
            coalesce(sum(amount_minor) FILTER (cost_minor IS NOT NULL), 0),
            coalesce(sum(amount_minor - cost_minor) FILTER (cost_minor IS NOT NULL), 0)
        FROM orders
        WHERE ordered_at::DATE <= ?
        """,
        [calibration_end],
    ).fetchall()[0]
    return Keeps.of(gross=int(gross), returned=int(returned), known_net=int(known), margin=int(margin))


def weekly_repeats(connection: duckdb.DuckDBPyConnection, calibration_end: date) -> dict[int, int]:
    """Repeat purchases by week: week n is the seven days that end 7 n days after the calibration's end, so that weeks
    up to 0 are calibration. Only of customers acquired by the calibration's end; a week without any is left out."""
    rows = connection.execute(
        """
        SELECT CAST(ceil(datediff('day', ?, day) / 7.0) AS BIGINT), count(*)
        FROM purchase_days
        JOIN customer_histories USING (customer_id)
        WHERE day > first_day
        GROUP BY 1
        """,
        [calibration_end],
    ).fetchall()
    return {int(week): int(purchases) for week, purchases in rows}


def purchases_after(connection: duckdb.DuckDBPyConnection, calibration_end: date, weeks: int) -> Vector:
    """Of each customer, in the order of `Observed.customers`: purchases in so many weeks after the calibration."""
    columns = connection.execute(
        """
        SELECT count(day) AS purchases
        FROM customer_histories
        LEFT JOIN purchase_days
            ON customer_histories.customer_id = purchase_days.customer_id
            AND day > ? AND datediff('day', ?, day) <= ?
        GROUP BY customer_histories.customer_id
        ORDER BY customer_histories.customer_id
        """,
        [calibration_end, calibration_end, weeks * WEEK],
    ).fetchnumpy()
    return np.asarray(columns["purchases"], dtype=float)
