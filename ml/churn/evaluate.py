"""Backtests the churn model on CDNOW by time: `python -m ml.churn.evaluate` prints the table and writes JSON and card.

Each split trains on cuts whose label windows passed before the split's own cut, and forecasts everybody who purchased
before it. The last split, 1998-04-01, is the test; the kind of model and its terms were chosen by
AUC on the others.

Recency alone ranks by days of silence; its probabilities are an isotonic fit of churn on silence over the latest
training cut, which suits it better (on the validation split) than fitting it on all cuts.
"""

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression

from ml.churn import train
from ml.churn.card import render
from ml.churn.examples import CDNOW_END, CDNOW_FILE, HORIZON, Examples, Purchases, read_cdnow, training_cuts
from ml.churn.inference import NAMES, model_from
from ml.metrics import METRICS, Forecast, compare, reliability, score

SEED = 20261121
DRAWS = 1000
TEST = CDNOW_END - HORIZON
VALIDATION = TEST - HORIZON
EARLY = datetime(1997, 10, 1, tzinfo=UTC)
SPLITS = {"early": EARLY, "validation": VALIDATION, "test": TEST}

RESULT = Path("build/models/churn/evaluation.json")
CARD = Path("docs/models/churn.md")
CARD_FIGURES = Path("docs/models/churn.json")


def evaluate(purchases: Purchases, splits: dict[str, datetime] | None = None, draws: int = DRAWS) -> dict[str, Any]:
    """Figures of every split by name; see `evaluate_split`."""
    chosen = splits if splits is not None else SPLITS
    return {
        "data": "CDNOW",
        "horizon_days": HORIZON.days,
        "seed": SEED,
        "draws": draws,
        "features": list(NAMES),
        "splits": {name: evaluate_split(purchases, cut, draws) for name, cut in chosen.items()},
    }


def evaluate_split(purchases: Purchases, cut: datetime, draws: int) -> dict[str, Any]:
    """Model, recency alone and gradient boosting, trained before `cut` and scored on what happened after it."""
    cuts = training_cuts(cut)
    training, latest, held_out = purchases.over(cuts), purchases.at(cuts[0]), purchases.at(cut)
    stored = train.fit(training.values, training.churned)
    probability = model_from(stored).predict(held_out.values)
    forecasts = {
        "model": Forecast.of(probability),
        "recency": recency_alone(latest, held_out),
        "gradient_boosting": Forecast.of(gradient_boosting(training, held_out)),
    }
    return {
        "cut": f"{cut:%Y-%m-%d}",
        "training_cuts": [f"{day:%Y-%m-%d}" for day in cuts],
        "training_rows": len(training),
        "customers": len(held_out),
        "churned": float(held_out.churned.mean()),
        "mean_forecast": float(probability.mean()),
        "model_id": stored["model_id"],
        "scores": {name: score(forecast, held_out.churned) for name, forecast in forecasts.items()},
        "model_minus_recency": compare(
            forecasts["model"], forecasts["recency"], held_out.churned, seed=SEED, draws=draws
        ),
        "reliability": reliability(probability, held_out.churned),
    }


def recency_alone(training: Examples, held_out: Examples) -> Forecast:
    fit = IsotonicRegression(y_min=0.001, y_max=0.999, out_of_bounds="clip").fit(training.silence, training.churned)
    return Forecast(held_out.silence, fit.predict(held_out.silence))


def gradient_boosting(training: Examples, held_out: Examples) -> Any:
    boosted = HistGradientBoostingClassifier(
        max_depth=4, learning_rate=0.05, max_iter=100, l2_regularization=5.0, min_samples_leaf=200, random_state=0
    )
    return boosted.fit(training.values, training.churned).predict_proba(held_out.values)[:, 1]


def table(result: dict[str, Any]) -> str:
    """For a terminal: one line a forecast and split, then the differences."""
    lines = [f"{'':36}{'AUC':>9}{'log loss':>10}{'Brier':>9}"]
    for name, split in result["splits"].items():
        lines.append(f"{name} {split['cut']}, {split['customers']:,} customers, {split['churned']:.1%} churned")
        for forecast, scores in split["scores"].items():
            lines.append(f"  {forecast:34}" + "{auc:>9.4f}{log_loss:>10.4f}{brier:>9.4f}".format(**scores))
        for metric in METRICS:
            gain = split["model_minus_recency"][metric]
            verdict = "better" if gain["better"] else "not shown to be better"
            lines.append(
                f"  model - recency, {metric:12} {gain['difference']:+.4f}"
                f"  95 % interval {gain['low']:+.4f} to {gain['high']:+.4f}: {verdict}"
            )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, default=CDNOW_FILE, help="CDNOW_master.txt")
    parser.add_argument("--out", type=Path, default=RESULT, help="JSON file to write")
    parser.add_argument("--write-card", action="store_true", help=f"also rewrite {CARD} and {CARD_FIGURES}")
    options = parser.parse_args(arguments)
    result = evaluate(read_cdnow(options.dataset))
    text = json.dumps(result, indent=1) + "\n"
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text)
    if options.write_card:
        CARD.parent.mkdir(parents=True, exist_ok=True)
        CARD_FIGURES.write_text(text)
        CARD.write_text(render(result))
    print(table(result))  # noqa: T201


if __name__ == "__main__":
    main()
