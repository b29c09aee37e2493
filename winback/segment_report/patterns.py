"""Grid, overlays and archetypes: the views that cut across the segments."""

from collections.abc import Mapping, Sequence

from winback.pages import (
    Bar,
    Html,
    bar_chart,
    columns,
    details,
    element,
    heat_table,
    note,
    section,
    subheading,
)
from winback.pages.figures import percent
from winback.segment_report.amounts import FEW, Amounts, share
from winback.segment_report.contents import ClusterTrack, SegmentReport
from winback.segmentation.archetypes import CONCENTRATED
from winback.segmentation.explanations import OVERLAYS
from winback.segmentation.grid import Status, ValueTier
from winback.segmentation.overlays import TIERS, Overlay
from winback.segmentation.summary import Summary
from winback.segmentation.totals import CellTotals, TierTotals

_NOT_KNOWN = "n/a"

_Cells = list[Sequence[float | str | None]]


def grid(report: SegmentReport, amounts: Amounts) -> Html:
    cells = {(cell.value_tier, cell.status): cell for cell in report.summary.grid}

    def rows(field: str) -> _Cells:
        return [[_cell(cells.get((tier, status)), field) for status in Status] for tier in ValueTier]

    tiers, statuses = [str(tier) for tier in ValueTier], [str(status) for status in Status]
    return section(
        "The playbook grid",
        heat_table(tiers, statuses, rows("customers"), corner="Value tier", caption="Customers"),
        heat_table(
            tiers,
            statuses,
            rows("net_minor"),
            corner="Value tier",
            caption=f"CLTV to date (net value so far{amounts.unit})",
            show=lambda minor: amounts.whole(int(minor)),
        ),
        lead=(
            "VIP here is the top 0.3 % by net value, Elite the top 1.5 %, Premium the top 15 %; the VIPs of a "
            "segment's name are the top 20 %. Segments drive campaigns; the grid chooses the row of the playbook."
        ),
    )


def overlays(report: SegmentReport) -> Html:
    missing = {gap.field for gap in report.gaps if gap.share_missing >= 1}
    blocks = [_overlay(report.summary, overlay, missing) for overlay in Overlay]
    return section(
        "The overlays",
        columns(*blocks),
        lead="Four independent tiers laid over the segments. A segment says how warm somebody is; a tier, how to talk.",
    )


def archetypes(track: ClusterTrack) -> Html:
    reconciliation, found = track.reconciliation, track.archetypes
    rows = [row for row in reconciliation.rows if row.customers]
    matrix = heat_table(
        [row.segment for row in rows],
        reconciliation.archetypes,
        [
            [FEW] * len(reconciliation.archetypes)
            if row.too_few
            else [row.shares[name] for name in reconciliation.archetypes]
            for row in rows
        ],
        corner="Segment",
        caption="Share of the segment's customers in each archetype",
        show=lambda part: f"{percent(part, 0)}{' *' if part >= CONCENTRATED else ''}",
    )
    diffuse = ", ".join(reconciliation.diffuse) or "none"
    chosen = next(row for row in found.candidates if row.clusters == len(found.clusters))
    others = "; ".join(
        f"{row.method}: {row.clusters} clusters, adjusted Rand {row.adjusted_rand:.2f}"
        + (f", {percent(row.noise_share, 0)} outside all" if row.noise_share else "")
        for row in found.agreements
    )
    sizes = bar_chart([Bar(c.archetype, c.customers, percent(found.share(c), 0)) for c in found.clusters])
    return section(
        "Where rules and clusters agree",
        sizes,
        matrix,
        element(
            "p", f"* at least {percent(CONCENTRATED, 0)} in one archetype: the rule catches what is there without it."
        ),
        element(
            "p", element("b", "Diffuse: "), f"{diffuse}. These cut across natural groups; overlays tell them apart."
        ),
        note(
            f"{len(found.clusters)} clusters: stability {chosen.stability:.2f} (adjusted Rand index of subsamples), "
            f"silhouette {chosen.silhouette:.2f}. Other methods on the same customers: {others}. "
            "The cluster track reassigns nobody; it keeps the rules honest."
        ),
        lead="Clustering without any rule, laid beside the segments.",
    )


def _overlay(summary: Summary, overlay: Overlay, missing: set[str]) -> Html:
    rows = [row for row in summary.overlays if row.overlay is overlay]
    tiers = {tier: [row for row in rows if row.tier == tier] for tier in TIERS[overlay]}
    sums = {tier: sum(row.customers for row in found) for tier, found in tiers.items()}
    hidden = {tier: any(row.hidden for row in found) for tier, found in tiers.items()}
    unknown = summary.total.customers and sums.get(_NOT_KNOWN) == summary.total.customers
    if unknown or (overlay is Overlay.DISCOUNT and "discounts" in missing):
        words = "These data do not tell; the list of what would help says what to send."
        return element(
            "div",
            subheading(str(overlay).capitalize()),
            element("p", OVERLAYS[overlay].capitalize() + "."),
            note(words),
        )
    bars = [
        Bar(
            tier,
            customers,
            ("at least " if hidden[tier] else "") + percent(share(customers, summary.total.customers)),
            "quiet" if tier == _NOT_KNOWN else "main",
        )
        for tier, customers in sums.items()
    ]
    return element(
        "div",
        *_overlay_words(overlay),
        bar_chart(bars, label=f"Customers by {overlay} tier"),
        details("By segment", _by_segment(summary, tiers, overlay)),
    )


def _overlay_words(overlay: Overlay) -> tuple[Html, Html]:
    return subheading(str(overlay).capitalize()), element("p", f"{OVERLAYS[overlay].capitalize()}.")


def _by_segment(summary: Summary, tiers: Mapping[str, Sequence[TierTotals]], overlay: Overlay) -> Html:
    segments = [row for row in summary.segments if row.customers or row.hidden]
    counted = {(row.segment, row.tier): row for found in tiers.values() for row in found}

    def cell(segment: str, tier: str, whole: int) -> float | str:
        row = counted[segment, tier]  # type: ignore[index]  # a segment's name is its text
        return FEW if row.hidden or not whole else row.customers / whole

    return heat_table(
        [str(row.segment) for row in segments],
        list(tiers),
        [[cell(row.segment, tier, 0 if row.hidden else row.customers) for tier in tiers] for row in segments],
        corner=f"Segment x {overlay}",
        show=lambda part: percent(part, 0),
        caption="Share of the segment's customers",
    )


def _cell(cell: CellTotals | None, field: str) -> float | str | None:
    if cell is None:
        return None
    return FEW if cell.hidden else getattr(cell, field)
