"""The table in words, for a terminal, Markdown, CSV and a page: the same columns everywhere."""

import csv
import io
from collections.abc import Sequence

from winback.money import NO_CURRENCY, Money
from winback.pages.figures import MISSING, count
from winback.playbook.rows import PlaybookCell
from winback.playbook.table import NOTES, BehaviourLine, CellLine, PlaybookTable, Value

FIGURES = ("Customers", "Total CLTV to date", "Average CLTV to date")
CELL_COLUMNS = (
    "Value tier",
    "Status",
    "Priority",
    "Campaign",
    "Tactics",
    "Channels",
    "Timing",
    "Offer",
    "Key figures",
    *FIGURES,
)
BEHAVIOUR_COLUMNS = ("Behaviour", "Rule", "Tactics", *FIGURES)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def columns(names: Sequence[str], currency: str) -> list[str]:
    """The headings; those of money name the currency, where there is one."""
    unit = "" if currency == NO_CURRENCY else f", {currency}"
    return [f"{name}{unit}" if "CLTV" in name else name for name in names]


def amount(minor: int | None, currency: str) -> str:
    """`1,234.50`, its currency in the heading; a dash for none."""
    return MISSING if minor is None else f"{Money(minor, currency).amount:,}"


def cell_words(line: CellLine, table: PlaybookTable) -> list[str]:
    """One text for each of CELL_COLUMNS."""
    row = line.row
    return [
        row.value_tier,
        row.status,
        row.priority,
        row.campaign,
        "; ".join(row.tactics),
        ", ".join(row.channels),
        row.timing.words,
        offer_words(row),
        ", ".join(row.kpis),
        *value_words(line.value, table),
    ]


def behaviour_words(line: BehaviourLine, table: PlaybookTable) -> list[str]:
    """One text for each of BEHAVIOUR_COLUMNS."""
    row = line.row
    return [row.name, row.rule, "; ".join(row.tactics), *value_words(line.value, table)]


def offer_words(row: PlaybookCell) -> str:
    return f"{row.offer.words} ({', '.join(row.offer.kinds)})"


def value_words(value: Value | None, table: PlaybookTable) -> list[str]:
    if value is None:
        return [MISSING] * len(FIGURES)
    if value.hidden:
        return ["too few", MISSING, MISSING]
    return [
        count(value.customers),
        amount(value.total_minor, table.currency),
        amount(value.average_minor, table.currency),
    ]


def total_words(table: PlaybookTable, names: Sequence[str]) -> list[str]:
    return ["All", *[""] * (len(names) - len(FIGURES) - 1), *value_words(table.total, table)]


def markdown(table: PlaybookTable) -> str:
    """Both tables, with what the reader must know of them."""
    cells = [cell_words(line, table) for line in table.cells]
    behaviours = [behaviour_words(line, table) for line in table.behaviours]
    parts = [
        "# Playbook",
        f"{count(table.total.customers)} customers as of {table.as_of} (exclusive).",
        _markdown_table(
            columns(CELL_COLUMNS, table.currency), [*cells, total_words(table, CELL_COLUMNS)], len(FIGURES)
        ),
        "## Purchase behaviours",
        _markdown_table(columns(BEHAVIOUR_COLUMNS, table.currency), behaviours, len(FIGURES)),
        "\n".join(f"- {note}" for note in NOTES),
    ]
    return "\n\n".join(parts) + "\n"


def csv_text(table: PlaybookTable) -> str:
    """Both tables as one: `kind` tells a cell from a behaviour; money in major units; a text never starts a formula."""
    names = ["Kind", "Behaviour", "Rule", *CELL_COLUMNS]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns(names, table.currency))
    for cell in table.cells:
        words = cell_words(cell, table)[: -len(FIGURES)]
        writer.writerow(["cell", "", "", *map(plain, words), *_numbers(cell.value, table)])
    for behaviour in table.behaviours:
        name, rule, tactics = behaviour_words(behaviour, table)[:3]
        unused = [""] * (len(CELL_COLUMNS) - len(FIGURES))
        unused[CELL_COLUMNS.index("Tactics")] = plain(tactics)
        writer.writerow(["behaviour", name, plain(rule), *unused, *_numbers(behaviour.value, table)])
    return out.getvalue()


def _numbers(value: Value | None, table: PlaybookTable) -> list[str]:
    """Without separators, for programs; empty where nothing is known or shown."""
    if value is None:
        return [""] * len(FIGURES)
    money = [value.total_minor, value.average_minor]
    return [
        "" if value.customers is None else str(value.customers),
        *("" if minor is None else str(Money(minor, table.currency).amount) for minor in money),
    ]


def plain(text: str) -> str:
    """As a cell of a spreadsheet that never starts a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _markdown_table(names: Sequence[str], rows: Sequence[Sequence[str]], right: int) -> str:
    rule = ["---"] * (len(names) - right) + ["---:"] * right
    lines = [names, rule, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
