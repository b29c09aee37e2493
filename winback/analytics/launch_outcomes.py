"""The launch report's sections on what came of the launch: the measured effect, last touch's claims, revenue."""

from decimal import Decimal

from winback.analytics import wording
from winback.analytics.report import Comparison, Cost, Effect, LaunchReport
from winback.campaigns.dry_run.page_plan import CHANNELS
from winback.experiments.statistics import Verdict
from winback.pages import (
    Bar,
    Html,
    Interval,
    Line,
    Tile,
    bar_chart,
    figures,
    interval_chart,
    line_chart,
    paragraph,
    section,
    table,
    tiles,
)
from winback.pages.document import Tone

TONES: dict[Verdict, Tone] = {
    Verdict.MORE: "good",
    Verdict.FEWER: "bad",
    Verdict.TOO_SMALL: "caution",
    Verdict.NO_COMPARISON: "caution",
}


def effect(report: LaunchReport) -> Html:
    rows = [row for row in (report.main, report.lapsed, report.not_lapsed) if row]
    if len(report.segments) > 1:
        rows.extend(report.segments)
    detectable = report.main.smallest_detectable_effect
    sized = (
        f" Arms of these sizes find a true increase of {figures.points(detectable, sign=False)} or more in 80 % of "
        "launches; smaller ones mostly read as too small to tell."
        if detectable is not None
        else ""
    )
    return section(
        "What the campaign caused",
        interval_chart(
            [Interval(row.label, *_bounds(row.effect), note=wording.VERDICTS[row.verdict]) for row in rows],
            show=figures.points,
            unit="Treated less held out, percentage points",
            label="Difference between treated and held out customers with 95 % intervals",
        ),
        paragraph(
            "Everyone assigned counts, contacted or not. A hollow dot means that the interval includes zero: "
            f"the data fit no effect as well.{sized}"
        ),
        lead="Customers were divided by chance, so what the held-out ones did shows what would have happened anyway.",
    )


def claims(report: LaunchReport) -> Html:
    credit, main = report.attribution, report.main
    claimed = credit.share_of_treated
    caused = main.effect.difference if main.effect else None
    return section(
        "What last touch would claim",
        bar_chart(
            [
                Bar("Credited by last touch", claimed or 0, "of the treated", hue="caution"),
                Bar("Bought although held out", main.held_out.rate or 0, "of the held out", hue="other"),
            ],
            show=figures.percent,
            label="Customers credited by last touch, beside held-out customers who bought anyway",
        ),
        paragraph(
            "Last touch counts the first open or click by a person of each message and credits each purchase to the "
            f"latest such message of the {credit.days} days before it; {figures.count(credit.after_click)} of these "
            "orders followed a click. "
            f"It credits {figures.percent(claimed)} of the treated customers, where the comparison with the holdout "
            f"shows a difference of {figures.points(caused)}. It cannot tell buyers whom the message brought from "
            "those who would have bought anyway, so it stands beside the measured effect, never instead of it."
        ),
        table(
            ["Credited to", "Orders", "Revenue"],
            [
                [f"Step {number}", step.orders, figures.money(step.revenue_minor, report.revenue.currency)]
                for number, step in credit.steps.items()
            ]
            or [["No send", 0, figures.money(0, report.revenue.currency)]],
            total=["All", credit.orders, figures.money(credit.revenue_minor, report.revenue.currency)],
        ),
        lead="The figure that most dashboards show.",
    )


def course(report: LaunchReport) -> Html:
    weeks = report.weeks
    return section(
        "How they came back",
        line_chart(
            [
                Line("Treated", [week.treated or 0 for week in weeks]),
                Line("Held out", [week.held_out or 0 for week in weeks], "other"),
            ],
            [str(week.week) for week in weeks],
            show=figures.percent,
            label="Share of treated and held-out customers with a purchase since assignment, by week",
            x_title="Weeks since assignment",
        ),
        lead="Share of each group with at least one purchase since assignment.",
    )


def by_segment(report: LaunchReport) -> Html:
    return section(
        "By segment",
        table(
            [
                "Segment",
                "Verdict",
                "Difference",
                "95 % interval",
                "Rate treated",
                "Rate held out",
                "Treated",
                "Held out",
            ],
            [_segment_row(row) for row in report.segments],
            align="llrrrrrr",
            total=_segment_row(report.main)
            if len(report.segments) > 1 and not (report.lapsed or report.not_lapsed)
            else None,
        ),
        paragraph(
            "Intervals are each segment's own: of many, some miss zero by chance alone. The verdict is corrected for "
            "their number. Confirm a difference in another launch."
        ),
        lead="The segment is that of the snapshot at assignment.",
    )


def _segment_row(row: Comparison) -> list[str | int]:
    return [
        row.label,
        wording.VERDICTS[row.verdict],
        figures.points(row.effect.difference) if row.effect else figures.MISSING,
        wording.interval(row.effect.low, row.effect.high) if row.effect else figures.MISSING,
        figures.percent(row.treated.rate),
        figures.percent(row.held_out.rate),
        row.treated.customers,
        row.held_out.customers,
    ]


def revenue_and_cost(report: LaunchReport) -> Html:
    revenue, cost = report.revenue, report.cost
    effect, currency = revenue.effect, revenue.currency

    def mean(value: float | None, *, sign: bool = False) -> str:
        return figures.mean_money(value, currency, sign=sign)

    remarks = [
        "Revenue is orders less returns, of everyone assigned. Margin is not known: no cost of goods was imported.",
    ]
    if not revenue.steady:
        remarks.append(
            "Order values have a heavy tail, and there are too few customers for a steady mean: one large order can "
            "decide. Take the interval as a rough guide."
        )
    if revenue.verdict in (Verdict.MORE, Verdict.FEWER):
        if revenue.hangs_on is not None:
            whom = "customer" if revenue.hangs_on == 1 else f"{revenue.hangs_on} customers"
            remarks.append(f"The conclusion hangs on the largest {whom}: without, it would be another.")
        if revenue.capped is not None and revenue.capped_verdict is not revenue.verdict:
            remarks.append(
                f"With each customer's revenue capped at {mean(revenue.cap_minor)} the difference is "
                f"{mean(revenue.capped.difference, sign=True)}: few large customers decide."
            )
    if revenue.orders_in_other_currencies:
        remarks.append(
            f"{figures.count(revenue.orders_in_other_currencies)} orders in other currencies count as purchases, "
            "not as revenue."
        )
    return section(
        "Revenue and cost",
        tiles(
            [
                Tile("Per treated customer", mean(revenue.treated.per_customer_minor)),
                Tile("Per held-out customer", mean(revenue.held_out.per_customer_minor)),
                Tile(
                    "Difference per customer",
                    mean(effect.difference, sign=True) if effect else figures.MISSING,
                    f"95 % interval {figures.span(mean(effect.low, sign=True), mean(effect.high, sign=True))}; "
                    f"{wording.REVENUE_VERDICTS[revenue.verdict]}"
                    if effect
                    else wording.REVENUE_VERDICTS[revenue.verdict],
                    TONES[revenue.verdict],
                ),
                Tile(
                    "Cost of sending",
                    f"{Decimal(cost.total):.2f}\u202f{cost.currency}",
                    _messages(cost),
                ),
            ]
        ),
        *(paragraph(remark) for remark in remarks),
        lead="What the groups spent from assignment on, divided by everyone assigned.",
    )


def _messages(cost: Cost) -> str:
    listed = f"list prices of {cost.prices_of}"
    if set(cost.channels) <= {"email"}:
        return f"{figures.count(cost.emails)} e-mails at {cost.price_per_thousand} per thousand, SES {listed}"
    known = ", ".join(f"{figures.count(row.messages)} by {CHANNELS[name]}" for name, row in cost.channels.items())
    return f"{known}; {listed}"


def _bounds(effect: Effect | None) -> tuple[float | None, float | None, float | None]:
    return (effect.difference, effect.low, effect.high) if effect else (None, None, None)
