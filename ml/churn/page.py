"""The page of `winback churn evaluate`: whether the model beats the baselines, and how true its probabilities are."""

from collections.abc import Mapping
from typing import Any

from ml.churn.card import NAMES_OF_FORECASTS, NAMES_OF_GROUPS, hundredths
from winback.pages import (
    Content,
    Html,
    Interval,
    Line,
    Tile,
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
from winback.pages.figures import count, percent


def churn_page(result: Mapping[str, Any]) -> str:
    """A whole self-contained HTML document of what `evaluate.evaluate` returns."""
    test = result["splits"][-1]
    return page(
        "Who will buy nothing, and how sure that is",
        _lead(result, test),
        [_overview(test), _against(test), _calibration(test), *(_split(split) for split in reversed(result["splits"]))],
        kicker="Winback churn",
        facts=(
            ("Orders until (exclusive)", result["until"]),
            ("Horizon", f"{result['horizon_days']} days"),
            ("Test from", test["cut"]),
        ),
        footer="Made by winback churn evaluate. It holds no customer: counts, shares and scores only.",
    )


def _lead(result: Mapping[str, Any], test: Mapping[str, Any]) -> str:
    return (
        f"Of {count(test['groups']['everybody']['customers'])} customers on {test['cut']}, "
        f"{percent(test['checks']['observed'])} bought nothing in the {result['horizon_days']} days after; "
        f"{percent(test['checks']['mean_forecast'])} was forecast. "
        f"What serves: {NAMES_OF_FORECASTS[test['serves']]}."
    )


def _overview(test: Mapping[str, Any]) -> Html:
    groups = [
        Tile(
            NAMES_OF_GROUPS[name],
            count(group["customers"]),
            f"{percent(group['churned'] / group['customers'])} bought nothing" if group["customers"] else "",
        )
        for name, group in test["groups"].items()
    ]
    lead = f"Trained on {count(test['training_rows'])} rows of {len(test['training_cuts'])} earlier cuts."
    return section("The test", tiles(groups), lead=lead)


def _against(test: Mapping[str, Any]) -> Html:
    parts: list[Content] = []
    for name, group in test["groups"].items():
        parts.append(subheading(NAMES_OF_GROUPS[name]))
        if "model_minus" not in group:
            parts.append(paragraph("Too small to tell."))
            continue
        rows = [
            Interval(NAMES_OF_FORECASTS[baseline], gap["difference"], gap["low"], gap["high"])
            for baseline, gap in ((baseline, gaps["log_loss"]) for baseline, gaps in group["model_minus"].items())
        ]
        parts.append(interval_chart(rows, show=_signed, unit="log loss", label=f"{NAMES_OF_GROUPS[name]}: differences"))
    return section(
        "Boosted trees minus each baseline",
        *parts,
        lead="Log loss, with 95 % intervals over customers: left of zero the trees are better. A hollow point is not "
        "shown to differ.",
    )


def _calibration(test: Mapping[str, Any]) -> Html:
    tenths = test["reliability"]
    chart = line_chart(
        [
            Line("Forecast", [tenth["forecast"] for tenth in tenths]),
            Line("Observed", [tenth["observed"] for tenth in tenths], "other"),
        ],
        [str(number) for number, _ in enumerate(tenths, 1)],
        show=percent,
        label="Mean forecast and observed share who bought nothing, by tenth of the forecasts",
        x_title="Tenths of the customers, by forecast",
    )
    slope = hundredths(test["checks"]["calibration_slope"])
    remark = paragraph(f"Calibration slope {slope}: 1 is right, below 1 the forecasts are too extreme.")
    return section("Forecast and what happened", chart, remark)


def _split(split: Mapping[str, Any]) -> Html:
    parts: list[Content] = []
    for name, group in split["groups"].items():
        parts.append(subheading(f"{NAMES_OF_GROUPS[name]}: {count(group['customers'])} customers"))
        if "scores" not in group:
            parts.append(note("Too small to tell.", tone="caution"))
            continue
        rows: list[list[Content]] = [
            [
                NAMES_OF_FORECASTS[forecast],
                f"{scores['auc']:.4f}",
                f"{scores['log_loss']:.4f}",
                f"{scores['brier']:.4f}",
                hundredths(scores["calibration_slope"]),
                hundredths(scores["calibration_intercept"]),
            ]
            for forecast, scores in group["scores"].items()
        ]
        parts.append(table(["Forecast", "AUC", "Log loss", "Brier score", "Slope", "Intercept"], rows))
    served = NAMES_OF_FORECASTS[split["serves"]]
    return section(f"Forecasts of {split['cut']}", *parts, lead=f"Would serve: {served}.")


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")
