"""The launch report's sections on what the launch did: its sends, their ledger, who took part, the rules checked."""

from winback.analytics.report import LaunchReport, ReasonCount
from winback.analytics.wording import ERRORS
from winback.delivery.reason_words import reason_in_words
from winback.pages import Html, Stage, columns, figures, funnel, paragraph, section, table


def sends(report: LaunchReport) -> Html:
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


def ledger(report: LaunchReport) -> Html:
    ledger = report.ledger
    labels = {
        "complained": "Complained",
        "bounced_hard": "Bounced for good",
        "bounced_soft": "Bounced for now",
        "delivered": "Delivered",
        "accepted": "Taken, nothing heard since",
        "skipped": "Skipped at the last check (the gate)",
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
            *_errors(ledger.failed_reasons),
        ),
        lead="Each planned send has exactly one final outcome. "
        + ("It balances." if ledger.balanced else f"It is off by {figures.count(ledger.difference)}."),
    )


def customers(report: LaunchReport) -> Html:
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
                    ["Treated, of tiers that are never held out", customers.never_held_out],
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


def checks(report: LaunchReport) -> Html:
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


def _errors(reasons: tuple[ReasonCount, ...]) -> list[Html]:
    """None where nothing failed, which is nearly always."""
    if not reasons:
        return []
    return [
        table(
            ["Error", "Sends"],
            [[ERRORS.get(entry.reason, entry.reason), entry.count] for entry in reasons],
            caption="Why sends failed or are unknown, by what the provider said",
        )
    ]


def _reason_table(title: str, reasons: tuple[ReasonCount, ...], counted: str) -> Html:
    if not reasons:
        return paragraph(f"{title}: none were.")
    return table(
        ["Reason", counted],
        [[reason_in_words(entry.reason), entry.count] for entry in reasons],
        caption=f"{title}; one may have several reasons",
    )
