"""Facts -> segments, grid, overlays and behaviours, by the rule track; all in SQL on one DuckDB connection.

The steps, each a named statement of this package, in their order:

1. winback.features.compute_facts: `orders` -> table `facts`
2. only to calibrate: `quantiles` (rubric_calibration.py) and bands.sql: `facts` -> cut-offs -> a Rubric
3. thresholds.sql: a Rubric's numbers -> table `thresholds`
4. segments.sql -> view `segmented`; overlays.sql -> view `overlaid`; behaviours.sql -> table `snapshot`
"""

from datetime import datetime
from importlib.resources import files
from pathlib import Path

import duckdb

from winback.features import compute_facts
from winback.money import NO_CURRENCY
from winback.segmentation.rubric import Rubric, Thresholds
from winback.segmentation.rubric_calibration import parameters_of, quantiles_of, thresholds_from
from winback.segmentation.rubric_file import default_settings
from winback.segmentation.rubric_settings import RubricSettings

RULES = ("thresholds", "segments", "overlays", "behaviours")
"""The statements that make `snapshot` of `facts`, in order; the first has parameters (`parameters_of`)."""


def build_snapshot(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime,
    rubric: Rubric | None = None,
    trend_category: str | None = None,
    settings: RubricSettings | None = None,
    currency: str = NO_CURRENCY,
    histories_to: Path | None = None,
) -> Rubric:
    """Creates the tables `facts` and `snapshot` from the relation `orders`; returns the rubric that was applied.

    `as_of` is aware and exclusive: later orders do not exist. A `rubric` that is not valid at `as_of`, or none, means
    that thresholds are calibrated on these very orders, by `settings`, else by those of `rubric`, else by the ones that
    ship; `currency` is that of the orders' and the settings' amounts. A valid rubric is applied as it is: settings
    count when they are calibrated with. See winback.features.compute_facts for `orders` and `histories_to`. Raises
    OtherCurrency for a `rubric` of another currency, valid or not: its settings may hold amounts.
    """
    if rubric is not None:
        rubric.require_currency(currency)
    applied = rubric if rubric is not None and rubric.is_valid_at(as_of) else None
    rhythm = compute_facts(
        connection,
        as_of=as_of,
        calibration=applied.rhythm if applied is not None else None,
        trend_category=trend_category,
        histories_to=histories_to,
    )
    if applied is None:
        chosen = settings or (rubric.settings if rubric is not None else default_settings())
        thresholds, history_days = calibrate_thresholds(connection, chosen, currency)
        applied = Rubric.of(as_of, rhythm, thresholds, chosen, history_days=history_days, currency=currency)
    apply_rubric(connection, applied)
    return applied


def cut_by(
    connection: duckdb.DuckDBPyConnection, rubric: Rubric, *, as_of: datetime, trend_category: str | None = None
) -> None:
    """Creates `facts` and `snapshot` from `orders` by this rubric, whatever its age."""
    compute_facts(connection, as_of=as_of, calibration=rubric.rhythm, trend_category=trend_category)
    apply_rubric(connection, rubric)


def calibrate_thresholds(
    connection: duckdb.DuckDBPyConnection, settings: RubricSettings, currency: str = NO_CURRENCY
) -> tuple[Thresholds, int]:
    """The cut-offs of the table `facts`, and the days of history that they rest on."""
    connection.execute("CREATE OR REPLACE TEMP TABLE quantiles (name VARCHAR, measure VARCHAR, millionths BIGINT)")
    connection.executemany("INSERT INTO quantiles VALUES (?, ?, ?)", quantiles_of(settings))
    shortest = {"shortest_tenure_days": settings.behaviours.shortest_tenure_days}
    cuts: dict[str, int] = dict(connection.execute(read_sql("bands"), shortest).fetchall())
    history = connection.execute("SELECT coalesce(max(tenure_days), 0) FROM facts").fetchall()
    return thresholds_from(cuts, settings, currency), history[0][0]


def apply_rubric(connection: duckdb.DuckDBPyConnection, rubric: Rubric) -> None:
    """Creates the table `snapshot` from the table `facts`."""
    parameters = parameters_of(rubric)
    for name in RULES:
        connection.execute(read_sql(name), parameters if name == "thresholds" else None)


def read_sql(name: str) -> str:
    """The text of one of this package's statements."""
    return files("winback.segmentation").joinpath(f"{name}.sql").read_text(encoding="utf-8")
