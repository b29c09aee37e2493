"""Runs the facts SQL on a DuckDB connection."""

from datetime import UTC, datetime
from importlib.resources import files

import duckdb

from winback.features.rhythm import Calibration, GapGroup, calibrate

_NO_CATEGORY = "FALSE"
_ONLY_CATEGORY = """coalesce(bool_and(
            coalesce(len(lines) > 0, FALSE)
            AND len(list_filter(lines, lambda line: line.category IS DISTINCT FROM $trend_category)) = 0
        ) FILTER (amount_minor >= 0), FALSE)"""


def compute_facts(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime,
    calibration: Calibration | None = None,
    trend_category: str | None = None,
) -> Calibration:
    """Creates the table `facts` (contract.py) from the relation `orders`; returns the rhythm that was used.

    `orders` is at order grain: customer_id, ordered_at TIMESTAMP (UTC), amount_minor BIGINT (negative: return), lines.
    `as_of` is aware and exclusive. Without `calibration` the account's rhythm is estimated from these very orders.
    `lines` is only read when `trend_category` is given. Raises ValueError when `as_of` has no time zone.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    moment = as_of.astimezone(UTC).replace(tzinfo=None)
    parameters: dict[str, object] = {"as_of": moment}
    only_category = _NO_CATEGORY
    if trend_category is not None:
        only_category = _ONLY_CATEGORY
        parameters["trend_category"] = trend_category
    connection.execute(_sql("histories").replace("{only_category}", only_category), parameters)
    used = calibration if calibration is not None else _estimate(connection)
    connection.execute(
        _sql("facts"),
        {
            "as_of": moment,
            "gap_log_mean": used.gap_log_mean,
            "within": used.within,
            "between": used.between,
            "base_lapse_days": used.base_lapse_days,
        },
    )
    connection.execute("DROP TABLE histories")
    return used


def _estimate(connection: duckdb.DuckDBPyConnection) -> Calibration:
    groups = connection.execute(
        "SELECT gap_count, count(*), sum(gap_log_sum), sum(gap_log_sum * gap_log_sum) FROM histories "
        "WHERE gap_count > 0 GROUP BY gap_count ORDER BY gap_count"
    ).fetchall()
    squares = connection.execute("SELECT coalesce(sum(gap_log_squares), 0) FROM histories").fetchall()
    return calibrate((GapGroup(*group) for group in groups), squares[0][0])


def _sql(name: str) -> str:
    return files("winback.features").joinpath(f"{name}.sql").read_text(encoding="utf-8")
