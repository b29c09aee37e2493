"""`winback clv`: a file of orders in, customers' lifetime value with a forecast held against what happened out."""

import json
import secrets
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import duckdb
import typer
from rich.console import Console
from rich.table import Table

from winback.cli.orders_file import (
    CurrencyOption,
    MapOption,
    OrdersOption,
    Refuse,
    loaded_orders,
    refusal,
)
from winback.money import exponent
from winback.pages.figures import count, decimal, percent, span, whole_money

if TYPE_CHECKING:
    from winback.predictions.lifetime.analysis import Analysis

_refuse: Refuse = refusal("winback clv")
EXAMPLE = (
    "[bold]Example[/bold]: fit to the orders until the end of September, and see whether the rest came true:\n\n"
    "winback clv --orders export.csv --calibration-end 2025-09-30 --out lifetime "
    "\\\n  --map customer_id=Email,order_id=Name,ordered_at=Created,amount=Total"
)
_SUMMARY, _CUSTOMERS, _PAGE = "clv.json", "customers.parquet", "report.html"
_WEEKS = 52
_MOST_DAYS = 20 * 365
_FIRST_YEAR, _LAST_YEAR = 1970, 2200  # of orders that are accepted


class TimeUnit(StrEnum):
    DAY = "day"
    WEEK = "week"

    @property
    def days(self) -> int:
        return 1 if self is TimeUnit.DAY else 7


class Model(StrEnum):
    MBG_NBD = "mbg-nbd"
    BG_NBD = "bg-nbd"


class Spend(StrEnum):
    REPEAT = "repeat"
    ALL = "all"


def clv(
    *,
    orders: OrdersOption,
    calibration_end: Annotated[
        str, typer.Option(help="Last day (YYYY-MM-DD, inclusive) of the purchases that the models are fitted to.")
    ],
    out: Annotated[Path, typer.Option(help=f"Folder for {_SUMMARY}, {_CUSTOMERS} and {_PAGE}.")],
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    time_unit: Annotated[TimeUnit, typer.Option(help="The unit of the parameters and of --horizon.")] = TimeUnit.WEEK,
    horizon: Annotated[
        int | None, typer.Option(min=1, help="How far to predict, in time units. Default: 52 weeks.")
    ] = None,
    discount_rate: Annotated[
        float, typer.Option(min=0.0, max=0.99, help="What later value loses a year, as a share.")
    ] = 0.1,
    model: Annotated[
        Model, typer.Option(help="Whose predictions to write. Both are fitted; bg-nbd thinks one-time buyers alive.")
    ] = Model.MBG_NBD,
    spend: Annotated[
        Spend, typer.Option(help="Whether the first purchase's value tells of later ones; the literature: repeat.")
    ] = Spend.REPEAT,
    with_ids: Annotated[
        bool, typer.Option("--with-ids", help=f"Name the customers in {_CUSTOMERS}; without it they have keys only.")
    ] = False,
    salt: Annotated[
        str | None, typer.Option(help="Key salt of the account: its customer keys. Default: a fresh one, kept nowhere.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=f"Print {_SUMMARY}, and nothing else, to stdout.")] = False,
) -> None:
    """Predict what each customer will still buy and be worth, and hold such a forecast against what happened."""
    from winback.predictions.lifetime.analysis import analyse, describe  # noqa: PLC0415 NumPy and SciPy load here alone
    from winback.predictions.lifetime.fitting import NotConverged, NotIdentified  # noqa: PLC0415
    from winback.predictions.lifetime.observation import observe  # noqa: PLC0415
    from winback.predictions.lifetime.page import lifetime_page  # noqa: PLC0415
    from winback.predictions.lifetime.purchases import Kind  # noqa: PLC0415
    from winback.predictions.lifetime.value import Horizon  # noqa: PLC0415

    end = _day(calibration_end)
    ahead = (horizon or _WEEKS * 7 // time_unit.days) * time_unit.days
    if ahead > _MOST_DAYS:
        _refuse(
            f"--horizon: {horizon} {time_unit}s are more than 20 years, over which no shop stays the same: expected at "
            f"most {_MOST_DAYS // time_unit.days}"
        )
    if out.exists() and not out.is_dir():
        _refuse(f"--out: {out} is a file; name a folder")
    with (
        loaded_orders(orders, mapping=mapping, currency=currency, refuse=_refuse, doing="Reading the orders") as loaded,
        Console(stderr=True).status("Fitting and predicting"),
    ):
        connection, rows, used = loaded.connection, loaded.rows, loaded.currency
        observed = observe(connection, calibration_end=end, with_first=spend is Spend.ALL)
        if observed is None:
            _refuse(f"--calibration-end: nobody purchased until {end}; the orders are {_range_of(connection)}")
        try:
            analysis = analyse(
                connection,
                observed,
                calibration_end=end,
                unit_days=time_unit.days,
                horizon=Horizon(ahead, discount_rate),
                kind=Kind(model),
            )
        except (NotIdentified, NotConverged) as problem:
            _refuse(f"--orders: until {end}, {problem}")
        document = {
            **describe(analysis, 10 ** exponent(used)),
            "currency": used,
            "rows": {
                "read": rows.read,
                "accepted": rows.accepted,
                "duplicates": rows.duplicates,
                "rejected": rows.rejected,
                "rejects_by_reason": rows.rejects_by_reason,
            },
        }
        try:
            out.mkdir(parents=True, exist_ok=True)
            _write_customers(
                connection, analysis, out / _CUSTOMERS, used, None if with_ids else salt or secrets.token_hex(16)
            )
            (out / _SUMMARY).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            (out / _PAGE).write_text(lifetime_page(analysis, used), encoding="utf-8")
        except (OSError, duckdb.IOException) as error:
            _refuse(f"--out: cannot write to {out}: {error}")
    if as_json:
        typer.echo(json.dumps(document, indent=1))
    else:
        _show(analysis, document, used, out)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        _refuse(f"--calibration-end: {text!r} is not a day such as 2025-09-30")
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        _refuse(f"--calibration-end: {text} is not a day from {_FIRST_YEAR} to {_LAST_YEAR}")
    return day


def _range_of(connection: duckdb.DuckDBPyConnection) -> str:
    first, last = connection.execute("SELECT min(ordered_at)::DATE, max(ordered_at)::DATE FROM orders").fetchall()[0]
    return f"from {first} to {last}"


def _write_customers(
    connection: duckdb.DuckDBPyConnection, analysis: "Analysis", path: Path, currency: str, salt: str | None
) -> None:
    """One row a customer; amounts in major units. Without `salt` the customers are named."""
    found, keeps = analysis.predictions, analysis.observed.keeps
    scale = 10 ** exponent(currency)
    predicted = {
        "p_alive": found.p_alive,
        "expected_purchases": found.expected_purchases,
        "expected_value": found.expected_value / scale,
        "cltv": found.cltv / scale,
        "cltv_low": found.cltv_low / scale,
        "cltv_high": found.cltv_high / scale,
        "expected_margin": found.cltv / scale * (float("nan") if keeps.margin is None else keeps.margin),
    }
    connection.register("predicted", predicted)
    named = "customer_id" if salt is None else "substr(sha256($salt || ':' || customer_id), 1, 32) AS customer_key"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE clv AS SELECT {named}, repeats AS x, recency_days / $unit AS t_x, "  # noqa: S608
        "age_days / $unit AS T, predicted.* FROM customer_histories POSITIONAL JOIN predicted",
        {"unit": float(analysis.unit_days), **({} if salt is None else {"salt": salt})},
    )
    connection.table("clv").order("1").write_parquet(str(path), compression="zstd")


def _show(analysis: "Analysis", document: dict[str, Any], currency: str, out: Path) -> None:
    console = Console()
    rows = document["rows"]
    if rows["rejected"] or rows["duplicates"]:
        why = ", ".join(f"{count(number)} x {reason}" for reason, number in rows["rejects_by_reason"].items())
        console.print(
            f"Of {count(rows['read'])} rows {count(rows['rejected'])} were rejected{f' ({why})' if why else ''} and "
            f"{count(rows['duplicates'])} repeat another",
            soft_wrap=True,
            markup=False,
        )
    table = Table(title=f"Fitted to {count(document['customers'])} customers until {document['calibration_end']}")
    for heading in ("Model", "Parameters (95 % interval)", "Log-likelihood"):
        table.add_column(heading, justify="right" if heading == "Log-likelihood" else "left")
    for name, parameters in document["parameters"].items():
        intervals = document["intervals"][name]
        words = ", ".join(
            f"{parameter} {value:.4g} ({span(*(f'{bound:.4g}' for bound in intervals[parameter]))})"
            for parameter, value in parameters.items()
        )
        table.add_row(name, words, decimal(document["log_likelihood"][name], 1))
    console.print(table)
    purchases, worth = document["expected_purchases"], analysis.predictions.total_cltv
    expected = (
        f"Expected in {count(round(analysis.horizon.days))} days: {count(round(purchases['value']))} purchases "
        f"({span(count(round(purchases['low'])), count(round(purchases['high'])))})"
    )
    if worth is not None:
        value, low, high = (whole_money(round(minor), currency) for minor in (worth.value, worth.low, worth.high))
        expected += f", worth {value} today ({span(low, high)})"
    console.print(expected)
    if analysis.why_no_spend:
        console.print(f"No values: {analysis.why_no_spend}", soft_wrap=True, markup=False)
    if analysis.known_weeks:
        last = next(week for week in document["weeks"] if week["week"] == analysis.known_weeks)
        console.print(
            f"In the {analysis.known_weeks} weeks that are known: {count(last['cumulative_actual'])} purchases, "
            f"{count(round(last['cumulative_forecast']))} forecast ({percent(analysis.errors[analysis.kind].total)})"
        )
    console.print(document["uncertainty"], style="dim", soft_wrap=True)
    console.print(f"Written to {out}: {_SUMMARY}, {_CUSTOMERS}, {_PAGE}", soft_wrap=True, markup=False)
