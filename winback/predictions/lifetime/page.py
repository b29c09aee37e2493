"""The page of `winback clv`: what is expected of the customers, and whether such a forecast came true."""

from winback.money import exponent
from winback.pages import (
    Content,
    Html,
    Line,
    Tile,
    line_chart,
    note,
    page,
    paragraph,
    section,
    table,
    tiles,
)
from winback.pages.charts import Show
from winback.pages.figures import count, decimal, percent, span, whole_money
from winback.predictions.lifetime.analysis import UNCERTAINTY, Analysis
from winback.predictions.lifetime.purchases import Kind
from winback.predictions.lifetime.value import Total

_NAMES = {Kind.BG_NBD: "BG/NBD", Kind.MBG_NBD: "MBG/NBD"}
_MEANINGS = {
    "r": "shape of the purchase rates over customers",
    "alpha": "their rate parameter, in {unit}s",
    "a": "first parameter of the probabilities to stop",
    "b": "second parameter of the probabilities to stop",
    "p": "shape of a customer's purchase values",
    "q": "shape of the value rates over customers",
    "gamma": "their rate parameter, in the amounts' unit",
}


def lifetime_page(analysis: Analysis, currency: str) -> str:
    """A whole self-contained HTML document; amounts of the analysis are minor units of `currency`."""
    return page(
        "What your customers will be worth",
        _lead(analysis, currency),
        [
            _overview(analysis, currency),
            *([_tracking(analysis)] if analysis.weeks else []),
            *([_groups(analysis)] if analysis.groups else []),
            *([_errors(analysis)] if analysis.errors else []),
            _parameters(analysis, currency),
        ],
        kicker="Winback lifetime value",
        facts=(
            ("Calibration ends (inclusive)", analysis.calibration_end.isoformat()),
            ("Horizon", f"{count(round(analysis.horizon.days))} days"),
            ("Model", _NAMES[analysis.kind]),
        ),
        footer="Made by winback clv. It holds no customer: counts, shares and sums only.",
    )


def _lead(analysis: Analysis, currency: str) -> str:
    found = analysis.predictions
    purchases = f"about {count(round(found.total_purchases.value))} purchases"
    worth = "" if found.total_cltv is None else f", worth {_money(found.total_cltv.value, currency)} today"
    return (
        f"Of {count(len(analysis.observed.customers.repeats))} customers {purchases} are expected in the "
        f"{count(round(analysis.horizon.days))} days after the calibration{worth}."
    )


def _overview(analysis: Analysis, currency: str) -> Html:
    found, observed = analysis.predictions, analysis.observed
    row = [
        Tile(
            "Customers",
            count(len(observed.customers.repeats)),
            f"{count(int((observed.customers.repeats > 0).sum()))} bought again",
        ),
        Tile("Expected to be alive", count(round(float(found.p_alive.sum()))), f"by {_NAMES[analysis.kind]}"),
        Tile(
            "Expected purchases",
            count(round(found.total_purchases.value)),
            _range(found.total_purchases, lambda value: count(round(value))),
        ),
    ]
    if found.total_cltv is not None:
        row.append(
            Tile(
                "Their value today",
                _money(found.total_cltv.value, currency),
                _range(found.total_cltv, lambda value: _money(value, currency)),
            )
        )
        if observed.keeps.margin is not None:
            margin = found.total_cltv.value * observed.keeps.margin
            row.append(Tile("Margin of it", _money(margin, currency), f"{percent(observed.keeps.margin)} of the value"))
    remarks: list[Content] = [note(UNCERTAINTY)]
    if analysis.why_no_spend:
        remarks.append(note(f"No values: {analysis.why_no_spend}.", tone="caution"))
    elif observed.keeps.net < 1:
        remarks.append(
            paragraph(f"Values are net of returns: {percent(1 - observed.keeps.net)} of what is bought comes back.")
        )
    if analysis.horizon.discount_rate:
        remarks.append(
            paragraph(f"Later purchases are discounted at {percent(analysis.horizon.discount_rate)} a year.")
        )
    return section("What is expected", tiles(row), *remarks)


def _tracking(analysis: Analysis) -> Html:
    weeks = [week for week in analysis.weeks if week.week <= analysis.known_weeks]
    labels = [str(week.week).replace("-", "\N{MINUS SIGN}") for week in weeks]
    actual, forecast = [], []
    happened, foreseen = 0, 0.0
    for week in weeks:
        happened += week.actual or 0
        foreseen += week.forecast
        actual.append(float(happened))
        forecast.append(foreseen)
    end = next(place for place, week in enumerate(weeks) if week.week == 0)
    title = "weeks from the calibration's end, which the dotted rule marks"
    charts = [
        line_chart(
            [Line("Actual", actual, "other"), Line("Forecast", forecast)],
            labels,
            show=_short,
            label="Cumulative repeat purchases, forecast and actual",
            x_title=f"Cumulative repeat purchases; {title}",
            mark=end,
        ),
        line_chart(
            [
                Line("Actual", [float(week.actual or 0) for week in weeks], "other"),
                Line("Forecast", [week.forecast for week in weeks]),
            ],
            labels,
            show=_short,
            label="Repeat purchases of each week, forecast and actual",
            x_title=f"Repeat purchases of each week; {title}",
            mark=end,
        ),
    ]
    lead = (
        "Left of the rule the model was fitted; right of it it knew nothing of what came."
        if analysis.known_weeks
        else "The orders end with the calibration, so nothing can be held against the forecast yet."
    )
    return section("Forecast and what happened", *charts, lead=lead)


def _groups(analysis: Analysis) -> Html:
    labels = [f"{group.repeats}{'+' if group.and_more else ''}" for group in analysis.groups]
    chart = line_chart(
        [
            Line("Actual", [group.actual for group in analysis.groups], "other"),
            Line("Forecast", [group.forecast for group in analysis.groups]),
        ],
        labels,
        show=decimal,
        label="Purchases a customer after the calibration, by repeat purchases in it",
        x_title="Repeat purchases in the calibration",
    )
    sizes = table(
        ["Repeat purchases", "Customers", "Actual", "Forecast"],
        [
            [label, group.customers, decimal(group.actual), decimal(group.forecast)]
            for label, group in zip(labels, analysis.groups, strict=True)
        ],
    )
    return section(
        "Who bought often goes on buying",
        chart,
        sizes,
        lead=f"Purchases a customer in the {analysis.known_weeks} weeks after the calibration.",
    )


def _errors(analysis: Analysis) -> Html:
    rows = [
        [
            _NAMES[kind],
            percent(each.total),
            percent(each.weekly),
            decimal(each.customer_mean, 3),
            decimal(each.customer_root_mean_square, 3),
            decimal(each.correlation, 3),
        ]
        for kind, each in analysis.errors.items()
    ]
    headings = ["Model", "Total", "Mean week", "Mean a customer", "Root mean square", "Correlation"]
    return section(
        "How far off",
        table(headings, rows),
        lead="Forecast less actual: of the total, of single weeks (absolute), and of single customers' purchases.",
    )


def _parameters(analysis: Analysis, currency: str) -> Html:
    unit = "day" if analysis.unit_days == 1 else "week"
    rows: list[list[Content]] = []
    estimates = [(_NAMES[kind], estimate) for kind, estimate in analysis.purchases.items()]
    if analysis.spend is not None:
        estimates.append(("Gamma-Gamma", analysis.spend))
    for model, estimate in estimates:
        for name, value in zip(estimate.names, estimate.values, strict=True):
            scale = 10 ** exponent(currency) if name == "gamma" else 1
            bounds = [decimal(bound / scale, 3) for bound in estimate.interval(name)]
            meaning = _MEANINGS[name].format(unit=unit)
            told = "hardly told by the data" if name in estimate.weak else span(*bounds)
            rows.append([f"{model} {name}", decimal(value / scale, 3), told, meaning])
    likelihoods = ", ".join(
        f"{_NAMES[kind]} {decimal(estimate.log_likelihood, 1)}" for kind, estimate in analysis.purchases.items()
    )
    return section(
        "The fitted models",
        table(["Parameter", "Estimate", "95 % interval", "Meaning"], rows, align="lrrl"),
        paragraph(f"Log-likelihood: {likelihoods}."),
        lead="Maximum likelihood: Fader, Hardie and Lee (2005); Batislam and others (2007); Fader and Hardie (2013).",
    )


def _money(minor: float, currency: str) -> str:
    return whole_money(round(minor), currency)


def _range(total: Total, show: Show) -> str:
    return span(show(total.low), show(total.high))


def _short(value: float) -> str:
    return count(round(value)) if value >= 10 or float(value).is_integer() else decimal(value, 1)
