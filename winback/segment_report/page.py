"""report.html of `winback segment`: where the customers stand, where the money is, and what to do first."""

from dataclasses import replace
from math import ceil, exp

from winback.pages import Content, Html, details, element, note, page, paragraph, section, table
from winback.pages.figures import count, decimal, percent
from winback.segment_report.amounts import Amounts
from winback.segment_report.changes import movement
from winback.segment_report.contents import FoundSlice, SegmentReport
from winback.segment_report.patterns import archetypes, grid, overlays
from winback.segment_report.standing import behaviours, families, overview, priorities, segments
from winback.segmentation.explanations import BEHAVIOURS
from winback.segmentation.names import Family
from winback.segmentation.suppression import suppress, suppress_returns


def segment_page(report: SegmentReport) -> str:
    """A whole self-contained HTML document; small parts are hidden as `hidden_below` says."""
    if report.hidden_below > 1:
        report = _suppressed(report)
    summary, amounts = report.summary, Amounts(report.summary.currency)
    return page(
        "Where your customers stand",
        _lead(report, amounts),
        [
            overview(report, amounts),
            families(report, amounts),
            priorities(report, amounts),
            segments(report, amounts),
            movement(report, amounts),
            grid(report, amounts),
            overlays(report),
            behaviours(report, amounts, {str(name): words for name, words in BEHAVIOURS.items()}),
            *([_slices(report, amounts)] if report.slices else []),
            *([archetypes(report.clusters)] if report.clusters is not None else []),
            *([_gaps(report)] if report.gaps else []),
            _rows(report, amounts),
            _rubric(report, amounts),
        ],
        kicker="Winback segments",
        facts=(
            ("As of (exclusive)", summary.as_of.removesuffix("T00:00:00Z")),
            ("Currency", amounts.currency or "not given"),
        ),
        footer="Made by winback segment. It holds no customer: counts, shares and sums only.",
    )


def _suppressed(report: SegmentReport) -> SegmentReport:
    """Without slices and clusters: cohorts across the tables would give rows away that they hide."""
    return replace(
        report,
        summary=suppress(report.summary, report.hidden_below),
        organic=suppress_returns(report.organic, report.hidden_below),
        slices=(),
        clusters=None,
    )


def _lead(report: SegmentReport, amounts: Amounts) -> str:
    total = report.summary.total
    if not total.customers:
        return "No customer has purchased before this moment."
    slipping = next(row for row in report.summary.families if row.family is Family.SLIPPING)
    sentence = (
        f"{count(total.lapsed)} of {count(total.customers)} customers are silent for longer than is usual for them. "
    )
    if slipping.hidden or not slipping.customers:
        return sentence
    return (
        f"{sentence}{count(slipping.customers)} of these are slipping and not yet lost; they have spent "
        f"{amounts.exact(slipping.net_minor)} so far."
    )


def _slices(report: SegmentReport, amounts: Amounts) -> Html:
    found = [one for one in report.slices if one.preview is not None and one.preview.selected.customers]
    others = [one for one in report.slices if one not in found]
    body = [_slice(one, amounts) for one in found]
    missing = [
        element("li", element("b", one.recipe.title), f": {one.why_not or 'nobody, by what these data tell'}")
        for one in others
    ]
    empty = f"{count(len(missing))} shipped slices with nobody in them"
    folded = [details(empty, element("ul", *missing))] if missing else []
    return section(
        "Slices: the cohorts to talk to",
        table(["Slice", "Customers", f"Net value{amounts.unit}", "Per customer", "Stands out by"], body, align="lrrrl"),
        *folded,
        lead="Segment x overlay, sharper than either alone. Save one as an audience, or change its condition.",
    )


def _slice(one: FoundSlice, amounts: Amounts) -> list[Content]:
    assert one.preview is not None
    selected = one.preview.selected
    contact = "" if one.recipe.contact == "campaign" else " Leave alone."
    over = [
        f"{row.dimension.removesuffix('_tier').replace('_', ' ')}: {row.value} ({decimal(row.ratio, 1)} x)"
        for row in sorted(one.preview.representation, key=lambda row: -(row.ratio or 0))
        if row.mark == "over" and row.dimension not in ("segment", "family")
    ]
    return [
        element(
            "span",
            element("b", one.recipe.title),
            element("br"),
            element("small", one.recipe.why + contact),
            style="display:block;min-width:14rem",
        ),
        count(selected.customers),
        amounts.whole(selected.net_minor),
        amounts.whole(selected.average_minor),
        ", ".join(over[:3]),
    ]


def _gaps(report: SegmentReport) -> Html:
    body: list[list[Content]] = [
        [
            element("span", element("b", gap.field), element("br"), element("small", gap.missing)),
            percent(gap.share_missing, 0),
            gap.unlocks[0],
            gap.supply,
        ]
        for gap in report.gaps
    ]
    return section(
        "What would help",
        table(["Missing", "Share", "It would unlock", "How to send it"], body, align="lrll"),
        lead="What these data cannot say yet, the most helpful first.",
    )


def _rows(report: SegmentReport, amounts: Amounts) -> Html:
    rows, outside = report.rows, report.summary.returns_only
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
    if report.conversion is not None and report.conversion.foreign:
        content.append(
            paragraph(
                f"{count(report.conversion.converted)} orders in other currencies were converted at the rate of their "
                f"day; {count(report.conversion.left_out)} were left out for want of one."
            )
        )
    content += [note(sentence, tone="caution") for sentence in report.notes]
    if outside.customers:
        content.append(
            paragraph(
                f"{count(outside.customers)} customers have only returns ({amounts.exact(outside.net_minor)}). They "
                "are outside every segment and total above."
            )
        )
    return section("What was read", *content, lead="Every row of the file is accounted for.")


def _rubric(report: SegmentReport, amounts: Amounts) -> Html:
    rubric = report.summary.rubric
    rhythm, bands = rubric.rhythm, rubric.bands
    origin = (
        f"estimated from {count(rhythm.gaps)} gaps of {count(rhythm.customers)} customers"
        if rhythm.source == "estimated"
        else "the documented prior: too few customers came back to estimate it"
    )
    cuts = (bands.premium_above_minor, bands.elite_above_minor, bands.vip_above_minor)
    # A cut-off is what some customer spent, to the cent.
    shown = amounts.exact if report.hidden_below <= 1 else lambda minor: f"about {amounts.rounded(minor, 1)}"
    body: list[list[Content]] = [
        ["Base lapse threshold", f"{count(rhythm.base_lapse_days)} days", "for a customer of whom no gap is known"],
        ["Typical gap", f"{count(ceil(exp(rhythm.gap_log_mean)))} days", origin],
        ["High value", shown(bands.high_value_minor), "at least this: top 20 % by net value"],
        ["Frequent", f"{bands.frequent_purchases} purchases", "at least this: 60 % quantile of those who came back"],
        [
            "Premium, Elite, VIP",
            ", ".join(shown(minor) for minor in cuts),
            "above these: top 15 %, 1.5 %, 0.3 % by net value",
        ],
        ["Wide breadth", f"{rubric.overlays.wide_categories} categories", "at least this"],
    ]
    return section(
        "How customers are judged",
        paragraph(
            "Each customer is measured against its own purchase rhythm, shrunk to that of all customers: the less is "
            "known of it, the more it counts as typical. Silence within the threshold is active, up to about twice "
            "is slipping, beyond is lost. Who buys in one season of the year is late only when the next one is over."
        ),
        details("The thresholds", table(["Threshold", "Value", "From"], body, align="lrl")),
        lead=f"Thresholds were read from the account's own orders as of {rubric.calibrated_at[:10]} and stay.",
    )
