"""What the demo prints: tables on the way, the final table, and the lines that say what it has shown."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.demo.checks import Finding
from winback.campaigns.dry_run.page_plan import CHANNELS
from winback.delivery.reason_words import reason_in_words
from winback.money import Money


def show_families(console: Console, summary: Mapping[str, Any]) -> None:
    table = Table("family", "customers", "orders", "net value", title="Who they are", title_justify="left")
    align_right(table, 1, 2, 3)
    for row in summary["families"]:
        value = Money(row["net_minor"], summary["currency"])
        table.add_row(row["family"], f"{row['customers']:,}", f"{row['orders']:,}", str(value))
    console.print(table)


def show_dry_run(console: Console, launch: Mapping[str, Any]) -> None:
    dry_run = launch["dry_run"]
    audience, arms = dry_run["audience"], dry_run["audience"]["arms"]
    table = Table("what would happen", "", title="Dry run", title_justify="left", show_header=False)
    align_right(table, 1)
    table.add_row("customers in the audience", f"{audience['candidates']:,}")
    table.add_row("left out, some for several reasons", f"{audience['excluded']['customers']:,}")
    for reason, count in audience["excluded"]["reasons"].items():
        table.add_row(f"  {reason_in_words(reason)}", f"{count:,}")
    table.add_row("treated", f"{arms['treatment']:,}")
    table.add_row("held out", f"{arms['holdout']:,}")
    for step in dry_run["steps"]:
        expected = step["expected_recipients"]
        likely = f"{expected['low']:,} to {expected['high']:,}, " if expected["low"] < expected["high"] else ""
        what = f"step {step['step']}, {step['name']}, on {step['planned_at'][:10]}: recipients"
        table.add_row(what, f"{likely}at most {step['recipients']:,}")
    table.add_row("smallest effect it can detect", f"{dry_run['detectable_effect']['percentage_points']} points")
    worst = dry_run["offers"]["worst_minor"]
    table.add_row("the offers cost at most", str(Money(worst, dry_run["offers"]["currency"])))
    console.print(table)


def show(
    console: Console, report: Mapping[str, Any], findings: Sequence[Finding], files: Mapping[str, Path], seconds: float
) -> None:
    """`files`: what to read on, by its name."""
    main, funnel, ledger, attribution = (report[name] for name in ("main", "funnel", "ledger", "attribution"))
    currency = report["revenue"]["currency"]
    table = Table("", "", title="The campaign, measured", title_justify="left", show_header=False)
    align_right(table, 1)
    for name in ("planned", "complained", "bounced_hard", "bounced_soft", "delivered", "accepted"):
        table.add_row(f"sends {name.replace('_', ' ')}", f"{ledger[name]:,}")
    for channel, counts in ledger["channels"].items():
        if counts["delivered"]:
            table.add_row(f"  delivered by {CHANNELS[channel]}", f"{counts['delivered']:,}")
    for name in ("skipped", "failed", "unknown", "due"):
        table.add_row(f"sends {name}", f"{ledger[name]:,}")
    table.add_row("ledger balances", "yes" if ledger["balanced"] else f"NO: off by {ledger['difference']}")
    table.add_row("opened, clicked by a person", f"{funnel['opened']:,}, {funnel['clicked']:,}")
    table.add_row("unsubscribed", f"{funnel['unsubscribed']:,}")
    for arm in ("treated", "held_out"):
        counts = main[arm]
        text = f"{counts['returned']:,} of {counts['customers']:,} = {percent(counts['rate'])}"
        table.add_row(f"came back, {arm.replace('_', ' ')}", text)
    effect = main["effect"]
    table.add_row("difference, 95 % interval", f"{_points(effect['difference'])} ({_range(effect)})")
    table.add_row("verdict", main["verdict"].replace("_", " "))
    claimed = Money(attribution["revenue_minor"], currency)
    table.add_row(
        f"last touch ({attribution['days']} days) claims", f"{attribution['customers']:,} customers, {claimed}"
    )
    console.print(table)
    _show_forecast(console, report["forecast"], currency)
    broken = [check["name"] for check in report["checks"] if not check["holds"]]
    broken += [f"{finding.rule} ({finding.violations})" for finding in findings if finding.violations]
    rules = len(report["checks"]) + len(findings)
    console.print(f"[red]Broken: {'; '.join(broken)}[/]" if broken else f"All {rules} rules hold.")
    _say_what_it_means(console, effect, attribution["customers"], claimed)
    console.print(f"\n{seconds:.0f} s. To read on:")
    for name, path in files.items():
        console.print(f"  {name}: {path}", soft_wrap=True)


def _show_forecast(console: Console, lines: Sequence[Mapping[str, Any]], currency: str) -> None:
    """What the dry run said, beside what came of it."""
    table = Table("", "dry run", "actual", "", title="Forecast and actual", title_justify="left")
    align_right(table, 1, 2)
    for line in lines:
        if line["estimate"] is None and line["high"] is None:
            continue
        say = _amount_of(line["unit"], currency)
        said = say(line["high"] if line["estimate"] is None else line["estimate"])
        if line["high"] is not None and line["high"] != line["estimate"]:
            said = f"at most {said}" if line["estimate"] is None else f"{said}, at most {say(line['high'])}"
        inside = {True: "as said", False: "outside", None: ""}[line["inside"]]
        became = "not known" if line["actual"] is None else say(line["actual"])
        table.add_row(line["name"], said, became, inside)
    console.print(table)
    if any(line["actual"] is None for line in lines):
        console.print("What was redeemed is not known: the orders of 1997 name no codes.")


def _amount_of(unit: str, currency: str) -> Callable[[float], str]:
    match unit:
        case "money":
            return lambda value: str(Money(round(value), currency))
        case "dollars":
            return lambda value: f"{value:,.2f} USD"
        case _:
            return lambda value: f"{value:,.0f}"


def _say_what_it_means(console: Console, effect: Mapping[str, Any], customers: int, claimed: Money) -> None:
    inside = effect["low"] <= 0 <= effect["high"]
    console.print(
        "\nNobody in 1997 received these messages, so their true effect is zero.\n"
        f"The holdout says {_points(effect['difference'])}, 95 % interval {_range(effect)}: it "
        + (
            "contains zero, as it should."
            if inside
            else "misses zero, as about one seed in twenty does (this seed was fixed in advance)."
        )
        + f"\nLast-touch attribution claims {customers:,} customers won back and {claimed} for the same campaign.\n"
        "That gap is why every campaign here keeps a holdout."
    )


def align_right(table: Table, *columns: int) -> None:
    for number in columns:
        table.columns[number].justify = "right"


def percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"


def _range(effect: Mapping[str, Any]) -> str:
    return f"{100 * effect['low']:+.1f} to {100 * effect['high']:+.1f}"
