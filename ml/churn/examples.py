"""Examples of a DuckDB connection's orders in memory, as training and evaluation read them (winback/features)."""

from collections.abc import Iterable
from datetime import datetime

import duckdb
import numpy as np

from ml.churn.fitting import Rows
from ml.churn.inputs import NAMES
from winback.features.examples import HORIZON_DAYS, LABEL, examples_at


def rows_at(connection: duckdb.DuckDBPyConnection, cut: datetime, *, horizon_days: int = HORIZON_DAYS) -> Rows:
    """Everybody who purchased before `cut`, in the order of their ids; churned: without a purchase in the horizon."""
    examples_at(connection, cut, horizon_days=horizon_days)
    columns = connection.execute(
        f"SELECT cut::VARCHAR AS cut, standing, {', '.join(f'{name}::DOUBLE AS {name}' for name in NAMES)}, "  # noqa: S608 names of the contract
        f"{LABEL}::DOUBLE AS {LABEL} FROM examples"
    ).fetchnumpy()
    values = [np.ma.filled(np.ma.asarray(columns[name]).astype(np.float64), np.nan) for name in NAMES]
    return Rows(
        np.column_stack(values),
        np.asarray(columns[LABEL], dtype=np.float64),
        np.asarray(columns["cut"], dtype=np.str_),
        np.asarray(columns["standing"], dtype=np.str_),
    )


def rows_over(
    connection: duckdb.DuckDBPyConnection, cuts: Iterable[datetime], *, horizon_days: int = HORIZON_DAYS
) -> Rows:
    """The rows of all cuts; a customer occurs once in each of them that it had purchased before."""
    parts = [rows_at(connection, cut, horizon_days=horizon_days) for cut in cuts]
    return Rows(
        np.vstack([part.values for part in parts]),
        np.concatenate([part.churned for part in parts]),
        np.concatenate([part.cuts for part in parts]),
        np.concatenate([part.standings for part in parts]),
    )
