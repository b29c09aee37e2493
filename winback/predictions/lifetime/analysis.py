"""A file's customers fitted, predicted, and held against what came after: all that `winback clv` reports."""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from winback.predictions.lifetime.fitting import Estimate, NotConverged, NotIdentified
from winback.predictions.lifetime.forecast import Errors, Group, by_repeats, errors, expected_repeats
from winback.predictions.lifetime.observation import WEEK, Observed, purchases_after, weekly_repeats
from winback.predictions.lifetime.purchases import Kind, fit_purchases, purchase_model
from winback.predictions.lifetime.spend import fit_spend
from winback.predictions.lifetime.value import Customers, Fitted, Horizon, Predictions, Total, predict

Vector = NDArray[np.float64]
UNCERTAINTY = (
    "Intervals are 95 % and contain the uncertainty of the fitted parameters. They do not contain how single customers "
    "differ from what is expected of them, nor that the models may be wrong or the shop may change."
)


@dataclass(frozen=True)
class Week:
    """Repeat purchases of the customers acquired by the calibration's end. Week 0 ends on that day; `actual` is None
    where the orders end before the week does. `forecast` of a week up to 0 is the fit."""

    week: int
    ends: date
    actual: int | None
    forecast: float


@dataclass(frozen=True)
class Analysis:
    calibration_end: date
    unit_days: int
    horizon: Horizon
    kind: Kind
    observed: Observed
    purchases: dict[Kind, Estimate]
    spend: Estimate | None
    why_no_spend: str
    predictions: Predictions
    weeks: list[Week]
    known_weeks: int
    """After the calibration, of those whose purchases are all known."""
    groups: list[Group]
    errors: dict[Kind, Errors]

    @property
    def fitted(self) -> Fitted:
        return Fitted(self.kind, self.unit_days, self.purchases[self.kind], self.spend)


def analyse(
    connection: duckdb.DuckDBPyConnection,
    observed: Observed,
    *,
    calibration_end: date,
    unit_days: int,
    horizon: Horizon,
    kind: Kind,
) -> Analysis:
    """Reads the tables that `observe` made. Raises NotIdentified or NotConverged when purchases cannot be fitted; when
    only their value cannot, the values stay out and `why_no_spend` says why."""
    histories, place = observed.customers.histories(unit_days)
    purchases = {each: fit_purchases(each, histories) for each in Kind}
    spend, why_no_spend = fit_spend_of(observed.customers)
    fitted = Fitted(kind, unit_days, purchases[kind], spend)
    # The purchases of the last, unfinished week are not all known.
    known = max(0, (observed.last_day - calibration_end).days // WEEK)
    ahead = -(-round(horizon.days) // WEEK)
    known = min(known, ahead)
    actual = weekly_repeats(connection, calibration_end)
    first = -(int(observed.customers.age_days.max()) // WEEK)

    def forecasts(each: Kind) -> Vector:
        """Purchases expected of all customers by the end of each week after the calibration, given their histories."""
        model = purchase_model(each, purchases[each])
        repeats, counts = histories.repeats.astype(float), histories.customers.astype(float)
        alive = counts * model.p_alive(repeats, histories.recency, histories.age)
        ends = [week * WEEK / unit_days for week in range(1, ahead + 1)]
        return np.array([float(alive @ model.expected_while_alive(repeats, histories.age, end)) for end in ends])

    fit = expected_repeats(
        purchase_model(kind, purchases[kind]),
        observed.cohorts,
        [week * WEEK for week in range(first - 1, 1)],
        unit_days,
    )
    foreseen = {each: np.diff(forecasts(each), prepend=0.0) for each in Kind}
    weeks = [
        Week(
            week=week,
            ends=calibration_end + timedelta(days=week * WEEK),
            actual=actual.get(week, 0) if week <= known else None,
            forecast=float(forecast),
        )
        for week, forecast in zip(range(first, ahead + 1), np.concatenate([np.diff(fit), foreseen[kind]]), strict=True)
    ]
    groups: list[Group] = []
    judged: dict[Kind, Errors] = {}
    if known:
        happened = purchases_after(connection, calibration_end, known)
        weekly = np.array([actual.get(week, 0) for week in range(1, known + 1)], dtype=float)
        for each in Kind:
            model = purchase_model(each, purchases[each])
            of_history = model.expected(
                histories.repeats.astype(float), histories.recency, histories.age, known * WEEK / unit_days
            )
            judged[each] = errors(weekly, foreseen[each][:known], happened, of_history[place])
            if each is kind:
                groups = by_repeats(observed.customers.repeats, happened, of_history[place])
    return Analysis(
        calibration_end=calibration_end,
        unit_days=unit_days,
        horizon=horizon,
        kind=kind,
        observed=observed,
        purchases=purchases,
        spend=spend,
        why_no_spend=why_no_spend,
        predictions=predict(observed.customers, fitted, horizon, observed.keeps),
        weeks=weeks,
        known_weeks=known,
        groups=groups,
        errors=judged,
    )


def fit_spend_of(customers: Customers) -> tuple[Estimate | None, str]:
    """The estimate, or why there is none."""
    rows = (customers.paid > 0) & (customers.spent > 0)
    try:
        return fit_spend(customers.paid[rows], customers.spent[rows]), ""
    except (NotIdentified, NotConverged) as problem:
        return None, str(problem)


def describe(analysis: Analysis, minor_units: int) -> dict[str, Any]:
    """As JSON; amounts in major units, of which one is so many minor units."""
    estimates: dict[str, Estimate] = {str(kind): estimate for kind, estimate in analysis.purchases.items()}
    if analysis.spend is not None:
        estimates["gamma-gamma"] = analysis.spend
    found, observed = analysis.predictions, analysis.observed
    return {
        "calibration_end": analysis.calibration_end.isoformat(),
        "time_unit": "day" if analysis.unit_days == 1 else "week",
        "model": str(analysis.kind),
        "customers": len(observed.customers.repeats),
        "repeat_customers": int((observed.customers.repeats > 0).sum()),
        "spend_customers": int((observed.customers.paid > 0).sum()),
        "parameters": {
            name: {parameter: _scaled(parameter, value, minor_units) for parameter, value in _values(estimate).items()}
            for name, estimate in estimates.items()
        },
        "intervals": {
            name: {
                parameter: [_scaled(parameter, bound, minor_units) for bound in estimate.interval(parameter)]
                for parameter in estimate.names
            }
            for name, estimate in estimates.items()
        },
        "log_likelihood": {
            name: round(_in_major(name, estimate, observed, minor_units), 4) for name, estimate in estimates.items()
        },
        "hardly_told_by_the_data": {name: list(estimate.weak) for name, estimate in estimates.items() if estimate.weak},
        "why_no_value": analysis.why_no_spend or None,
        "horizon_days": analysis.horizon.days,
        "discount_rate": analysis.horizon.discount_rate,
        "share_kept_after_returns": round(observed.keeps.net, 6),
        "margin_share": None if observed.keeps.margin is None else round(observed.keeps.margin, 6),
        "expected_purchases": _total(found.total_purchases, 1),
        "cltv": None if found.total_cltv is None else _total(found.total_cltv, minor_units),
        "weeks_with_actuals": analysis.known_weeks,
        "calibration_weeks": _weeks([week for week in analysis.weeks if week.week <= 0]),
        "weeks": _weeks([week for week in analysis.weeks if week.week > 0]),
        "errors": {
            str(kind): {name: _rounded(value) for name, value in asdict(each).items()}
            for kind, each in analysis.errors.items()
        },
        "by_calibration_purchases": [
            {**asdict(group), "actual": _rounded(group.actual), "forecast": _rounded(group.forecast)}
            for group in analysis.groups
        ],
        "uncertainty": UNCERTAINTY,
    }


def _values(estimate: Estimate) -> dict[str, float]:
    return dict(zip(estimate.names, estimate.values, strict=True))


def _scaled(parameter: str, value: float, minor_units: int) -> float:
    """gamma is an amount."""
    return float(f"{value / (minor_units if parameter == 'gamma' else 1):.6g}")


def _in_major(name: str, estimate: Estimate, observed: Observed, minor_units: int) -> float:
    """A density of amounts depends on their unit: each customer's is so many times greater a major unit."""
    if name != "gamma-gamma":
        return estimate.log_likelihood
    customers = int(((observed.customers.paid > 0) & (observed.customers.spent > 0)).sum())
    return estimate.log_likelihood + customers * float(np.log(minor_units))


def _total(total: Total, minor_units: int) -> dict[str, float]:
    return {name: round(value / minor_units, 2) for name, value in asdict(total).items()}


def _weeks(weeks: list[Week]) -> list[dict[str, Any]]:
    """With the sums from the first of these weeks on."""
    actual, forecast, rows = 0, 0.0, []
    for week in weeks:
        actual += week.actual or 0
        forecast += week.forecast
        rows.append(
            {
                "week": week.week,
                "ends": week.ends.isoformat(),
                "actual": week.actual,
                "forecast": round(week.forecast, 2),
                "cumulative_actual": None if week.actual is None else actual,
                "cumulative_forecast": round(forecast, 2),
            }
        )
    return rows


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
