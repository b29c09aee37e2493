"""The launch report as one HTML page: the verdict first, then what it rests on."""

from datetime import datetime

from winback.analytics import launch_offers, wording
from winback.analytics import launch_outcomes as outcomes
from winback.analytics import launch_records as records
from winback.analytics import launch_tests as tests
from winback.analytics.report import Effect, LaunchReport
from winback.experiments.statistics import Verdict
from winback.instants import format_instant
from winback.pages import Html, Tile, bullets, figures, note, page, section, subheading, tiles


def launch_page(report: LaunchReport) -> str:
    """The document, for a browser, a print or an attachment; it fetches nothing."""
    return page(
        report.campaign_name,
        report.headline,
        [
            tiles(_tiles(report)),
            *_warnings(report),
            outcomes.effect(report),
            outcomes.claims(report),
            outcomes.course(report),
            outcomes.by_segment(report),
            outcomes.revenue_and_cost(report),
            *tests.experiments(report),
            *launch_offers.offers(report),
            *tests.forecast(report),
            *tests.course(report),
            records.sends(report),
            *tests.channels(report),
            records.ledger(report),
            records.customers(report),
            records.checks(report),
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
            outcomes.TONES[main.verdict] if report.trustworthy else "bad",
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


def _method() -> Html:
    return section(
        "How this was measured",
        subheading("The comparison"),
        bullets(wording.METHOD),
        subheading("What it does not say"),
        bullets(wording.LIMITS),
    )


def _interval(effect: Effect | None, verdict: Verdict) -> str:
    words = wording.VERDICTS[verdict]
    return f"95 % interval {wording.interval(effect.low, effect.high)}; {words}" if effect else words


def _of(part: int, whole: int) -> str:
    return f"{figures.count(part)} of {figures.count(whole)}"


def _day(moment: datetime) -> str:
    return format_instant(moment)[:10]
