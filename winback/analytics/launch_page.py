"""The launch report as one HTML page: the verdict first, then what it rests on."""

from datetime import datetime
from decimal import Decimal

from winback.analytics import wording
from winback.analytics.report import Comparison, Effect, LaunchReport, ReasonCount
from winback.experiments.statistics import Verdict
from winback.instants import format_instant
from winback.pages import (
    Bar,
    Html,
    Interval,
    Line,
    Stage,
    Tile,
    bar_chart,
    bullets,
    columns,
    figures,
    funnel,
    interval_chart,
    line_chart,
    note,
    page,
    paragraph,
    section,
    subheading,
    table,
    tiles,
)
from winback.pages.document import Tone

_TONES: dict[Verdict, Tone] = {
    Verdict.MORE: "good",
    Verdict.FEWER: "bad",
    Verdict.TOO_SMALL: "caution",
    Verdict.NO_COMPARISON: "caution",
}


def launch_page(report: LaunchReport) -> str:
    """The document, for a browser, a print or an attachment; it fetches nothing."""
    return page(
        report.campaign_name,
        report.headline,
        [
            tiles(_tiles(report)),
            *_warnings(report),
            _effect(report),
            _claims(report),
            _course(report),
            _by_segment(report),
            _revenue(report),
            _sends(report),
            _ledger(report),
            _customers(report),
            _checks(report),
            _method(),
        ],
        kicker="Winback, launch report" + (" (interim)" if report.interim else ""),
        facts=[
            ("Account", report.account_id),
            ("Launch", report.launch_id),
            ("State", report.state.value),
            ("Assigned", _day(report.assigned_at)),
            ("Observed until", _day(report.observed_until)),
            ("Evaluation ends", _day(report.evaluation_ends_at)),
        ],
        footer=f"Computed at {format_instant(report.computed_at)} from snapshot {report.snapshot_id}. "
        "All times are UTC. The figures of this page are in report.json beside it.",
    )


def _tiles(report: LaunchReport) -> list[Tile]:
    main, credit = report.main, report.attribution
    noun = "Win-back rate" if report.primary == "win-back" else "Conversion rate"
    return [
        Tile(
            f"{noun}, treated", figures.percent(main.treated.rate), _of(main.treated.returned, main.treated.customers)
        ),
        Tile(
            f"{noun}, held out",
            figures.percent(main.held_out.rate),
            _of(main.held_out.returned, main.held_out.customers),
        ),
        Tile(
            "Difference",
            figures.points(main.effect.difference) if main.effect else figures.MISSING,
            _interval(main.effect, main.verdict),
            _TONES[main.verdict] if report.trustworthy else "bad",
        ),
        Tile(
            "Last touch would claim",
            f"{figures.count(credit.orders)} orders",
            figures.money(credit.revenue_minor, report.revenue.currency),
        ),
    ]


def _warnings(report: LaunchReport) -> list[Html]:
    found = []
    if report.interim:
        found.append(
            note(
                f"The evaluation runs until {_day(report.evaluation_ends_at)}. These figures will change, and looking "
                "often makes a chance result more likely to be taken for an effect.",
                tone="caution",
            )
        )
    ratio = report.customers.sample_ratio
    if not ratio.plausible:
        found.append(
            note(
                f"{figures.percent(ratio.observed_holdout_share)} were held out where "
                f"{figures.percent(ratio.expected_holdout_share)} were meant to be. Chance does not explain that "
                "(p below 0.001): find the cause before using any comparison on this page.",
                tone="bad",
            )
        )
    found.extend(
        note(f"Broken rule: {check.text}. Violations: {figures.count(check.violations)}.", tone="bad")
        for check in report.checks
        if not check.holds
    )
    return found


def _effect(report: LaunchReport) -> Html:
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


def _claims(report: LaunchReport) -> Html:
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


def _course(report: LaunchReport) -> Html:
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


def _by_segment(report: LaunchReport) -> Html:
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


def _revenue(report: LaunchReport) -> Html:
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
                    _TONES[revenue.verdict],
                ),
                Tile(
                    "Cost of sending",
                    f"{Decimal(cost.total):.2f}\u202f{cost.currency}",
                    f"{figures.count(cost.emails)} e-mails at {cost.price_per_thousand} per thousand, "
                    f"SES list price of {cost.prices_of}",
                ),
            ]
        ),
        *(paragraph(remark) for remark in remarks),
        lead="What the groups spent from assignment on, divided by everyone assigned.",
    )


def _sends(report: LaunchReport) -> Html:
    sends = report.funnel
    return section(
        "Sends",
        funnel(
            [
                Stage("Planned", sends.planned),
                Stage("Taken by the provider", sends.handed_over),
                Stage("Arrived", sends.arrived),
                Stage("Opened by a person", sends.opened),
                Stage("Clicked by a person", sends.clicked),
            ],
            label="Sends by stage",
        ),
        paragraph(
            f"Not counted as people: {figures.count(sends.opened_by_machines_only)} sends opened by machines only "
            f"(mail privacy proxies) and {figures.count(sends.clicked_by_bots_only)} clicked by bots only "
            f"(link scanners). Unsubscribed: {figures.count(sends.unsubscribed)}. "
            f"Complained: {figures.count(sends.complained)}."
        ),
        lead="Stages that sends reached, whatever became of them later; shares are of the planned ones.",
    )


def _ledger(report: LaunchReport) -> Html:
    ledger = report.ledger
    labels = {
        "complained": "Complained",
        "bounced_hard": "Bounced for good",
        "bounced_soft": "Bounced for now",
        "delivered": "Delivered",
        "accepted": "Taken, nothing heard since",
        "skipped": "Skipped by the gate",
        "failed": "Refused by the provider",
        "unknown": "Unknown: may or may not have left",
        "due": "Still due",
    }
    steps = list(ledger.steps.values())
    rows: list[list[str | int]] = [
        [label, *(getattr(step, name) for step in steps), getattr(ledger, name)] for name, label in labels.items()
    ]
    return section(
        "The ledger",
        columns(
            table(
                ["Outcome", *(f"Step\u00a0{number}" for number in ledger.steps), "All"],
                rows,
                total=["Planned", *(step.planned for step in steps), ledger.planned],
            ),
            _reason_table("Why sends were skipped", ledger.skipped_reasons, "Sends"),
        ),
        lead="Each planned send has exactly one final outcome. "
        + ("It balances." if ledger.balanced else f"It is off by {figures.count(ledger.difference)}."),
    )


def _customers(report: LaunchReport) -> Html:
    customers = report.customers
    ratio = customers.sample_ratio
    return section(
        "Who took part",
        columns(
            table(
                ["Customers", "Count"],
                [
                    ["Matched the audience", customers.candidates],
                    ["Excluded before assignment", customers.excluded],
                    ["Treated", customers.treated],
                    ["Held out", customers.held_out],
                ],
            ),
            _reason_table("Why customers were excluded", customers.exclusions, "Customers"),
        ),
        paragraph(
            f"Held out: {figures.percent(ratio.observed_holdout_share)} of the assigned, "
            f"{figures.percent(ratio.expected_holdout_share)} by design"
            + (f" (p = {ratio.p_value:.2g})." if ratio.p_value is not None else ".")
        ),
        lead="Eligibility is decided before the groups are drawn, so that both hold the same kind of customer.",
    )


def _reason_table(title: str, reasons: tuple[ReasonCount, ...], counted: str) -> Html:
    if not reasons:
        return paragraph(f"{title}: none were.")
    return table(
        ["Reason", counted],
        [[wording.reason(entry.reason), entry.count] for entry in reasons],
        caption=f"{title}; one may have several reasons",
    )


def _checks(report: LaunchReport) -> Html:
    return section(
        "Rules checked",
        table(
            ["Rule", "Result"],
            [
                [check.text, "holds" if check.holds else f"broken, {figures.count(check.violations)} times"]
                for check in report.checks
            ],
            align="ll",
        ),
    )


def _method() -> Html:
    return section(
        "How this was measured",
        subheading("The comparison"),
        bullets(wording.METHOD),
        subheading("What it does not say"),
        bullets(wording.LIMITS),
    )


def _bounds(effect: Effect | None) -> tuple[float | None, float | None, float | None]:
    return (effect.difference, effect.low, effect.high) if effect else (None, None, None)


def _interval(effect: Effect | None, verdict: Verdict) -> str:
    words = wording.VERDICTS[verdict]
    return f"95 % interval {wording.interval(effect.low, effect.high)}; {words}" if effect else words


def _of(part: int, whole: int) -> str:
    return f"{figures.count(part)} of {figures.count(whole)}"


def _day(moment: datetime) -> str:
    return format_instant(moment)[:10]
