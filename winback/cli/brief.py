"""`winback brief`: orders or notes in, a brief as Markdown out."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from winback.briefs.facts import AccountFacts
from winback.briefs.kinds import BRIEFS
from winback.briefs.live import facts_of_summary
from winback.briefs.markdown import markdown
from winback.briefs.notes import InvalidNotes, parse_form, template
from winback.briefs.particulars import observe
from winback.briefs.reading import Reading, read_form, read_text
from winback.briefs.sections import Brief
from winback.briefs.stated import facts_of_notes, with_notes
from winback.cli.orders_file import (
    CurrencyOption,
    MapOption,
    Refuse,
    TrendOption,
    refusal,
    segmented_orders,
)
from winback.playbook.loading import shipped_playbook
from winback.segmentation.data_quality import Rows, assess, measure
from winback.segmentation.suppression import SHOW_ALL, suppress

app = typer.Typer(
    name="brief",
    help=(
        "Write a brief: the CRM brief, or the plan for customer lifetime value. From orders, from notes, or from both; "
        "where both tell a figure, the orders' counts. A brief sends nothing and promises no rate."
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
)
_FROM_ORDERS = (
    "[bold]From orders[/bold], with what you know beside them:\n\n"
    "winback brief {kind} --orders export.csv --as-of 2026-01-01 \\\n"
    "  --notes notes.txt --out brief.md \\\n"
    "  --map customer_id=Email,order_id=Name,ordered_at=Created,amount=Total\n\n"
)
_FROM_NOTES = (
    "[bold]From notes alone[/bold], as they come or as a form (winback brief notes-template):\n\n"
    "winback brief {kind} --notes notes.txt\n\n"
    "where notes.txt says, for instance: Skincare shop, 42k customers, AOV €48. VIPs: 1,200. Lapsed regulars: 6,100, "
    "no order for 180 days. Email opt-in 70%. Goal: bring back lapsed regulars."
)
OrdersOption = Annotated[
    Path | None, typer.Option(help="CSV, JSON Lines or Parquet file of orders or order lines; may be gzip or zstd.")
]
AsOfOption = Annotated[
    str | None,
    typer.Option(help="With --orders: date or time (UTC) to judge from, exclusive: later orders do not exist."),
]
NotesOption = Annotated[
    Path | None, typer.Option(help="Notes: a form ending in .toml or .json, or plain text under any other name.")
]
RatesOption = Annotated[
    list[Path] | None,
    typer.Option(help="Exchange rates for orders in several currencies; needs --currency. May be repeated."),
]
FewestOption = Annotated[int, typer.Option("--hide-below", min=SHOW_ALL, help="Hide segments of fewer customers.")]
OutOption = Annotated[Path | None, typer.Option(help="File for the Markdown; without it, the terminal.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the sections as JSON, and nothing else.")]


def _command(kind: str, purpose: str) -> None:
    """Adds `winback brief KIND`; the kinds take the same options."""
    refuse = refusal(f"winback brief {kind}")

    @app.command(kind, help=purpose, epilog=(_FROM_ORDERS + _FROM_NOTES).format(kind=kind))
    def command(
        *,
        orders: OrdersOption = None,
        as_of: AsOfOption = None,
        notes: NotesOption = None,
        mapping: MapOption = None,
        currency: CurrencyOption = None,
        rates: RatesOption = None,
        trend_category: TrendOption = None,
        fewest: FewestOption = SHOW_ALL,
        out: OutOption = None,
        as_json: JsonOption = False,
    ) -> None:
        account = _account(orders, as_of, notes, mapping, currency, rates, trend_category, fewest, refuse)
        _write(BRIEFS[kind](account), out, as_json, refuse)


_command("crm", "Segments and their health, win-back triggers, channels, ideas, a sequence and what to measure.")
_command("ltv", "Where the value is, which levers move it, who does what until when; revenue and margin apart.")


@app.command("notes-template")
def notes_template() -> None:
    """Print the form for notes, every field explained; fill in what you know and leave out the rest."""
    typer.echo(template(), nl=False)


def _write(brief: Brief, out: Path | None, as_json: bool, refuse: Refuse) -> None:
    if out is not None:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(markdown(brief), encoding="utf-8")
        except OSError as error:
            refuse(f"--out: cannot write to {out}: {error.strerror or error}")
    if as_json:
        typer.echo(json.dumps(brief.describe(), indent=1, ensure_ascii=False))
    elif out is None:
        typer.echo(markdown(brief), nl=False)
    else:
        Console().print(f"Brief: {out}", soft_wrap=True, markup=False)


def _account(  # noqa: PLR0917 (the options of a command)
    orders: Path | None,
    as_of: str | None,
    notes: Path | None,
    mapping: list[str] | None,
    currency: str | None,
    rates: list[Path] | None,
    trend_category: str | None,
    fewest: int,
    refuse: Refuse,
) -> AccountFacts:
    reading = _read_notes(notes, refuse)
    if orders is None:
        if reading is None:
            refuse("name --orders, --notes, or both; --help has examples")
        given = {"--as-of": as_of, "--map": mapping, "--rates": rates, "--trend-category": trend_category}
        if unused := [option for option, value in given.items() if value]:
            refuse(f"{', '.join(unused)}: only with --orders")
        return facts_of_notes(reading)
    if as_of is None:
        refuse("--as-of: --orders needs a date to judge from, such as 2026-01-01")
    if rates and currency is None:
        refuse("--currency: --rates needs the currency to convert to, such as EUR")
    with segmented_orders(
        orders,
        as_of=as_of,
        mapping=mapping,
        currency=currency,
        trend_category=trend_category,
        refuse=refuse,
        with_organic=True,
        rates=rates,
    ) as segmented:
        document: dict[str, Any] = {
            **suppress(segmented.summary, fewest).model_dump(mode="json"),
            "particulars": observe(segmented.connection).model_dump(mode="json"),
            "data_quality": [
                gap.model_dump(mode="json")
                for gap in assess(
                    measure(segmented.connection),
                    [Rows.of_rejects(segmented.rows.read, segmented.rows.rejects_by_reason)],
                    hidden_below=fewest,
                )
            ],
        }
    account = facts_of_summary(document, shipped_playbook(), fewest=fewest)
    return with_notes(account, reading or read_text(""))


def _read_notes(notes: Path | None, refuse: Refuse) -> Reading | None:
    if notes is None:
        return None
    try:
        text = notes.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"--notes: cannot read {notes}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}")
    match notes.suffix:
        case ".toml" | ".json":
            try:
                return read_form(parse_form(text, "toml" if notes.suffix == ".toml" else "json"))
            except InvalidNotes as error:
                lines = [f"{field or notes}: {problem}; {right}" for field, problem, right in error.problems]
                refuse("--notes: " + "\n  ".join([f"{notes} does not fit:", *lines]))
        case _:
            return read_text(text)
