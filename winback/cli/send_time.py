"""`winback send-time evaluate`: do customers have hours of their own, by their own held-out opens, clicks or orders."""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from rich.console import Console
from rich.table import Table

from winback.cli.orders_file import Refuse, limits, mapping_of, reasons_of, refusal
from winback.imports.errors import UnreadableFile
from winback.instants import time_zone_names
from winback.pages.figures import count
from winback.predictions.send_time.contract import EventKind
from winback.predictions.send_time.event_file import EventsRead, load_send_events

_refuse: Refuse = refusal("winback send-time evaluate")
_NAMES = {"model": "model", "account_histogram": "account's histogram", "uniform": "uniform hours"}
_ONE = {"opened": "an open", "clicked": "a click", "ordered": "an order"}
_MANY = {"opened": "opens", "clicked": "clicks", "ordered": "orders"}
_DIGITS = 6
EXAMPLE = (
    "[bold]Example[/bold]: opens and clicks of a mailing tool, its clock in UTC, customers in Germany:\n\n"
    "winback send-time evaluate --events opens.csv --time-zone Europe/Berlin "
    "\\\n  --map customer_id=Email,occurred_at=Time,kind=Event,by_machine=Bot\n\n"
    "Columns: customer_id, and occurred_at (UTC) or local weekday and hour; optional kind (opened, clicked, ordered), "
    "by_machine, time_zone, segment, and of sends whose hour was drawn, propensity and possible_hours."
)

app = typer.Typer(help="When to write to each customer.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """When to write to each customer."""


@app.command(epilog=EXAMPLE)
def evaluate(
    *,
    events: Annotated[
        Path, typer.Option(help="CSV, JSON Lines or Parquet file of opens, clicks or orders; may be gzip or zstd.")
    ],
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="The file's columns: customer_id=COL,occurred_at=COL,... May be repeated."),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(help="Zone of the customers' clocks, such as Europe/Berlin, or the column that names each one's."),
    ] = None,
    segment: Annotated[str | None, typer.Option(help="Column of the customers' segments, to shrink to.")] = None,
    kind: Annotated[EventKind, typer.Option(help="What a row is, where the file has no kinds.")] = EventKind.ORDERED,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap and of random parts.")] = 20261122,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures, and nothing else, as JSON.")] = False,
) -> None:
    """Judge the send-time model on each customer's last events, against the account's histogram and uniform hours."""
    if not events.is_file():
        _refuse(f"--events: there is no file {events}")
    columns = mapping_of(mapping or [], _refuse)
    zone = _zone(time_zone, columns)
    if segment is not None:
        columns["segment"] = segment
    # numpy and scipy take their time to load: only this command needs them
    from ml.send_time.evaluate import TooFewEvents, events_of, notes  # noqa: PLC0415
    from ml.send_time.evaluate import evaluate as judge  # noqa: PLC0415

    errors = Console(stderr=True)
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect(config=limits(scratch)) as connection:
        connection.execute("SET enable_progress_bar = false")  # it would write into --json
        with errors.status("reading") as status:
            try:
                read = load_send_events(
                    connection, events, mapping=columns, kind=kind, zone=zone or "UTC", scratch=Path(scratch)
                )
            except UnreadableFile as error:
                _refuse(f"--events: {error}")
            if not read.rows.accepted:
                reasons = f" ({reasons_of(read.rows)})" if read.rows.rejected else ""
                _refuse(f"--events: none of the {count(read.rows.read)} rows was accepted{reasons}")
            try:
                result = judge(events_of(connection, timed=read.timed), seed=seed, progress=status.update)
            except TooFewEvents as error:
                _refuse(f"--events: {error}")
    assumptions = _assumptions(read, columns, zone)
    document = {
        "rows": {
            "read": read.rows.read,
            "accepted": read.rows.accepted,
            "duplicates": read.rows.duplicates,
            "rejected": read.rows.rejected,
            "rejects_by_reason": read.rows.rejects_by_reason,
            "by_machine": read.by_machine,
            "with_propensity": read.with_propensity,
        },
        "time_zone": zone or columns.get("time_zone"),
        **result,
        "notes": notes(result, read) + assumptions,
    }
    if as_json:
        typer.echo(json.dumps(_rounded(document), indent=1))
    else:
        _show(document, read)


def _zone(given: str | None, columns: dict[str, str]) -> str | None:
    """The one zone of all; None when a column names each customer's, or nothing was said."""
    if given is None or given in time_zone_names():
        return given
    if "/" in given and " " not in given:
        _refuse(f"--time-zone: {given} is not an IANA time zone such as Europe/Berlin")
    columns["time_zone"] = given
    return None


def _assumptions(read: EventsRead, columns: dict[str, str], zone: str | None) -> list[str]:
    said = []
    if read.timed and zone is None and "time_zone" not in columns:
        said.append("No zone was given: hours are those of UTC, or of a column time_zone. Give --time-zone.")
    if not read.has_kinds:
        said.append("The file names no kinds: every row was taken as --kind says.")
    if read.weekdays_from_zero:
        said.append("Weekdays run from 0: 0 was taken as Monday.")
    return said


def _show(document: dict[str, Any], read: EventsRead) -> None:
    console = Console()
    held_out, learned = document["held_out"], document["learned"]
    console.print(
        f"{count(read.rows.read)} rows: {count(read.rows.accepted)} accepted, {count(read.rows.duplicates)} repeated, "
        f"{count(read.rows.rejected)} rejected"
        + (f" ({reasons_of(read.rows)})" if read.rows.rejected else "")
        + f"\nForecast: {held_out['chosen']} events ({held_out['share']:.0%}), {count(held_out['events'])} "
        f"{' and '.join(_MANY[kind] for kind in held_out['kinds'])} of {count(held_out['customers'])} customers",
        markup=False,
    )
    table = Table("", "log loss", "best 1 h", "best 3 h", "best 6 h")
    for name, scores in document["scores"].items():
        within = [f"{share:.1%}" for share in scores["within_best"].values()]
        table.add_row(_NAMES[name], f"{scores['log_loss']:.4f}", *within)
    console.print(table)
    for name, gain in document["model_minus"].items():
        console.print(
            f"model - {_NAMES[name]}: {gain['difference']:+.4f} nats an event, 95 % interval {gain['low']:+.4f} to "
            f"{gain['high']:+.4f}: {'better' if gain['better'] else 'not shown to be better'}",
            markup=False,
        )
    console.print(f"Learned: {_told(learned)}", markup=False, soft_wrap=True)
    for note in document["notes"]:
        console.print(f"- {note}", markup=False, soft_wrap=True)


def _told(learned: dict[str, Any]) -> str:
    parts = [f"a customer's base counts for {learned['strength']:,.1f} events"]
    if learned["segment_strength"] is not None:
        parts.append(f"the account for {learned['segment_strength']:,.0f} of a segment")
    parts.append(f"the shipped prior for {learned['account_strength']:,.0f} of the account")
    if learned["half_life_weeks"] is not None:
        parts.append(f"an event counts half after {learned['half_life_weeks']:.1f} weeks")
    parts.append(
        f"it is spread by {learned['spread_hours']:.2f} hours, {learned['any_day']:.0%} of it over the week's days"
    )
    weights = learned["kind_weights"]
    if len(weights) > 1:
        worth = [f"{_ONE[kind]} counts {weight:.2f}" for kind, weight in weights.items()]
        parts.append(", ".join(worth))
    return "; ".join(parts)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return value
