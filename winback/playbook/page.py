"""The playbook as a page: the cells with their figures, a section a campaign, then the behaviours."""

from typing import Literal

from winback.money import NO_CURRENCY, Money
from winback.pages import (
    Bar,
    Content,
    Html,
    Tile,
    bar_chart,
    bullets,
    details,
    element,
    note,
    page,
    section,
    subheading,
    table,
    tiles,
)
from winback.pages.figures import MISSING, count, percent
from winback.playbook.rows import Priority
from winback.playbook.table import NOTES, CellLine, PlaybookTable
from winback.playbook.written import FIGURES, columns, offer_words, value_words


def playbook_page(playbook: PlaybookTable) -> str:
    """A whole self-contained HTML document."""
    urgent = [line for line in playbook.cells if line.row.priority in (Priority.CRITICAL, Priority.ELEVATED)]
    number = sum(line.value.customers or 0 for line in urgent)
    at_least = "At least " if any(line.value.hidden for line in playbook.cells) else ""
    lead = (
        f"{at_least}{count(number)} of {count(playbook.total.customers)} customers are in a cell whose priority is "
        "critical or elevated: they bought, and are silent for longer than is usual for them."
        if playbook.total.customers
        else "No customer has purchased before this moment: the rows wait for some."
    )
    facts: list[tuple[str, Content]] = [("As of (exclusive)", playbook.as_of)]
    if playbook.currency != NO_CURRENCY:
        facts.append(("Currency", playbook.currency))
    return page(
        "The playbook, with your customers in it",
        lead,
        [_figures(playbook), _overview(playbook), *_campaigns(playbook), _behaviours(playbook), _reading()],
        kicker="Winback playbook",
        facts=facts,
        footer="Made by winback playbook. Nothing is sent from here: drafts are launched and approved by a person.",
    )


def _figures(playbook: PlaybookTable) -> Html:
    by_hand = [line for line in playbook.cells if line.row.by_person]
    row = [
        Tile("Customers", count(playbook.total.customers), "with at least one purchase"),
        Tile("CLTV to date", _amount(playbook), "net value so far: purchases less returns"),
        Tile("To be called", count(sum(line.value.customers or 0 for line in by_hand)), "in cells that a person works"),
    ]
    critical = [line for line in playbook.cells if line.row.priority is Priority.CRITICAL]
    number = sum(line.value.customers or 0 for line in critical)
    row.append(Tile("Critical", count(number), "before anything else", "caution" if number else "plain"))
    return tiles(row)


def _amount(playbook: PlaybookTable) -> str:
    """Without decimals; cents say nothing in a total."""
    if playbook.total.total_minor is None:
        return MISSING
    whole = f"{Money(playbook.total.total_minor, playbook.currency).amount.to_integral_value():,}"
    return whole if playbook.currency == NO_CURRENCY else f"{whole} {playbook.currency}"


def _overview(playbook: PlaybookTable) -> Html:
    names = ["Cell", *FIGURES, "Priority", "Campaign", "Timing"]
    body: list[list[Content]] = [
        [
            f"{line.row.value_tier}, {line.row.status}",
            *value_words(line.value, playbook),
            line.row.priority,
            line.row.campaign,
            line.row.timing.words,
        ]
        for line in playbook.cells
    ]
    total: list[Content] = ["All", *value_words(playbook.total, playbook), "", "", ""]
    bars = [
        Bar(f"{line.row.value_tier}, {line.row.status}", line.value.customers, _share(line, playbook), _hue(line))
        for line in playbook.cells
        if line.value.customers
    ]
    return section(
        "The 16 cells",
        table(columns(names, playbook.currency), body, align="lrrrlll", total=total),
        details("The cells as bars", bar_chart(bars, label="Customers by cell")),
        lead="Value tier by status. Every customer with a purchase is in exactly one cell; the cell chooses the row.",
    )


def _share(line: CellLine, playbook: PlaybookTable) -> str:
    whole = playbook.total.customers
    return percent((line.value.customers or 0) / whole) if whole else MISSING


def _hue(line: CellLine) -> Literal["main", "caution"]:
    return "caution" if line.row.priority in (Priority.CRITICAL, Priority.ELEVATED) else "main"


def _campaigns(playbook: PlaybookTable) -> list[Html]:
    """A section a campaign: its tactics are the same for all its cells, channels and offers follow the tier."""
    campaigns = dict.fromkeys(
        line.row.campaign for line in sorted(playbook.cells, key=lambda line: line.row.priority.rank)
    )
    return [_campaign(name, [line for line in playbook.cells if line.row.campaign == name]) for name in campaigns]


def _campaign(name: str, lines: list[CellLine]) -> Html:
    body: list[list[Content]] = [
        [
            f"{line.row.value_tier}, {line.row.status}",
            line.row.priority,
            ", ".join(line.row.channels),
            offer_words(line.row),
            ", ".join(line.row.kpis),
            count(line.value.customers),
        ]
        for line in lines
    ]
    tactics = list(dict.fromkeys(lines[0].row.tactics))
    same = all(line.row.tactics == lines[0].row.tactics for line in lines)
    words: list[Html] = [bullets(tactics)] if same else []
    if not same:
        for line in lines:
            words += [subheading(f"{line.row.value_tier}, {line.row.status}"), bullets(line.row.tactics)]
    timings = "; ".join(dict.fromkeys(line.row.timing.words for line in lines))
    return section(
        name,
        *words,
        table(["Cell", "Priority", "Channels", "Offer", "Key figures", "Customers"], body, align="lllllr"),
        lead=f"When: {timings}.",
    )


def _behaviours(playbook: PlaybookTable) -> Html:
    body: list[list[Content]] = [
        [
            element("span", element("b", line.row.name), element("br"), element("small", line.row.rule)),
            "; ".join(line.row.tactics),
            *value_words(line.value, playbook),
        ]
        for line in playbook.behaviours
    ]
    names = columns(["Behaviour", "Tactics", *FIGURES], playbook.currency)
    unknown = any(line.value is None for line in playbook.behaviours)
    remark = note("This snapshot does not tell behaviours: refresh once more to see how many customers have which.")
    return section(
        "Purchase behaviours",
        table(names, body, align="llrrr"),
        remark if unknown else None,
        lead="How a customer buys, beside what it is worth: tactics to choose the content of a campaign by.",
    )


def _reading() -> Html:
    return section("How to read this", bullets(NOTES))
