"""`winback rubric`: look at the rubric, check a file of overrides, and see what would move before it is adopted."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from winback.cli.orders_file import (
    AsOfOption,
    CurrencyOption,
    MapOption,
    OrdersOption,
    TrendOption,
    moment_of,
    refusal,
    segmented_orders,
)
from winback.cli.rubric_files import read_frozen, read_overrides
from winback.money import NO_CURRENCY
from winback.pages.figures import count, money, percent
from winback.segmentation.recalibration import Recalibration, recalibrate
from winback.segmentation.rubric import OtherCurrency
from winback.segmentation.rubric_file import default_rubric_text

app = typer.Typer(
    name="rubric",
    help="Look at the rubric, check a file of overrides, and compare before adopting one.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
EXAMPLE = (
    "[bold]Example[/bold]: what would move if the thresholds of a year ago were read again:\n\n"
    "winback rubric compare --orders export.csv --as-of 2026-01-01 \\\n"
    "  --frozen segments-2025/rubric.json --out rubric.json"
)
_LARGEST_MOVES = 12

_FileCurrencyOption = Annotated[str | None, typer.Option(help="ISO 4217 code of the file's amounts, such as EUR.")]
_RubricFile = Annotated[Path, typer.Argument(help="TOML file that names only what it changes.")]


@app.command()
def check(
    file: _RubricFile,
    currency: _FileCurrencyOption = None,
) -> None:
    """Say what a rubric file changes, or on which line it is wrong and why."""
    refuse = refusal("winback rubric check")
    overrides = read_overrides(file, currency, refuse)
    console = Console()
    if not overrides.changed:
        console.print("Nothing is changed: every setting is the one that ships.")
        return
    table = Table("Setting", "Ships as", "Here", title=f"{file.name} changes {len(overrides.changed)} settings")
    for name, (shipped, given) in overrides.changed.items():
        table.add_row(name, _shown(shipped), _shown(given))
    console.print(table)


@app.command()
def show(
    file: Annotated[Path | None, typer.Argument(help="A rubric file; without, the settings that ship.")] = None,
    currency: _FileCurrencyOption = None,
) -> None:
    """Print the settings that ship, as the documented TOML they are, or all settings with a file's changes, as JSON."""
    if file is None:
        typer.echo(default_rubric_text(), nl=False)
        return
    overrides = read_overrides(file, currency, refusal("winback rubric show"))
    typer.echo(json.dumps(overrides.settings.model_dump(mode="json"), indent=1))


@app.command(epilog=EXAMPLE)
def compare(
    *,
    orders: OrdersOption,
    as_of: AsOfOption,
    rubric: Annotated[
        Path | None, typer.Option(help="Rubric file (TOML) to calibrate by; default: the current settings.")
    ] = None,
    frozen: Annotated[
        Path | None, typer.Option(help="rubric.json now in use; default: the shipped settings, calibrated now.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write the proposed rubric.json, to adopt it.")] = None,
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    trend_category: TrendOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison, and nothing else, to stdout.")] = False,
) -> None:
    """Show what would move if thresholds were read from these orders, before anything is adopted."""
    refuse = refusal("winback rubric compare")
    if rubric is None and frozen is None:
        refuse("give --frozen (a rubric.json in use), --rubric (a file of overrides), or both: else nothing can differ")
    moment = moment_of(as_of, refuse)
    known = read_frozen(frozen, "--frozen", refuse) if frozen is not None else None
    with segmented_orders(
        orders, as_of=as_of, mapping=mapping, currency=currency, trend_category=trend_category, refuse=refuse
    ) as segmented:
        used = segmented.summary.currency
        settings = read_overrides(rubric, used, refuse).settings if rubric is not None else None
        try:
            comparison = recalibrate(
                segmented.connection,
                moment,
                known or segmented.summary.rubric,
                settings=settings,
                trend_category=trend_category,
                currency=used,
            )
        except OtherCurrency as error:
            refuse(f"--frozen: {error}")
        except ValueError as error:
            refuse(f"--frozen: {error}; choose a later --as-of")
    if out is not None:
        try:
            out.write_text(comparison.proposed.model_dump_json(indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            refuse(f"--out: cannot write {out}: {error.strerror or error}")
    if as_json:
        typer.echo(json.dumps(comparison.model_dump(mode="json"), indent=1))
    else:
        _show(comparison, used, out)


def _show(comparison: Recalibration, currency: str, out: Path | None) -> None:
    console = Console()
    thresholds = Table("Threshold", "Current", "Proposed", title="Thresholds and settings that differ")
    for change in comparison.thresholds:
        thresholds.add_row(change.name, _shown(change.current), _shown(change.proposed))
    console.print(thresholds)
    segments = Table(title=f"Customers as of {comparison.as_of[:10]} (exclusive)")
    segments.add_column("Segment")
    for heading in ("Current", "Proposed", "Leave", "Join"):
        segments.add_column(heading, justify="right")
    for row in comparison.segments:
        segments.add_row(row.segment, count(row.current), count(row.proposed), count(row.left), count(row.joined))
    console.print(segments)
    if comparison.moves:
        moves = Table(title="Largest moves")
        moves.add_column("From")
        moves.add_column("To")
        moves.add_column("Customers", justify="right")
        moves.add_column("Their net value", justify="right")
        for move in comparison.moves[:_LARGEST_MOVES]:
            value = money(move.net_minor, currency).removesuffix(f" {NO_CURRENCY}")
            moves.add_row(move.from_segment, move.to_segment, count(move.customers), value)
        console.print(moves)
    share = percent(comparison.moved / comparison.customers if comparison.customers else None)
    console.print(
        f"{count(comparison.moved)} of {count(comparison.customers)} customers would change segment ({share}); "
        f"lapsed {count(comparison.lapsed_current)} -> {count(comparison.lapsed_proposed)}."
    )
    console.print(
        f"Proposed: {out}" if out is not None else "Nothing is adopted: --out FILE writes the proposed rubric."
    )


def _shown(value: Any) -> str:
    if value is None:
        return "\N{EN DASH}"
    return ", ".join(str(part) for part in value) if isinstance(value, tuple) else str(value) or "(empty)"
