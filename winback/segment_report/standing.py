"""Where customers stand and what to do first: families, priorities, segments."""

from winback.pages import (
    Bar,
    Content,
    Html,
    Tile,
    bar_chart,
    columns,
    element,
    note,
    section,
    subheading,
    table,
    tiles,
)
from winback.pages.figures import MISSING, count, percent
from winback.segment_report.amounts import FEW, Amounts, average, customers, share, share_of, value
from winback.segment_report.contents import SegmentReport
from winback.segmentation.explanations import FAMILIES, SEGMENTS
from winback.segmentation.names import FAMILY_OF, Family, Segment
from winback.segmentation.organic_return import OrganicReturn
from winback.segmentation.priorities import ContactPolicy, Expected, Priority, PriorityTier

_TIERS = {
    PriorityTier.HEADLINE: "Start here",
    PriorityTier.SECONDARY: "Then these",
    PriorityTier.LIGHT_TOUCH: "Seldom, by e-mail",
    PriorityTier.LEAVE_ALONE: "Leave alone",
}


def overview(report: SegmentReport, amounts: Amounts) -> Html:
    total = report.summary.total
    newly = report.history.newly_lapsed if report.history.since else None
    since = f"since {report.history.since[:10]}" if report.history.since else "no earlier moment to compare with"
    hides = report.hidden_below > 1  # with the families it would tell how many moved between two of them
    lapsed = f"{count(total.lapsed)} customers, silent beyond their own threshold"
    return tiles(
        [
            Tile("Customers", count(total.customers), f"with a purchase; {count(total.orders)} orders"),
            Tile("Net value so far", amounts.short(total.net_minor), "purchases less returns"),
            Tile("Lapsed", percent(share(total.lapsed, total.customers)), lapsed),
            Tile(
                "Newly lapsed",
                MISSING if hides else count(newly),
                "not shown where few are hidden" if hides else since,
                "caution" if newly and not hides else "plain",
            ),
        ]
    )


def families(report: SegmentReport, amounts: Amounts) -> Html:
    summary = report.summary
    shown = [row for row in summary.families if row.customers or row.family is not Family.TREND_AUDIENCE]

    def bars(field: str) -> list[Bar]:
        whole = getattr(summary.total, field)
        return [
            Bar(
                row.family,
                None if row.hidden else getattr(row, field),
                FEW if row.hidden else percent(share(getattr(row, field), whole)),
                "caution" if row.family is Family.SLIPPING else "main",
            )
            for row in shown
        ]

    words = [element("li", element("b", row.family), f": {FAMILIES[row.family]}") for row in shown]
    return section(
        "The families, and where the money is",
        subheading("Customers"),
        bar_chart(bars("customers"), label="Customers by family"),
        subheading("Net value so far"),
        bar_chart(bars("net_minor"), show=lambda minor: amounts.short(int(minor)), label="Value by family"),
        element("ul", *words),
        lead="Each customer is in exactly one family. The amber family is where a campaign can still change something.",
    )


def priorities(report: SegmentReport, amounts: Amounts) -> Html:
    rows = [row for row in report.summary.priorities if row.customers or row.customers is None]
    worth = [row for row in rows if row.tier is not PriorityTier.LEAVE_ALONE]
    alone = [row for row in rows if row.tier is PriorityTier.LEAVE_ALONE]
    measured = any(row.lift_from == "measured" for row in worth)
    body: list[list[Content]] = [
        [
            _two_lines(row.segment, _TIERS[row.tier], "8.5rem"),
            FEW if row.customers is None else count(row.customers),
            amounts.whole(row.average_net_minor) if row.customers is not None else FEW,
            _came_back(row),
            f"{row.lift * 100:.1f} of 100, {row.lift_from}",
            _expected(row.expected, amounts) if row.customers is not None else FEW,
            _policy(row.contact),
        ]
        for row in worth
    ]
    headings = [
        "Segment",
        "Customers",
        f"Each worth{amounts.unit}",
        "Come back anyway",
        "A campaign adds",
        f"Which would be{amounts.unit}",
        "At most",
    ]
    left = [element("li", element("b", row.segment), f" ({_people(row)}): {_lower(row.leave_alone)}") for row in alone]
    origin = (
        "What a campaign adds is measured on launches with a holdout where it says so"
        if measured
        else "What a campaign adds is an assumption of the rubric until a launch with a holdout has measured it"
    )
    return section(
        "What to do first",
        table(headings, body, align="lrrrrrl") if body else note("There is nobody whom a campaign should address."),
        note(
            f"{origin}. It orders the list; it is no forecast and no promise. Nothing is sent because of it: "
            "a person approves every launch."
        ),
        *((subheading("Whom to leave alone"), element("ul", *left)) if left else ()),
        lead="Ranked by customers x value per customer x likely lift. Only what a campaign adds is worth paying for.",
    )


def segments(report: SegmentReport, amounts: Amounts) -> Html:
    summary = report.summary
    shown = [row for row in summary.segments if row.customers or row.segment is not Segment.TREND_AUDIENCE]
    body: list[list[Content]] = [
        [
            _named(row.segment),
            customers(row),
            share_of(row, summary.total),
            value(row, amounts),
            average(row, amounts),
            _back(row.segment, report.organic),
        ]
        for row in shown
    ]
    total: list[Content] = [
        "All",
        customers(summary.total),
        share_of(summary.total, summary.total),
        value(summary.total, amounts),
        average(summary.total, amounts),
        "",
    ]
    headings = ["Segment", "Customers", "Share", f"Net value{amounts.unit}", "Per customer", "Came back by themselves"]
    return section(
        "The segments",
        table(headings, body, total=total),
        note(
            f"Came back by themselves: of the customers who were in the segment on {report.organic.since[:10]}, how "
            f"many purchased until {report.organic.until[:10]} (exclusive), with a 95 % interval. Whatever campaigns "
            "ran meanwhile are part of it."
        ),
        lead="The first rule that matches decides, so every customer with a purchase is in exactly one segment.",
    )


def behaviours(report: SegmentReport, amounts: Amounts, words: dict[str, str]) -> Html:
    rows = report.summary.behaviours
    blocks = columns(
        element(
            "div",
            subheading("Customers"),
            bar_chart(
                [
                    Bar(row.behaviour, None if row.hidden else row.customers, share_of(row, report.summary.total))
                    for row in rows
                ]
            ),
        ),
        element(
            "div",
            subheading("Net value so far"),
            bar_chart(
                [Bar(row.behaviour, None if row.hidden else row.net_minor, FEW if row.hidden else "") for row in rows],
                show=lambda v: amounts.short(int(v)),
            ),
        ),
    )
    return section(
        "How they buy",
        blocks,
        element("ul", *(element("li", element("b", row.behaviour), f": {words[row.behaviour]}") for row in rows)),
        lead="Each customer has one purchase behaviour, which chooses tactics of the playbook beside the grid.",
    )


def _named(segment: Segment) -> Html:
    return _two_lines(segment, f"{FAMILY_OF[segment]}: {SEGMENTS[segment]}", "11rem")


def _two_lines(name: str, words: str, width: str) -> Html:
    """Wide enough to read also where the table has to scroll."""
    return element(
        "span", element("b", name), element("br"), element("small", words), style=f"display:block;min-width:{width}"
    )


def _back(segment: Segment, organic: OrganicReturn) -> Content:
    row = next(row for row in organic.segments if row.segment is segment)
    if row.share is None or row.low is None or row.high is None:
        return "too small to tell" if row.customers else MISSING
    return f"{percent(row.share, 0)} ({percent(row.low, 0)} to {percent(row.high, 0)})"


def _came_back(row: Priority) -> str:
    if row.organic is None or row.organic.share is None:
        return "too small to tell"
    return f"{row.organic.share * 100:.0f} of 100"


def _expected(expected: Expected | None, amounts: Amounts) -> str:
    if expected is None:
        return MISSING
    if expected.net_low_minor is not None and expected.net_high_minor is not None:
        return f"{amounts.whole(expected.net_low_minor)} to {amounts.whole(expected.net_high_minor)}"
    return f"about {amounts.whole(expected.net_minor)}"


def _policy(contact: ContactPolicy) -> str:
    messages = "1 message" if contact.at_most == 1 else f"{contact.at_most} messages"
    only = f", {' and '.join(contact.channels)} only" if contact.channels else ""
    return f"{messages} in {contact.days} days{only}"


def _people(row: Priority) -> str:
    return FEW if row.customers is None else count(row.customers)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
