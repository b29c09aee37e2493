"""The launch report's sections on what was tested and foreseen: experiments, channels, branches, forecast."""

from winback.analytics import wording
from winback.analytics.report import LaunchReport
from winback.analytics.report_parts import ForecastLine, TestedExperiment, TestedOutcome
from winback.campaigns.dry_run.page_plan import CHANNELS
from winback.instants import format_instant
from winback.pages import Content, Html, bullets, figures, note, paragraph, section, subheading, table

_OUTCOMES = {"purchased": "Purchased", "clicked": "Clicked", "revenue": "Revenue each"}
_BRANCHES = {"engaged": "opened or clicked", "converted": "bought", "segment": "is in the segments"}


def experiments(report: LaunchReport) -> list[Html]:
    if not report.experiments:
        return []
    return [
        section(
            "What was tested",
            *(part for experiment in report.experiments for part in _experiment(experiment, report.revenue.currency)),
            paragraph(
                "Everyone assigned a variant counts, contacted or not. Verdicts are corrected by Holm's method for the "
                "number of comparisons of each experiment."
            ),
            lead="Variants were drawn by chance, independently of the holdout and of each other.",
        )
    ]


def _experiment(experiment: TestedExperiment, currency: str) -> list[Html]:
    found = [subheading(f"{experiment.experiment}, {f'step {experiment.step}' if experiment.step else 'every step'}")]
    if not experiment.plausible:
        found.append(
            note(
                "The variants have not the sizes that they should have (p below 0.001): nothing is concluded here. "
                "Find the cause first.",
                tone="bad",
            )
        )
    rows = [row for outcome in experiment.outcomes for row in _rows(outcome, currency)]
    if not rows:
        return [*found, paragraph("Nobody was treated with two of its variants: there is nothing to compare.")]
    heads = ["Outcome", "Variant", "Customers", "Share or mean", "Above the control", "95 % interval", "Verdict"]
    return [*found, table(heads, rows, align="llrrrrl")]


def _rows(outcome: TestedOutcome, currency: str) -> list[list[Content]]:
    money = outcome.outcome == "revenue"

    def value(amount: float | None, *, sign: bool = False) -> str:
        if money:
            return figures.mean_money(amount, currency, sign=sign)
        return figures.points(amount) if sign else figures.percent(amount)

    compared = {each.variant: each for each in outcome.comparisons}
    rows: list[list[Content]] = []
    for arm in outcome.arms:
        found = compared.get(arm.variant)
        row: list[Content] = [_OUTCOMES[outcome.outcome], arm.variant, arm.customers, value(arm.mean)]
        if found is None:
            rows.append([*row, figures.MISSING, figures.MISSING, "the control"])
            continue
        known = found.low is not None and found.high is not None
        interval = figures.span(value(found.low, sign=True), value(found.high, sign=True)) if known else figures.MISSING
        said = {**wording.VERDICTS, **wording.VARIANT_VERDICTS}[found.verdict]
        rows.append([*row, value(found.difference, sign=True), interval, said])
    return rows


def channels(report: LaunchReport) -> list[Html]:
    if len(report.channels) < 2:
        return []
    rows: list[list[Content]] = [
        [
            CHANNELS[row.channel],
            row.planned,
            row.handed_over,
            row.arrived,
            row.opened,
            row.clicked,
            row.unsubscribed,
            row.complained,
            report.ledger.channels[row.channel].unknown,
            _cost(report, row.channel),
        ]
        for row in report.channels
    ]
    heads = ["Channel", "Planned", "Taken", "Arrived", "Opened", "Clicked", "Unsubscribed", "Complained", "Unknown"]
    return [
        section(
            "By channel",
            table([*heads, "Provider's cost"], rows),
            paragraph(
                "Which channel reached whom was chosen by consent and preference, not by chance: the rows cannot be "
                "compared with each other."
            ),
        )
    ]


def _cost(report: LaunchReport, channel: str) -> str:
    spent = report.cost.channels.get(channel)
    if spent is None or spent.total is None:
        return "not known"
    return f"{float(spent.total):,.2f}\u202f{report.cost.currency}"


def course(report: LaunchReport) -> list[Html]:
    found: list[Content] = []
    if report.branches:
        rows: list[list[Content]] = [
            [
                f"Branch {row.branch}: {_BRANCHES.get(row.on, row.on)}",
                row.then,
                row.otherwise,
                figures.percent(row.then / (row.then + row.otherwise) if row.then + row.otherwise else None),
                figures.percent(row.forecast),
            ]
            for row in report.branches
        ]
        found.append(table(["Branch", "Yes", "No", "Share of yes", "Expected"], rows))
    if report.pauses:
        found.append(
            bullets(
                f"Paused at {format_instant(pause.paused_at)}"
                + (f", resumed at {format_instant(pause.resumed_at)}" if pause.resumed_at else "")
                + (f": {pause.because}" if pause.because else "")
                for pause in report.pauses
            )
        )
    return [section("What happened on the way", *found)] if found else []


def forecast(report: LaunchReport) -> list[Html]:
    if not report.forecast:
        return []
    currency = report.revenue.currency
    rows: list[list[Content]] = [
        [
            line.name,
            _range(line, currency),
            line.basis,
            _written(line, line.actual, currency),
            {True: "inside", False: "outside", None: figures.MISSING}[line.inside],
        ]
        for line in report.forecast
    ]
    return [
        section(
            "Forecast and actual",
            table(["What", "The dry run said", "Which was", "It became", "Range"], rows, align="lrlrl"),
            paragraph(
                "Planned messages are the most that can leave: before each, the gate looks again at consent, caps, "
                "purchases and budgets. Of what is measured, "
                "inside means that its 95 % interval and the forecast's range have something in common."
            ),
        )
    ]


def _range(line: ForecastLine, currency: str) -> str:
    if line.high is None:
        return figures.MISSING
    if line.low is None:
        return f"at most {_written(line, line.high, currency)}"
    if line.low == line.high:
        return _written(line, line.high, currency)
    bounds = figures.span(_written(line, line.low, currency), _written(line, line.high, currency))
    return f"{_written(line, line.estimate, currency)} ({bounds})"


def _written(line: ForecastLine, value: float | None, currency: str) -> str:
    if value is None:
        return figures.MISSING
    match line.unit:
        case "money":
            return figures.whole_money(round(value), currency)
        case "dollars":
            return f"{value:,.2f}\u202fUSD"
        case _:
            return figures.count(round(value))
