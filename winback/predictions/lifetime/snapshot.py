"""Lifetime value of a snapshot's customers: a fit that is kept for four weeks, and predictions by it every day.

Predictions move with the customers' silence; parameters that were fitted anew each day would move them too, for no
reason that a customer gave. So a fit is frozen, and another is made when it is four weeks old, or when there are fewer
customers than it was made from.
"""

from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from winback.instants import format_instant, parse_instant
from winback.predictions.lifetime.fitting import Estimate, NotConverged, NotIdentified
from winback.predictions.lifetime.histories import Histories
from winback.predictions.lifetime.purchases import Kind, fit_purchases
from winback.predictions.lifetime.spend import fit_spend
from winback.predictions.lifetime.value import Customers, Fitted, Horizon, Keeps, predict

HORIZON = Horizon(days=365, discount_rate=0.1)
FITTED_ANEW = timedelta(days=28)
KIND = Kind.MBG_NBD
_UNIT_DAYS = 7
_CHUNK = 500_000


class Fit(BaseModel):
    """lifetime.json of a refresh: the parameters in use, or why there are none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    as_of: str
    currency: str
    customers: int
    kind: Kind = KIND
    unit_days: int = _UNIT_DAYS
    horizon_days: float = HORIZON.days
    discount_rate: float = HORIZON.discount_rate
    purchases: Estimate | None = None
    spend: Estimate | None = None
    why_not: str | None = None

    @property
    def fitted(self) -> Fitted | None:
        if self.purchases is None or self.spend is None:
            return None
        return Fitted(self.kind, self.unit_days, self.purchases, self.spend)

    def holds(self, *, as_of: datetime, customers: int, currency: str) -> bool:
        """Whether it may predict for so many customers as of then. A fit of later never predicts for earlier."""
        age = as_of - parse_instant(self.as_of)
        return (
            self.fitted is not None
            and timedelta(0) <= age < FITTED_ANEW
            and customers >= self.customers
            and currency == self.currency
            and (self.kind, self.unit_days) == (KIND, _UNIT_DAYS)
            and Horizon(self.horizon_days, self.discount_rate) == HORIZON
        )


@cache
def _sql(name: str) -> str:
    return files("winback.predictions.lifetime").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def open_buyers(connection: duckdb.DuckDBPyConnection, computed: Path) -> int:
    """Makes the table `buyers` of a computed snapshot's file; returns how many there are."""
    connection.read_parquet(str(computed)).create_view("computed", replace=True)
    connection.execute(_sql("buyers"))
    number: int = connection.execute("SELECT count(*) FROM buyers").fetchall()[0][0]
    return number


def fit_in_force(
    connection: duckdb.DuckDBPyConnection, before: Fit | None, *, as_of: datetime, currency: str
) -> tuple[Fit, bool]:
    """The fit to predict the table `buyers` by, and whether it is a new one."""
    customers = int(connection.execute("SELECT count(*) FROM buyers").fetchall()[0][0])
    if before is not None and before.holds(as_of=as_of, customers=customers, currency=currency):
        return before, False
    found = Fit(as_of=format_instant(as_of), currency=currency, customers=customers)
    try:
        purchases = fit_purchases(KIND, _histories(connection))
        columns = connection.execute("SELECT paid, spent FROM buyers WHERE paid > 0 ORDER BY paid, spent").fetchnumpy()
        spend = fit_spend(_whole(columns["paid"]), np.asarray(columns["spent"], dtype=float))
    except (NotIdentified, NotConverged) as problem:
        return found.model_copy(update={"why_not": str(problem)}), True
    return found.model_copy(update={"purchases": purchases, "spend": spend}), True


def write_predictions(
    connection: duckdb.DuckDBPyConnection, fit: Fit, organic: list[dict[str, object]], path: Path
) -> dict[str, int]:
    """lifetime.parquet of the table `buyers`: one row each, by customer_key. Returns how many by `value_source`.

    Without a fit the value is what customers of the same segment purchased of late, of the segments that `organic`
    tells: `{"segment", "customers", "purchased_minor", "days"}`.
    """
    connection.execute(_sql("predicted_empty"))
    if fit.fitted is not None:
        _predict(connection, fit.fitted)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE organic (segment VARCHAR, customers BIGINT, purchased_minor BIGINT, days INTEGER)"
    )
    if organic:
        connection.executemany("INSERT INTO organic VALUES ($segment, $customers, $purchased_minor, $days)", organic)
    keeps = _keeps(connection)
    connection.execute(
        _sql("lifetime"),
        {"fitted": fit.fitted is not None, "margin": keeps.margin, "horizon_days": HORIZON.days, "net": keeps.net},
    )
    connection.table("lifetime").order("customer_key").write_parquet(str(path), compression="zstd")
    counts = connection.execute(
        "SELECT value_source, count(*) FROM lifetime GROUP BY value_source ORDER BY value_source"
    ).fetchall()
    return {str(source): int(number) for source, number in counts}


def _predict(connection: duckdb.DuckDBPyConnection, fitted: Fitted) -> None:
    """Fills the table `predicted`, by the rows of `buyers`; some hundred thousand customers at a time."""
    keeps = _keeps(connection)
    total = int(connection.execute("SELECT count(*) FROM buyers").fetchall()[0][0])
    for start in range(0, total, _CHUNK):
        columns = connection.execute(
            "SELECT repeats, recency_days, age_days, paid, spent FROM buyers "
            "WHERE rowid >= ? AND rowid < ? ORDER BY rowid",
            [start, start + _CHUNK],
        ).fetchnumpy()
        found = predict(
            Customers(
                _whole(columns["repeats"]),
                _whole(columns["recency_days"]),
                _whole(columns["age_days"]),
                _whole(columns["paid"]),
                np.asarray(columns["spent"], dtype=float),
            ),
            fitted,
            HORIZON,
            keeps,
        )
        rows = {
            "row": np.arange(start, start + len(found.cltv)),
            "p_alive": found.p_alive,
            "expected_purchases": found.expected_purchases,
            "value": found.cltv,
            "low": found.cltv_low,
            "high": found.cltv_high,
        }
        connection.register("predicted_rows", rows)
        connection.execute("INSERT INTO predicted FROM predicted_rows")
        connection.unregister("predicted_rows")


def _histories(connection: duckdb.DuckDBPyConnection) -> Histories:
    columns = connection.execute(
        "SELECT repeats, recency_days, age_days, count(*) AS customers FROM buyers GROUP BY ALL ORDER BY ALL"
    ).fetchnumpy()
    return Histories(
        _whole(columns["repeats"]),
        _whole(columns["recency_days"]),
        _whole(columns["age_days"]),
        _whole(columns["customers"]),
        _UNIT_DAYS,
    )


def _keeps(connection: duckdb.DuckDBPyConnection) -> Keeps:
    gross, returned, known, margin = connection.execute(
        "SELECT sum(spent), sum(returns_minor), sum(costed_net_minor), sum(margin_minor) FROM buyers"
    ).fetchall()[0]
    return Keeps.of(
        gross=int(gross or 0), returned=int(returned or 0), known_net=int(known or 0), margin=int(margin or 0)
    )


def _whole(column: NDArray[np.generic]) -> NDArray[np.int64]:
    return np.asarray(column, dtype=np.int64)
