"""report.html of `winback segment`: where the customers stand and where the money is."""

from collections.abc import Mapping, Sequence
from math import ceil

from winback.imports.files import FileAccount
from winback.money import NO_CURRENCY, Money
from winback.pages import (
    Bar,
    Content,
    Html,
    Tile,
    bar_chart,
    details,
    element,
    heat_table,
    note,
    page,
    paragraph,
    section,
    subheading,
    table,
    tiles,
)
from winback.pages.figures import MISSING, count, money, percent
from winback.segmentation.explanations import FAMILIES, SEGMENTS
from winback.segmentation.grid import Status, ValueTier
from winback.segmentation.names import Family, Segment
from winback.segmentation.organic_return import OrganicReturn
from winback.segmentation.summary import Summary, Totals


def segment_page(summary: Summary, rows: FileAccount, organic: OrganicReturn) -> str:
    """A whole self-contained HTML document."""
    total = summary.total
    slipping = next(family for family in summary.families if family.family is Family.SLIPPING)
    lead = (
        f"{count(total.lapsed)} of {count(total.customers)} customers are silent for longer than is usual for them. "
        f"{count(slipping.customers)} of these are slipping and not yet lost; they have spent "
        f"{_amount(slipping.net_minor, summary)} so far."
        if total.customers
        else "No customer has purchased before this moment."
    )
    return page(
        "Where your customers stand",
        lead,
        [
            _overview(summary),
            _families(summary),
            _segments(summary, organic),
            _grid(summary),
            _rows(rows, summary),
            _rubric(summary),
        ],
        kicker="Winback segments",
        facts=(("As of (exclusive)", summary.as_of), ("Currency", _currency(summary) or "not given")),
        footer="Made by winback segment. Segments drive campaigns; the grid chooses the playbook.",
    )


def _overview(summary: Summary) -> Html:
    total = summary.total
    return tiles(
        [
            Tile("Customers", count(total.customers), "with at least one purchase"),
            Tile("Net value", _short(total.net_minor, summary), "purchases less returns"),
            Tile("Orders", count(total.orders), f"{count(total.purchases)} purchases, a day's orders being one"),
            Tile("Lapsed", percent(_share(total.lapsed, total.customers)), "silent beyond their own threshold"),
        ]
    )


def _families(summary: Summary) -> Html:
    shown = [family for family in summary.families if family.customers or family.family is not Family.TREND_AUDIENCE]

    def bars(field: str) -> list[Bar]:
        whole = getattr(summary.total, field)
        return [
            Bar(
                family.family,
                getattr(family, field),
                percent(_share(getattr(family, field), whole)),
                "caution" if family.family is Family.SLIPPING else "main",
            )
            for family in shown
        ]

    words = [element("li", element("b", family.family), f": {FAMILIES[family.family]}") for family in shown]
    return section(
        "The families, and where the money is",
        subheading("Customers"),
        bar_chart(bars("customers"), label="Customers by family"),
        subheading("Net value so far"),
        bar_chart(bars("net_minor"), show=lambda minor: _short(int(minor), summary), label="Value by family"),
        element("ul", *words),
        lead="Each customer is in exactly one family. The amber family is where a campaign can still change something.",
    )


def _segments(summary: Summary, organic: OrganicReturn) -> Html:
    returned = {row.segment: row for row in organic.segments}

    def back(segment: Segment) -> Content:
        row = returned[segment]
        if row.share is None or row.low is None or row.high is None:
            return "too small to tell" if row.customers else MISSING
        return f"{percent(row.share, 0)} ({percent(row.low, 0)} to {percent(row.high, 0)})"

    def cells(name: Content, totals: Totals, comes_back: Content) -> list[Content]:
        return [
            name,
            count(totals.customers),
            percent(_share(totals.customers, summary.total.customers)),
            _whole(totals.net_minor, summary),
            _average(totals, summary),
            comes_back,
        ]

    body = [
        cells(_named(row.segment, f"{row.family}: {SEGMENTS[row.segment]}"), row, back(row.segment))
        for row in summary.segments
        if row.customers or row.segment is not Segment.TREND_AUDIENCE
    ]
    unit = _unit(summary)
    return section(
        "The segments",
        table(
            ["Segment", "Customers", "Share", f"Net value{unit}", "Per customer", "Came back by themselves"],
            body,
            total=cells("All", summary.total, ""),
        ),
        note(
            f"Came back by themselves: of the customers who were in the segment on {organic.since[:10]}, how many "
            f"purchased until {organic.until[:10]} (exclusive), with a 95 % interval. A campaign is worth what it adds "
            "to that, not what it touches: hold some customers out to know."
        ),
        lead="The first rule that matches decides, so every customer with a purchase is in exactly one segment.",
    )


def _named(name: str, explanation: str) -> Html:
    """Wide enough to read also where the table has to scroll."""
    return element(
        "span",
        element("b", name),
        element("br"),
        element("small", explanation),
        style="display:block;min-width:11rem",
    )


def _grid(summary: Summary) -> Html:
    customers = {(cell.value_tier, cell.status): cell.customers for cell in summary.grid}
    value = {(cell.value_tier, cell.status): cell.net_minor for cell in summary.grid}

    def rows(source: Mapping[tuple[ValueTier, Status], int]) -> list[Sequence[float | None]]:
        return [[source.get((tier, status)) for status in Status] for tier in ValueTier]

    unit = _unit(summary)
    tiers, statuses = [str(tier) for tier in ValueTier], [str(status) for status in Status]
    return section(
        "The playbook grid",
        heat_table(tiers, statuses, rows(customers), corner="Value tier", caption="Customers"),
        heat_table(
            tiers,
            statuses,
            rows(value),
            corner="Value tier",
            caption=f"Net value so far{unit}",
            show=lambda minor: _whole(int(minor), summary),
        ),
        lead=(
            "VIP here is the top 0.3 % by net value, Elite the top 1.5 %, Premium the top 15 %. "
            "The VIPs of a segment's name are the top 20 %."
        ),
    )


def _rows(rows: FileAccount, summary: Summary) -> Html:
    body: list[list[Content]] = [
        ["Read", count(rows.read)],
        ["Accepted", count(rows.accepted)],
        ["Duplicates", count(rows.duplicates)],
        ["Rejected", count(rows.rejected)],
    ]
    reasons: list[list[Content]] = [[reason, count(number)] for reason, number in rows.rejects_by_reason.items()]
    content = [table(["Rows of the file", ""], body)]
    if reasons:
        content.append(table(["Why rows were rejected", "Rows"], reasons))
    if summary.returns_only.customers:
        content.append(
            paragraph(
                f"{count(summary.returns_only.customers)} customers have only returns "
                f"({_amount(summary.returns_only.net_minor, summary)}). They are outside every segment and total above."
            )
        )
    return section("What was read", *content, lead="Every row of the file is accounted for.")


def _rubric(summary: Summary) -> Html:
    rhythm, bands = summary.rubric.rhythm, summary.rubric.bands
    origin = (
        f"estimated from {count(rhythm.gaps)} gaps of {count(rhythm.customers)} customers"
        if rhythm.source == "estimated"
        else "the documented prior: too few customers came back to estimate it"
    )
    body: list[list[Content]] = [
        ["Base lapse threshold", f"{count(rhythm.base_lapse_days)} days", "for a customer of whom no gap is known"],
        ["Typical gap", f"{count(ceil(2.718281828459045**rhythm.gap_log_mean))} days", origin],
        ["High value", _amount(bands.high_value_minor, summary), "at least this: top 20 % by net value"],
        ["Frequent", f"{bands.frequent_purchases} purchases", "at least this: 60 % quantile of those who came back"],
        ["Premium, Elite, VIP", _cuts(summary), "above these: top 15 %, 1.5 %, 0.3 % by net value"],
    ]
    return section(
        "How customers are judged",
        paragraph(
            "Each customer is measured against its own purchase rhythm, shrunk to that of all customers: the less is "
            "known of it, the more it counts as typical. Silence within the threshold is active, up to about twice "
            "is slipping, beyond is lost."
        ),
        details("The thresholds", table(["Threshold", "Value", "From"], body, align="lrl")),
    )


def _cuts(summary: Summary) -> str:
    bands = summary.rubric.bands
    return ", ".join(
        _short(minor, summary) for minor in (bands.premium_above_minor, bands.elite_above_minor, bands.vip_above_minor)
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _average(totals: Totals, summary: Summary) -> str:
    return _whole(round(totals.net_minor / totals.customers), summary) if totals.customers else MISSING


def _currency(summary: Summary) -> str:
    return "" if summary.currency == NO_CURRENCY else summary.currency


def _unit(summary: Summary) -> str:
    """What a heading adds when its figures leave the currency out."""
    return f", {_currency(summary)}" if _currency(summary) else ""


def _amount(minor: int, summary: Summary) -> str:
    return money(minor, summary.currency).removesuffix(f" {NO_CURRENCY}")


def _whole(minor: int, summary: Summary) -> str:
    """Major units without decimals; cents say nothing in a total."""
    return f"{Money(minor, summary.currency).amount.to_integral_value():,}".replace("-", "\N{MINUS SIGN}")


def _short(minor: int, summary: Summary) -> str:
    return f"{_whole(minor, summary)} {_currency(summary)}".strip()
