"""What a marketer looks at before a campaign: the segments in order of what they are worth addressing, the playbook's
most valuable rows, whom a slice selects, who moved since, and the two briefs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.demo.checks import Finding
from local.demo.closing import align_right, percent
from local.demo.store import Store
from winback.money import Money

# CDNOW as of 1997-10-01, as the first rubric's table has it: the rules that are deployed must find the same.
SEGMENTS = {
    "Champions": 2_328,
    "Loyal": 963,
    "Big Spenders": 357,
    "New Starters": 0,
    "Promising": 0,
    "Rising": 1_492,
    "One-and-Done": 6_186,
    "Slipping VIPs": 929,
    "Slipping Regulars": 1_525,
    "Lost VIPs": 613,
    "Lost Regulars": 750,
    "Long Gone": 8_427,
    "Trend Audience": 0,
}
_NUMBERS = ("customers", "net value", "come back on their own", "total to date", "each")
BRIEFS = {"crm": ("CRM brief", "crm-brief.md"), "ltv": ("plan for lifetime value", "ltv-plan.md")}
_PLAYBOOK_ROWS = 4


def segments_as_documented(summary: Mapping[str, Any]) -> Finding:
    found = {row["segment"]: row["customers"] for row in summary["segments"]}
    names = SEGMENTS.keys() | found.keys()
    wrong = [name for name in names if found.get(name) != SEGMENTS.get(name)]
    return Finding("the 13 segments have as many customers as the rubric's table says", len(wrong))


def show_priorities(console: Console, summary: Mapping[str, Any]) -> None:
    """Whom campaigns may address, best first, and whom they leave alone."""
    table = Table("tier", "segment", "customers", "net value", "come back on their own", title="Whom to address first")
    alone = []
    for row in summary["priorities"]:
        if row["rank"] is None:
            alone += [row["segment"]] if row["customers"] else []
        elif row["customers"]:
            value = str(Money(row["net_minor"], summary["currency"]))
            organic = percent(row["organic"]["share"] if row["organic"] else None)
            table.add_row(row["tier"], row["segment"], f"{row['customers']:,}", value, organic)
    _print(console, table)
    console.print(f"Left alone, for they buy in their rhythm: {', '.join(alone)}.")


def show_playbook(console: Console, playbook: Mapping[str, Any]) -> None:
    table = Table("cell", "customers", "total to date", "each", "campaign", title="The playbook's most valuable rows")
    cells = sorted(playbook["cells"], key=lambda cell: -cell["total_cltv_to_date_minor"])
    for cell in cells[:_PLAYBOOK_ROWS]:
        total, each = (
            str(Money(cell[f"{kind}_cltv_to_date_minor"], playbook["currency"])) for kind in ("total", "average")
        )
        name = f"{cell['value_tier']} / {cell['status']}"
        table.add_row(name, f"{cell['customers']:,}", total, each, cell["campaign"])
    _print(console, table)


def show_week(console: Console, refreshed: Mapping[str, Any], movement: Mapping[str, Any]) -> None:
    """What a refresh a week later did, and who moved: of the customers' orders, never of what was sent to them."""
    moved = sum(row["customers"] for row in movement["segments"] if row["from_segment"] != row["to_segment"])
    lapsed = ", ".join(f"{count:,} {segment}" for segment, count in sorted(refreshed["newly_lapsed"].items()))
    console.print(
        f"A week later {refreshed['customers_recomputed']:,} customers had new orders and were computed anew, "
        f"{refreshed['customers_carried']:,} were carried on; {moved:,} changed segment."
        f"\nNewly lapsed, the event that a campaign can start from: {lapsed}."
    )


def show_slice(console: Console, recipe: str, preview: Mapping[str, Any]) -> None:
    selected = preview["selected"]
    value = Money(selected["net_minor"], preview["currency"])
    console.print(
        f"The shipped slice {recipe} selects {selected['customers']:,} customers "
        f"({percent(preview['share'])}) with {value} net value ({percent(preview['net_share'])})."
    )


def write_briefs(store: Store, folder: Path) -> dict[str, Path]:
    """Markdown of the latest snapshot, by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for kind, (name, file) in BRIEFS.items():
        paths[name] = folder / file
        paths[name].write_text(store.text(f"/v1/briefs/{kind}"), encoding="utf-8")
    return paths


def _print(console: Console, table: Table) -> None:
    table.title_justify = "left"
    align_right(table, *(number for number, column in enumerate(table.columns) if column.header in _NUMBERS))
    console.print(table)
