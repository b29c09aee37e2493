"""The dry run held against what happened: was it inside?"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import ceil, floor
from typing import Any

from winback.analytics.report import Comparison, LaunchReport, LedgerStep
from winback.analytics.report_parts import ForecastLine
from winback.campaigns.dry_run.page_plan import CHANNELS

Run = Mapping[str, Any]


def forecast(run: Run | None, report: LaunchReport) -> tuple[ForecastLine, ...]:
    """Lines of the dry run's JSON beside the report's figures; none without a dry run. An interim report leaves out
    what is not over: messages still due, purchases to come.
    """
    if run is None:
        return ()
    return (
        *_messages(run, report),
        *_exclusions(run, report),
        *_cost(run, report),
        *_offers(run, report),
        *_returns(run, report),
    )


def _messages(run: Run, report: LaunchReport) -> Iterator[ForecastLine]:
    """Counted rather than estimated, a step's number is still the most: the gate looks again before each message."""
    for step in run["steps"]:
        expected, made = step["expected_recipients"], report.ledger.steps.get(step["step"])
        actual = None if made is None or report.interim else made.handed_over
        yield ForecastLine(
            name=f"Step {step['step']}, {step['name']}: messages",
            unit="messages",
            basis="counted" if expected["basis"] == "known" else expected["basis"],
            estimate=expected["estimate"],
            low=None,
            high=step["recipients"],
            actual=actual,
            inside=None if actual is None else actual <= step["recipients"],
        )


def _exclusions(run: Run, report: LaunchReport) -> Iterator[ForecastLine]:
    candidates = run["audience"]["excluded"]["customers"]
    yield ForecastLine(
        name="Customers excluded before assignment",
        unit="customers",
        basis="counted",
        estimate=candidates,
        low=candidates,
        high=candidates,
        actual=report.customers.excluded,
        inside=report.customers.excluded == candidates,
    )
    if report.interim:
        return
    planned = {step["step"]: step["recipients"] for step in run["steps"]}
    missed = sum(
        max(0, planned[number] - _left(step)) for number, step in report.ledger.steps.items() if number in planned
    )
    yield ForecastLine(
        name="Messages that the gate, a branch or a pause still stopped",
        unit="messages",
        basis="not forecast",
        estimate=None,
        low=None,
        high=None,
        actual=missed,
        inside=None,
    )


def _left(step: LedgerStep) -> int:
    return step.handed_over + step.failed + step.unknown


def _cost(run: Run, report: LaunchReport) -> Iterator[ForecastLine]:
    for channel, row in run["cost"]["channels"].items():
        most, made = row["provider_cost"], report.cost.channels.get(channel)
        if most is None:
            continue
        actual = None if made is None or made.total is None or report.interim else float(Decimal(made.total))
        yield ForecastLine(
            name=f"Provider's cost, {CHANNELS[channel]}",
            unit="dollars",
            basis="list price",
            estimate=None,
            low=None,
            high=float(Decimal(most)),
            actual=actual,
            inside=None if actual is None else actual <= float(Decimal(most)),
        )


def _offers(run: Run, report: LaunchReport) -> Iterator[ForecastLine]:
    """What was redeemed and what that cost; no actual figures where orders do not tell."""
    exposure = run.get("offers")
    if exposure is None or report.offers is None:
        return
    given = {each.offer_id: each.redemptions for each in report.offers.offers}
    for row in exposure["offers"]:
        found, expected = given.get(row["offer_id"]), row["redemption"]
        yield _counted(
            f"Codes redeemed: {row['name']}",
            "customers",
            expected["source"],
            {part: row["customers"] * expected[part] for part in ("value", "low", "high")},
            None if found is None or report.interim else found.redeemed,
        )
    cost = None if report.interim else report.offers.cost_minor
    measured = all(row["redemption"]["source"] == "measured" for row in exposure["offers"])
    basis = "measured" if measured else "assumed"
    yield _counted("Cost of the offers", "money", basis, exposure["expected_minor"], cost)
    yield ForecastLine(
        name="Cost of the offers, all redeemed at their most",
        unit="money",
        basis="counted",
        estimate=None,
        low=None,
        high=exposure["worst_minor"],
        actual=cost,
        inside=None if cost is None else cost <= exposure["worst_minor"],
    )


def _counted(name: str, unit: Any, basis: str, expected: Mapping[str, float], actual: int | None) -> ForecastLine:
    """Inside when the count lies in the range, to whole numbers: of three customers nobody redeems 0.3 codes."""
    low, high = floor(expected["low"]), ceil(expected["high"])
    return ForecastLine(
        name=name,
        unit=unit,
        basis=basis,
        estimate=expected["value"],
        low=low,
        high=high,
        actual=actual,
        inside=None if actual is None else low <= actual <= high,
    )


def _returns(run: Run, report: LaunchReport) -> Iterator[ForecastLine]:
    """Of everyone treated who has somebody to be compared with, by the measured difference."""
    outlook = run["outlook"]
    groups = [each for each in (report.main, report.lapsed, report.not_lapsed) if each is not None and each.effect]
    yield _line(
        "Extra purchasers",
        "customers",
        outlook["basis"],
        outlook["extra_purchasers"],
        None if report.interim else _extra(groups),
    )
    revenue = report.revenue
    measured = None
    if revenue.effect is not None and not report.interim:
        number = revenue.treated.customers
        measured = tuple(
            number * bound for bound in (revenue.effect.difference, revenue.effect.low, revenue.effect.high)
        )
    yield _line("Extra revenue", "money", outlook["basis"], outlook["revenue_minor"], measured)


def _extra(groups: list[Comparison]) -> tuple[float, ...] | None:
    """Bounds of groups are added end to end: too wide rather than too narrow."""
    if not groups:
        return None
    sums = [0.0, 0.0, 0.0]
    for group in groups:
        assert group.effect is not None
        for place, bound in enumerate((group.effect.difference, group.effect.low, group.effect.high)):
            sums[place] += bound * group.treated.customers
    return tuple(sums)


def _line(
    name: str, unit: Any, basis: str, expected: Mapping[str, float], measured: tuple[float, ...] | None
) -> ForecastLine:
    """Inside when the measured interval and the range have something in common: neither is a point."""
    actual, low, high = measured or (None, None, None)
    inside = None
    if low is not None and high is not None:
        inside = low <= expected["high"] and high >= expected["low"]
    return ForecastLine(
        name=name,
        unit=unit,
        basis=basis,
        estimate=expected["estimate"],
        low=expected["low"],
        high=expected["high"],
        actual=actual,
        actual_low=low,
        actual_high=high,
        inside=inside,
    )
