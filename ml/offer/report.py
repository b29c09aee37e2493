"""An evaluation of offers in words: as JSON rows, as warnings, and as a page with the Qini curves."""

from math import isfinite
from typing import Any

from ml.offer.evaluate import FEWEST_EFFECTIVE, NOBODY, ArmReport, Evaluation
from ml.offer.logged import SMALLEST_PROPENSITY
from ml.offer.reading import LoggedFile
from ml.offer.values import Estimate
from winback.pages.charts import Interval, Line, interval_chart, line_chart
from winback.pages.document import Tile, bullets, note, page, section, tiles
from winback.pages.figures import count, decimal, percent, span
from winback.pages.tables import table


def warnings(result: Evaluation, file: LoggedFile) -> list[str]:
    """What a reader must know before believing the figures."""
    said = []
    if file.unbalanced:
        worst = ", ".join(
            f"{name} (p = {p:.1g})" for name, p in sorted(file.unbalanced.items(), key=lambda each: each[1])[:5]
        )
        said.append(
            f"The arms were declared randomised, but differ before anything was given: {worst}. Unless this is "
            "explained, differences between arms are those of their customers, and nothing is served"
        )
    if result.clipped:
        said.append(
            f"{count(result.clipped)} propensities below {SMALLEST_PROPENSITY} were raised to it: the values are "
            "biased towards what was done to those rows"
        )
    for report in result.arms:
        if not report.weight_fits:
            said.append(
                f"The propensities of {report.arm!r} account for {percent(report.weight)} of the rows instead of all: "
                "either they are wrong, or the arm was not open to everybody and its value is guessed for the others"
            )
        if report.effective_rows < FEWEST_EFFECTIVE:
            said.append(
                f"{report.arm!r} has {decimal(report.effective_rows, 0)} effective rows: too small to tell, "
                "and not served"
            )
    return said


def as_json(result: Evaluation, file: LoggedFile) -> dict[str, Any]:
    """What `winback offers evaluate --json` prints; amounts in the reward's unit, per row, after costs."""
    return {
        "rows": result.rows,
        "customers": result.customers,
        "control": result.arms[0].arm,
        "randomised": result.randomised,
        "features": list(file.names),
        "equal_shares_p_value": _round(file.equal_shares_p_value),
        "unbalanced_features": {name: float(f"{p:.3g}") for name, p in file.unbalanced.items()},
        "clipped_propensities": result.clipped,
        "logged_value": _estimate(result.logged_value),
        "policies": [
            {
                "policy": name,
                "doubly_robust": _estimate(value.doubly_robust),
                "gain_over_nobody": _estimate(result.gains[name]) if name in result.gains else None,
                "ips": _estimate(value.ips),
                "self_normalised_ips": _estimate(value.self_normalised),
                "effective_rows": round(value.effective_rows, 1),
                "cost_per_row": _round(float(sum(file.data.cost * value.shares))),
                "shares": {report.arm: _round(share) for report, share in zip(result.arms, value.shares, strict=True)},
            }
            for name, value in result.policies.items()
        ],
        "arms": [_arm(report) for report in result.arms],
        "verdict": {
            "serves": result.verdict.serves,
            "reason": result.verdict.reason,
            "best_single_arm": result.verdict.best_arm,
            "gain_over_best_single_arm": _estimate(result.verdict.gain_over_best_arm),
        },
        "warnings": warnings(result, file),
    }


def as_page(result: Evaluation, file: LoggedFile) -> str:
    """A page of its own: verdict, values with intervals, effects of each arm, Qini curves."""
    said = warnings(result, file)
    head = tiles(
        [
            Tile("Would be served", _sentence(verdict_words(result))),
            Tile("Rows", count(result.rows), f"of {count(result.customers)} customers"),
            Tile("As it was decided", decimal(result.logged_value.value), "mean reward after costs"),
        ]
    )
    sections = [
        section("The verdict", head, note(f"{_sentence(result.verdict.reason)}."), bullets(said) if said else None),
        section(
            "What each policy brings",
            interval_chart(
                [
                    Interval(name, found.value, found.low, found.high)
                    for name, found in result.gains.items()
                    if isfinite(found.error)
                ],
                show=decimal,
                unit=f"more than {result.arms[0].arm!r} for all",
                label="Doubly robust gain of each policy over the control for all",
            ),
            table(
                ["Policy", "Doubly robust", "IPS", "Self-normalised", "Effective rows", "Gives"],
                [policy_words(result, name) for name in result.policies],
                align="lrrrrl",
            ),
            lead="Mean reward per row after costs with its 95 % interval, estimated on customers that the models did "
            "not see.",
        ),
        *(_qini_section(report) for report in result.arms if report.qini is not None),
    ]
    return page(
        "Offers: what each changes, and for whom",
        f"{_sentence(verdict_words(result))}: {result.verdict.reason}.",
        sections,
        kicker="Winback",
        facts=[("Control", result.arms[0].arm), ("Arms", ", ".join(report.arm for report in result.arms[1:]))],
        footer="Cross-fitted by customer; intervals take the policies as given.",
    )


def policy_words(result: Evaluation, name: str) -> list[str]:
    """One line of the table of policies."""
    value = result.policies[name]
    gives = [
        f"{report.arm} {percent(share, 0)}"
        for report, share in zip(result.arms, value.shares, strict=True)
        if share >= 0.005
    ]
    return [
        name,
        estimate_words(value.doubly_robust),
        estimate_words(value.ips),
        estimate_words(value.self_normalised),
        decimal(value.effective_rows, 0),
        ", ".join(gives),
    ]


def arm_words(report: ArmReport) -> list[str]:
    """One line of the table of arms."""
    curve = report.qini
    return [
        report.arm,
        count(report.rows),
        percent(report.share),
        decimal(report.naive),
        estimate_words(report.effect) if report.effect is not None else "control",
        f"{decimal(curve.coefficient, 3)} ({span(decimal(curve.low, 3), decimal(curve.high, 3))})" if curve else "",
    ]


def estimate_words(estimate: Estimate) -> str:
    if not isfinite(estimate.error):
        return "too small to tell"
    return f"{decimal(estimate.value)} ({span(decimal(estimate.low), decimal(estimate.high))})"


def verdict_words(result: Evaluation) -> str:
    serves = result.verdict.serves
    if serves == "personalised":
        return "a choice by customer"
    return f"nobody gets anything but {result.arms[0].arm!r}" if serves == NOBODY else f"{serves!r} for everybody"


def _qini_section(report: ArmReport) -> Any:
    curve = report.qini
    assert curve is not None
    whole = curve.curve[-1]
    return section(
        f"Does the order of customers matter for {report.arm}?",
        line_chart(
            [
                Line("by predicted uplift", curve.curve, "main"),
                Line("in any order", [share * whole for share in curve.shares], "quiet"),
            ],
            [percent(share, 0) for share in curve.shares],
            show=decimal,
            label=f"Qini curve of {report.arm}",
            x_title=f"share of customers who get {report.arm}, those of the largest predicted uplift first",
        ),
        lead=f"Gain per customer of all against the control. Qini coefficient (area between the lines) "
        f"{decimal(curve.coefficient, 3)}, 95 % interval {span(decimal(curve.low, 3), decimal(curve.high, 3))}"
        f"{'' if curve.low > 0 else ': not shown to be better than any order'}.",
    )


def _arm(report: ArmReport) -> dict[str, Any]:
    curve = report.qini
    return {
        "arm": report.arm,
        "rows": report.rows,
        "share": _round(report.share),
        "naive_mean": _round(report.naive),
        "mean_weight": _round(report.weight),
        "effective_rows": round(report.effective_rows, 1),
        "effect_against_control": _estimate(report.effect) if report.effect is not None else None,
        "qini": {
            "coefficient": _round(curve.coefficient),
            "low": _round(curve.low),
            "high": _round(curve.high),
            "shares": [_round(share) for share in curve.shares],
            "curve": [_round(gain) for gain in curve.curve],
        }
        if curve is not None
        else None,
    }


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    return {name: _round(value) for name, value in estimate.row().items()}


def _round(value: float) -> float | None:
    """None where nothing can be said, such as the spread of a single customer."""
    return float(f"{value:.6g}") if isfinite(value) else None


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
