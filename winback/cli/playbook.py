"""`winback playbook`: a file of orders in, what to do about whom out."""

import json
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from winback.cli.orders_file import (
    AsOfOption,
    CurrencyOption,
    MapOption,
    OrdersOption,
    Refuse,
    TrendOption,
    refusal,
    segmented_orders,
)
from winback.pages.figures import count
from winback.playbook.calls import UNCHECKED, calls_csv, select_calls
from winback.playbook.loading import InvalidPlaybook, playbook_with, shipped_playbook
from winback.playbook.page import playbook_page
from winback.playbook.rows import Playbook, PlaybookCell, cell_name
from winback.playbook.standing import Standing
from winback.playbook.table import NOTES, PlaybookTable, playbook_table
from winback.playbook.written import (
    BEHAVIOUR_COLUMNS,
    CELL_COLUMNS,
    FIGURES,
    behaviour_words,
    cell_words,
    columns,
    csv_text,
    markdown,
    offer_words,
    total_words,
    value_words,
)
from winback.segmentation.suppression import SHOW_ALL, suppress

EXAMPLE = (
    "[bold]Example[/bold]: what to do about whom, as of the new year, as a page and as a table:\n\n"
    "winback playbook --orders export.csv --as-of 2026-01-01 \\\n  --out playbook.html --out playbook.csv \\\n"
    "  --map customer_id=Email,order_id=Name,ordered_at=Created,amount=Total"
)
WIDE = 160
"""Characters from which on a terminal shows channels and timing beside the figures."""
WIDE_COLUMNS = ("Value tier", "Status", "Priority", "Campaign", "Channels", "Timing", *FIGURES)
_FORMATS: dict[str, Callable[[PlaybookTable], str]] = {
    ".html": playbook_page,
    ".md": markdown,
    ".csv": csv_text,
}
_refuse: Refuse = refusal("winback playbook")


def playbook(
    *,
    orders: OrdersOption,
    as_of: AsOfOption,
    out: Annotated[list[Path] | None, typer.Option(help="File to write: .html, .md or .csv. May be repeated.")] = None,
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    trend_category: TrendOption = None,
    own: Annotated[
        Path | None, typer.Option("--playbook", help="TOML or JSON file of rows that replace the shipped ones.")
    ] = None,
    fewest: Annotated[
        int, typer.Option("--hide-below", min=SHOW_ALL, help="Hide rows of fewer customers, for a table passed on.")
    ] = SHOW_ALL,
    calls: Annotated[
        Path | None, typer.Option(help="CSV file of the customers whom a person should get in touch with.")
    ] = None,
    with_ids: Annotated[
        bool, typer.Option("--with-ids", help="Name the customers in --calls; without it they have pseudonyms.")
    ] = False,
    salt: Annotated[
        str | None, typer.Option(help="Key salt of the account: its pseudonyms in --calls. Default: fresh ones.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON, and nothing else.")] = False,
) -> None:
    """Show what to do about the customers of each cell of the grid, with how many they are and what they are worth."""
    rows = _playbook(own)
    for path in out or []:
        if path.suffix not in _FORMATS:
            _refuse(f"--out: {path} ends in {path.suffix!r}; name a file that ends in {', '.join(_FORMATS)}")
    with segmented_orders(
        orders, as_of=as_of, mapping=mapping, currency=currency, trend_category=trend_category, refuse=_refuse
    ) as segmented:
        if calls is not None:
            pseudonyms = salt or secrets.token_hex(16)
            listed = list(select_calls(segmented.connection, rows.called))
            _write(
                calls, calls_csv(listed, rows, None if with_ids else pseudonyms, segmented.summary.currency), "--calls"
            )
        table = playbook_table(rows, Standing.of(suppress(segmented.summary, fewest).model_dump(mode="json")))
    for path in out or []:
        _write(path, _FORMATS[path.suffix](table))
    if as_json:
        typer.echo(json.dumps(table.describe(), indent=1))
    else:
        _show(table, Console())
        if calls is not None:
            Console().print(
                f"{count(len(listed))} customers to get in touch with: {calls}. {UNCHECKED}", soft_wrap=True
            )


def _playbook(own: Path | None) -> Playbook:
    if own is None:
        return shipped_playbook()
    try:
        return playbook_with(own.read_text(encoding="utf-8"), "json" if own.suffix == ".json" else "toml")
    except (OSError, UnicodeDecodeError) as error:
        _refuse(f"--playbook: cannot read {own}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}")
    except InvalidPlaybook as error:
        _refuse("--playbook: " + "\n  ".join([f"{own} does not fit:", *map(str, error.problems)]))


def _write(path: Path, text: str, option: str = "--out") -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        _refuse(f"{option}: cannot write to {path}: {error.strerror or error}")


def _show(table: PlaybookTable, console: Console) -> None:
    """The cells with their figures; then, each said once, what to do and what to offer; then the behaviours."""
    title = f"{count(table.total.customers)} customers as of {table.as_of[:10]} (exclusive)"
    total = total_words(table, CELL_COLUMNS)
    if console.width >= WIDE:
        places = [CELL_COLUMNS.index(name) for name in WIDE_COLUMNS]
        rows = [[words[n] for n in places] for words in (cell_words(line, table) for line in table.cells)]
        console.print(_table(title, columns(WIDE_COLUMNS, table.currency), rows, total=[total[n] for n in places]))
    else:
        names = columns(("Cell", "Campaign", *FIGURES), table.currency)
        rows = [
            [f"{line.row.value_tier}, {line.row.status}", f"{line.row.campaign}, {line.row.priority}", *figures]
            for line in table.cells
            for figures in [value_words(line.value, table)]
        ]
        console.print(_table(title, names, rows, total=["All", "", *value_words(table.total, table)]))
    campaigns = grouped(
        (f"{line.row.campaign}\n{line.row.timing.words}", bulleted(line.row.tactics), line.row) for line in table.cells
    )
    console.print(_table("What to do", ["Campaign, when", "Tactics", "Cells"], campaigns, lines=True))
    offers = grouped((offer_words(line.row), bulleted(line.row.kpis), line.row) for line in table.cells)
    console.print(_table("What to offer, and what to look at", ["Offer", "Key figures", "Cells"], offers, lines=True))
    names = columns(BEHAVIOUR_COLUMNS, table.currency)
    behaviours = [behaviour_words(line, table) for line in table.behaviours]
    if console.width >= WIDE:
        console.print(_table("Purchase behaviours", names, behaviours, lines=True))
    else:
        figures = [[row[0], *row[-len(FIGURES) :]] for row in behaviours]
        console.print(_table("Purchase behaviours", [names[0], *names[-len(FIGURES) :]], figures))
        console.print(_table("What they are, and what to do", names[:3], [row[:3] for row in behaviours], lines=True))
    for note in NOTES:
        console.print(note, markup=False, highlight=False)


def grouped(rows: Iterable[tuple[str, str, PlaybookCell]]) -> list[list[str]]:
    """(one, other, cell) as one row for each pair, with the names of its cells."""
    cells: dict[tuple[str, str], list[str]] = {}
    for one, other, row in rows:
        cells.setdefault((one, other), []).append(cell_name(row.cell))
    return [[*pair, ", ".join(named)] for pair, named in cells.items()]


def bulleted(words: Iterable[str]) -> str:
    return "\n".join(f"- {each}" for each in words)


def _table(
    title: str, names: list[str], rows: list[list[str]], *, total: list[str] | None = None, lines: bool = False
) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD, show_lines=lines, show_footer=total is not None)
    for n, name in enumerate(names):
        is_figure = name.startswith(FIGURES)
        table.add_column(
            name.replace(" to date", "\nto date"),
            footer=total[n] if total else "",
            justify="right" if is_figure else "left",
            no_wrap=is_figure,
            min_width=max((len(word) for row in rows for word in row[n].split()), default=None),
        )
    for row in rows:
        table.add_row(*map(escape, row))
    return table
