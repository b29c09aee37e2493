"""Daily against yearly average rates: whom the choice moves to another segment or cell, and who could be moved at all.

Both are judged by the rubric that was calibrated on the daily rates, as a refresh judges by a frozen one. Segments and
cells know money only through net value and the rubric's cut-offs of it, so a customer can differ only when a cut-off
lies within what the rates can make of the customer's orders: the sum over its orders of amount x the largest deviation
of the currency, and of the rounding. `within_bound` counts these customers; those that moved are among them.
"""

from datetime import UTC, date, datetime

from duckdb import DuckDBPyConnection
from pydantic import BaseModel, ConfigDict, Field

from winback.instants import format_instant
from winback.rates.conversion import Conversion
from winback.rates.yearly import convert_by_years, find_deviations
from winback.segmentation.snapshot import build_snapshot, read_sql

CUT_OFFS = {
    "high_value_minor": "M*, the 80 % quantile: the segments' high value",
    "premium_above_minor": "85 % quantile: Premium in the grid",
    "elite_above_minor": "98.5 % quantile: Elite in the grid",
    "vip_above_minor": "99.7 % quantile: VIP in the grid",
}
"""The cut-offs of net value that segments and cells depend on; names of winback.segmentation.rubric.Bands."""


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class CurrencyDeviation(_Figures):
    currency: str
    day: date
    share: float = Field(description="price of that day over the average of its year, less one: the largest found")


class Move(_Figures):
    before: str = Field(description="by the rates of the orders' days")
    after: str = Field(description="by the averages of their years")
    customers: int


class CutOff(_Figures):
    name: str
    minor: int
    within_bound: int = Field(description="customers whose net value the rates could bring to the other side")


class RateCheck(_Figures):
    as_of: str
    currency: str
    conversion: Conversion
    customers: int
    deviations: list[CurrencyDeviation]
    cut_offs: list[CutOff]
    within_bound: int = Field(description="customers within the bound of any cut-off")
    moved: int = Field(description="customers in another segment or cell by yearly averages")
    segment_moves: list[Move]
    cell_moves: list[Move]
    moved_when_recalibrated: int = Field(
        description="the same, had the yearly averages calibrated a rubric of their own"
    )

    @property
    def bound(self) -> float:
        """The largest deviation of any currency, as a share."""
        return max((abs(deviation.share) for deviation in self.deviations), default=0.0)


def check_rates(
    connection: DuckDBPyConnection, conversion: Conversion, *, as_of: datetime, trend_category: str | None = None
) -> RateCheck:
    """After `convert_orders`, which gave `conversion`. Without orders in another currency nobody can move.

    Leaves `orders` converted by the yearly averages.
    """
    if not conversion.foreign:
        build_snapshot(connection, as_of=as_of, trend_category=trend_category)
        return _unmoved(conversion, as_of, connection.table("snapshot").shape[0])
    moment = as_of.astimezone(UTC).replace(tzinfo=None)
    deviations = find_deviations(connection, conversion.currency)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE deviations AS "
        "SELECT unnest($currencies) AS currency, unnest($shares) AS billionths",
        {"currencies": [found.currency for found in deviations], "shares": [found.billionths for found in deviations]},
    )
    connection.execute(read_sql("rate_margins"), {"as_of": moment})
    rubric = build_snapshot(connection, as_of=as_of, trend_category=trend_category)
    _keep(connection, "daily_snapshot")
    convert_by_years(connection)
    build_snapshot(connection, as_of=as_of, rubric=rubric, trend_category=trend_category)
    _keep(connection, "yearly_snapshot")
    build_snapshot(connection, as_of=as_of, trend_category=trend_category)
    _keep(connection, "recalibrated_snapshot")
    connection.execute(read_sql("rate_comparison"))
    cut_offs = [
        CutOff(name=name, minor=minor, within_bound=_count(connection, _within(minor)))
        for name, minor in ((name, getattr(rubric.bands, name)) for name in CUT_OFFS)
    ]
    return RateCheck(
        as_of=format_instant(as_of),
        currency=conversion.currency,
        conversion=conversion,
        customers=_count(connection, "TRUE"),
        deviations=[
            CurrencyDeviation(currency=found.currency, day=found.day, share=float(found.share)) for found in deviations
        ],
        cut_offs=cut_offs,
        within_bound=_count(connection, " OR ".join(_within(cut_off.minor) for cut_off in cut_offs)),
        moved=_count(connection, _moved("yearly")),
        segment_moves=_moves(connection, "segment"),
        cell_moves=_moves(connection, "cell"),
        moved_when_recalibrated=_count(connection, _moved("recalibrated")),
    )


def _unmoved(conversion: Conversion, as_of: datetime, customers: int) -> RateCheck:
    return RateCheck(
        as_of=format_instant(as_of),
        currency=conversion.currency,
        conversion=conversion,
        customers=customers,
        deviations=[],
        cut_offs=[],
        within_bound=0,
        moved=0,
        segment_moves=[],
        cell_moves=[],
        moved_when_recalibrated=0,
    )


def _keep(connection: DuckDBPyConnection, name: str) -> None:
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS "  # noqa: S608 ours
        "SELECT customer_id, segment, concat(value_tier, ', ', status) AS cell, net_minor FROM snapshot"
    )


def _within(cut_off: int) -> str:
    return f"(margin_minor > 0 AND abs(daily_minor - {cut_off}) <= margin_minor)"


def _moved(other: str) -> str:
    return f"(daily_segment <> {other}_segment OR daily_cell <> {other}_cell)"


def _count(connection: DuckDBPyConnection, condition: str) -> int:
    ((customers,),) = connection.execute(f"SELECT count(*) FROM compared WHERE {condition}").fetchall()  # noqa: S608 ours
    return int(customers)


def _moves(connection: DuckDBPyConnection, what: str) -> list[Move]:
    before, after = f"daily_{what}", f"yearly_{what}"
    rows = connection.execute(
        f"SELECT {before}, {after}, count(*) FROM compared WHERE {before} <> {after} "  # noqa: S608 ours
        "GROUP BY ALL ORDER BY count(*) DESC, 1, 2"
    ).fetchall()
    return [Move(before=before, after=after, customers=customers) for before, after, customers in rows]
