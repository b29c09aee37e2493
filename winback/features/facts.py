"""Runs the statements of the facts on a DuckDB connection."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from winback.features.inputs import Inputs, exists, look
from winback.features.premium import PremiumCuts
from winback.features.rhythm import Calibration, GapGroup, calibrate
from winback.features.statements import (
    engagement_statement,
    facts_statement,
    histories_statement,
    premium_cuts_statement,
)

if TYPE_CHECKING:
    import duckdb


def compute_facts(
    connection: "duckdb.DuckDBPyConnection",
    *,
    as_of: datetime,
    calibration: Calibration | None = None,
    trend_category: str | None = None,
    histories_to: Path | None = None,
) -> Calibration:
    """Creates the table `facts` (contract.py) from the relation `orders`; returns the calibration that was used.

    `orders` is at order grain: customer_id, ordered_at TIMESTAMP (UTC), amount_minor BIGINT (negative: return), and
    where known discount_minor, cost_minor and lines. The relations `touches` (customer_id, kind, channel, "at"
    TIMESTAMP, by_machine BOOLEAN) and `profiles` (each customer_id once, email_consent, sms_consent, push_consent,
    acquisition_channel, created_at TIMESTAMP) are read when the connection has them. `as_of` is aware and exclusive.
    Without `calibration` the account's rhythm and premium cuts are estimated from these very orders.

    The relation `carried_histories`, when the connection has it, holds customers that `orders` leaves out, as an
    earlier call wrote them to `histories_to` (Parquet, histories.sql). They give the facts that all orders would give
    when that call's `as_of` was not later, its `trend_category`, premium cuts and statements (histories_fingerprint)
    were the same, and each of these customers' orders before its `as_of` are still the ones before this `as_of`: none
    came, none was restated, none had been in the future. Of other customers, `orders` has all orders.

    Raises ValueError when `as_of` has no time zone, and when there are carried histories but no `calibration`: the cuts
    that those rest on cannot be read from the orders of some.
    """
    moment = _moment(as_of)
    inputs = look(connection, moment)
    carried = exists(connection, "carried_histories")
    if carried and calibration is None:
        raise ValueError("carried histories need the calibration that they were made with")
    premium = calibration.premium if calibration is not None else _premium_cuts(connection, inputs, moment)
    _histories(connection, inputs, moment, premium, trend_category)
    if carried:
        connection.execute("INSERT INTO histories BY NAME FROM carried_histories")
    if histories_to is not None:
        # Read once, by the next refresh: the default level costs a third more time and saves two per cent.
        connection.execute(
            "COPY histories TO ? (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)", [str(histories_to)]
        )
    used = calibration if calibration is not None else _estimate(connection, premium)
    connection.execute(engagement_statement(inputs), {"as_of": moment})
    connection.execute(
        facts_statement(inputs),
        {
            "as_of": moment,
            "gap_log_mean": used.gap_log_mean,
            "within": used.within,
            "between": used.between,
            "base_lapse_days": used.base_lapse_days,
            "has_premium_cuts": used.premium != PremiumCuts(),
        },
    )
    connection.execute("DROP TABLE histories")
    connection.execute("DROP TABLE engagement")
    return used


def _histories(
    connection: "duckdb.DuckDBPyConnection",
    inputs: Inputs,
    moment: datetime,
    premium: PremiumCuts,
    trend_category: str | None,
) -> None:
    parameters: dict[str, object] = {"as_of": moment, "premium_amount_minor": premium.amount_minor}
    if inputs.lines:
        parameters["premium_unit_minor"] = premium.unit_minor
        if trend_category is not None:
            parameters["trend_category"] = trend_category
    connection.execute(histories_statement(inputs, trend_category=trend_category is not None), parameters)


def _premium_cuts(connection: "duckdb.DuckDBPyConnection", inputs: Inputs, moment: datetime) -> PremiumCuts:
    ((unit_minor, amount_minor),) = connection.execute(premium_cuts_statement(inputs), {"as_of": moment}).fetchall()
    return PremiumCuts(unit_minor=unit_minor, amount_minor=amount_minor)


def _estimate(connection: "duckdb.DuckDBPyConnection", premium: PremiumCuts) -> Calibration:
    groups = connection.execute(
        "SELECT gap_count, count(*), sum(gap_log_micros)::DECIMAL(38, 0), "
        "sum(gap_log_micros::DECIMAL(19, 0) * gap_log_micros::DECIMAL(19, 0)) "
        "FROM histories WHERE gap_count > 0 GROUP BY gap_count ORDER BY gap_count"
    ).fetchall()
    ((squares,),) = connection.execute(  # more than 2^63 from some million gaps on, which Spark's sum of BIGINT refuses
        "SELECT coalesce(sum(gap_log_square_micros::DECIMAL(38, 0)), 0) FROM histories"
    ).fetchall()
    found = calibrate(
        (
            GapGroup(gap_count, customers, int(total) / 1e6, int(total_of_squares) / 1e12)
            for gap_count, customers, total, total_of_squares in groups
        ),
        int(squares) / 1e12,
    )
    return found.model_copy(update={"premium": premium})


def _moment(as_of: datetime) -> datetime:
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    return as_of.astimezone(UTC).replace(tzinfo=None)
