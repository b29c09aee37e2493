"""Backtests the churn model by time: `python -m ml.churn.evaluate` prints CDNOW's and Complete Journey's tables.

Each split trains on cuts whose label windows passed before the split's own cut, and forecasts everybody who purchased
before it. The last split, a horizon before the end of the orders, is the test; the boosted trees' form was chosen on
the splits before it. `winback churn evaluate` does the same with any file of orders.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import wrap
from typing import Any

import duckdb
import numpy as np

from ml.churn import fitting, inference, judging, train
from ml.churn.card import hundredths, render
from ml.churn.datasets import CDNOW_END, JOURNEY_END, open_cdnow, open_complete_journey
from ml.churn.examples import rows_at, rows_over
from ml.metrics import Forecast, calibration_line, compare_each, reliability, score
from winback.features.examples import HORIZON_DAYS, STANDINGS, TooLittleHistory, training_cuts

SEED = judging.SEED
DRAWS = 1000
MOST_SPLITS = 3
EVERYBODY = "everybody"
FEWEST = 30
"""Below this many customers of either outcome a group is too small to tell."""

CARD = Path("docs/models/churn.md")
CARD_FIGURES = Path("docs/models/churn.json")

Report = Callable[[str], None]


def _quiet(doing: str) -> None:
    del doing


def split_cuts(first: datetime, until: datetime, horizon_days: int) -> list[datetime]:
    """The test's cut and at most two before it, a horizon apart, as far as there is something to train on; the earliest
    first. Raises TooLittleHistory when there is nothing for the test."""
    cuts: list[datetime] = []
    for number in range(1, MOST_SPLITS + 1):
        cut = until - timedelta(days=number * horizon_days)
        try:
            training_cuts(first, cut, horizon_days=horizon_days)
        except TooLittleHistory:
            if not cuts:
                raise
            break
        cuts.insert(0, cut)
    return cuts


def evaluate(
    orders: duckdb.DuckDBPyConnection,
    *,
    name: str,
    first: datetime,
    until: datetime,
    horizon_days: int = HORIZON_DAYS,
    draws: int = DRAWS,
    splits: int = MOST_SPLITS,
    report: Report = _quiet,
) -> dict[str, Any]:
    """Figures of the last `splits` splits of `orders` (winback.features), which reach from `first` until `until`.

    `report` is told of each step. Raises TooLittleHistory, and ValueError where only one outcome occurs.
    """
    cuts = split_cuts(first, until, horizon_days)[-splits:]
    return {
        "data": name,
        "until": f"{until:%Y-%m-%d}",
        "horizon_days": horizon_days,
        "seed": SEED,
        "draws": draws,
        "splits": [
            evaluate_split(orders, cut, first=first, horizon_days=horizon_days, draws=draws, report=report)
            for cut in cuts
        ],
    }


def evaluate_split(
    orders: duckdb.DuckDBPyConnection,
    cut: datetime,
    *,
    first: datetime,
    horizon_days: int,
    draws: int,
    report: Report = _quiet,
) -> dict[str, Any]:
    """The model and every baseline, trained before `cut` and scored on what happened after it."""
    cuts = training_cuts(first, cut, horizon_days=horizon_days)
    report(f"{cut:%Y-%m-%d}: {len(cuts)} cuts to train on")
    rows = rows_over(orders, cuts, horizon_days=horizon_days)
    held_out = rows_at(orders, cut, horizon_days=horizon_days)
    fitted = {"model": fitting.fit_trees(rows, horizon_days), **fitting.fit_baselines(rows, horizon_days)}
    stored = {kind: train.stored(found, rows, horizon_days) for kind, found in fitted.items()}
    models = {kind: inference.model_from(content) for kind, content in stored.items()}
    served, judged = judging.judge(models, held_out, None)
    # A baseline ranks by its score, which is finer than its probability.
    forecasts = {
        kind: Forecast(model.forecaster.scores(held_out.values), model.predict(held_out.values))
        for kind, model in models.items()
    }
    forecasts["model"] = Forecast.of(forecasts["model"].probability)
    report(f"{cut:%Y-%m-%d}: {draws:,} bootstrap draws")
    return {
        "cut": f"{cut:%Y-%m-%d}",
        "training_cuts": [f"{day:%Y-%m-%d}" for day in cuts],
        "training_rows": len(rows),
        "serves": served,
        "model_id": stored[served]["model_id"],
        "calibration": fitted["model"]["calibration"]["method"],
        "checks": judged["checks"],
        "groups": {group: _group(forecasts, held_out, group, draws) for group in (EVERYBODY, *STANDINGS)},
        "reliability": reliability(models[served].predict(held_out.values), held_out.churned),
    }


def _group(forecasts: Mapping[str, Forecast], held_out: fitting.Rows, group: str, draws: int) -> dict[str, Any]:
    """Of some customers; without scores where they are too few to tell."""
    kept = np.ones(len(held_out), dtype=bool) if group == EVERYBODY else held_out.standings == group
    outcome = held_out.churned[kept]
    found: dict[str, Any] = {"customers": int(kept.sum()), "churned": int(outcome.sum())}
    if min(outcome.sum(), len(outcome) - outcome.sum()) < FEWEST:
        return found
    some = {name: forecast.of_rows(kept) for name, forecast in forecasts.items()}
    model = some.pop("model")
    return {
        **found,
        "scores": {name: _figures(forecast, outcome) for name, forecast in {"model": model, **some}.items()},
        "model_minus": compare_each(model, some, outcome, seed=SEED, draws=draws),
    }


def _figures(forecast: Forecast, outcome: Any) -> dict[str, float | None]:
    intercept, slope = calibration_line(forecast.probability, outcome)
    line = {"calibration_slope": slope, "calibration_intercept": intercept}
    return {**score(forecast, outcome), **{name: value if np.isfinite(value) else None for name, value in line.items()}}


def table(result: dict[str, Any]) -> str:
    """For a terminal of 80 characters: a line a forecast, by split and group, and what the differences show."""
    lines = [f"{result['data']}: who buys nothing within {result['horizon_days']} days"]
    head = f"  {'':18}{'AUC':>7}{'log loss':>9}{'Brier':>7}{'slope':>6}  model - this, log loss (95 %)"
    for split in result["splits"]:
        lines.append(f"\n{split['cut']}, trained on {split['training_rows']:,} rows; serves {split['serves']}")
        for group, figures in split["groups"].items():
            share = figures["churned"] / figures["customers"] if figures["customers"] else 0
            lines.append(f"{group.replace('_', ' ')}: {figures['customers']:,} customers, {share:.1%} churned")
            if "scores" not in figures:
                lines.append("  too small to tell")
                continue
            lines.append(head)
            for name, scores in figures["scores"].items():
                line = f"  {name:18}{scores['auc']:>7.3f}{scores['log_loss']:>9.4f}{scores['brier']:>7.3f}"
                line += f"{hundredths(scores['calibration_slope']):>6}"
                if name != "model":
                    gap = figures["model_minus"][name]["log_loss"]
                    line += f"  {gap['difference']:+.4f} ({gap['low']:+.4f} to {gap['high']:+.4f})"
                lines.append(line)
            lines += _verdicts(figures["model_minus"])
    return "\n".join(lines)


def _verdicts(gaps: Mapping[str, Any]) -> list[str]:
    """A line for each verdict that occurs, with the baselines that it is about."""
    said: dict[str, list[str]] = {}
    for name, gap in gaps.items():
        said.setdefault(verdict(gap["log_loss"]), []).append(name)
    return [
        line
        for words in ("model better", "baseline better", "not shown")
        if words in said
        for line in wrap(f"{words}: {', '.join(said[words])}", 78, initial_indent="  ", subsequent_indent="    ")
    ]


def verdict(gap: Mapping[str, Any]) -> str:
    """Of a log loss's difference, model minus baseline."""
    if gap["better"]:
        return "model better"
    return "baseline better" if gap["low"] > 0 else "not shown"


def public() -> list[dict[str, Any]]:
    """Both public data sets. Raises FileNotFoundError when they are not set up."""
    found = []
    for name, orders, until in (
        ("CDNOW", open_cdnow(), CDNOW_END),
        ("Complete Journey", open_complete_journey(), JOURNEY_END),
    ):
        found.append(evaluate(orders, name=name, first=first_purchase(orders), until=until))
    return found


def first_purchase(orders: duckdb.DuckDBPyConnection) -> datetime:
    """The start of its UTC day. Raises TooLittleHistory when there is none."""
    ((first,),) = orders.execute(
        "SELECT timezone('UTC', date_trunc('day', min(ordered_at))) FROM orders WHERE amount_minor >= 0"
    ).fetchall()
    if first is None:
        raise TooLittleHistory("there is no purchase among the orders")
    moment: datetime = first
    return moment


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-card", action="store_true", help=f"also rewrite {CARD} and {CARD_FIGURES}")
    options = parser.parse_args(arguments)
    results = public()
    if options.write_card:
        CARD.parent.mkdir(parents=True, exist_ok=True)
        CARD_FIGURES.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")
        CARD.write_text(render(results))
    print("\n\n".join(map(table, results)))  # noqa: T201


if __name__ == "__main__":
    main()
