"""The churn endpoint: a batch of 500 rows through the full contract (decode, predict, encode) against the bare predict.

Two bare predicts stand beside it: scikit-learn's own of the same boosted trees, which is what a container without our
export would call, and that of the exported arrays, which is what the endpoint runs.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml import contract
from ml.churn import fitting, inference, inputs, train

ROWS = contract.MAX_ROWS
ROUNDS = 300
TRAINING_ROWS = 20_000


@dataclass(frozen=True)
class EndpointFigures:
    """Median microseconds of processor time of one batch."""

    contract: float
    with_reasons: float
    predict: float
    scikit_learn: float

    @property
    def ratio(self) -> float:
        return self.contract / self.predict

    @property
    def ratio_to_scikit_learn(self) -> float:
        return self.contract / self.scikit_learn


def examples(rows: int) -> fitting.Rows:
    """Made up, with what a store without discounts and messages does not know."""
    random = np.random.default_rng(1)
    purchases, silence = random.integers(1, 9, rows), random.integers(0, 400, rows)
    columns: dict[str, Any] = {
        "purchases": purchases,
        "silence_days": silence,
        "span_days": np.where(purchases > 1, random.integers(1, 400, rows), 0),
        "purchases_last_91_days": random.integers(0, 3, rows),
        "purchases_last_182_days": random.integers(0, 5, rows),
        "median_gap_days": np.where(purchases > 1, random.integers(1, 90, rows), np.nan),
        "gap_log_mean": np.where(purchases > 1, random.uniform(1, 5, rows).round(9), np.nan),
        "gap_log_spread": np.where(purchases > 2, random.uniform(0, 2, rows).round(9), np.nan),
        "lapse_days": random.integers(30, 200, rows),
        "return_rate": np.zeros(rows),
        "premium_share": random.uniform(0, 1, rows),
        "categories": random.integers(1, 20, rows),
        "lines_per_order": random.uniform(1, 9, rows),
    }
    unknown = np.full(rows, np.nan)
    values = np.column_stack([columns.get(name, unknown) for name in inputs.NAMES]).astype(np.float64)
    churned = (silence + 100 * random.normal(size=rows) > 150).astype(np.float64)
    return fitting.Rows(values, churned, np.full(rows, "2026-01-01"), np.full(rows, "lapsed"))


def measure(rounds: int = ROUNDS, training_rows: int = TRAINING_ROWS) -> EndpointFigures:
    """The four in turn, round by round, on one thread; processor time, for what else the machine does is not theirs."""
    rows = examples(training_rows)
    asked = rows.values[:ROWS]
    model = inference.model_from(train.stored(fitting.fit_trees(rows, 91), rows, 91))
    boosted = fitting.boosted(len(rows))
    derived = inputs.derive(rows.values)
    derived[:, np.isnan(derived).all(axis=0)] = 0.0
    sent = [
        {name: None if np.isnan(value) else int(value) if value.is_integer() else value for name, value in row.items()}
        for row in (dict(zip(inputs.NAMES, line, strict=True)) for line in asked.tolist())
    ]

    def body(reasons: int) -> str:
        request = {"schema_version": inference.SCHEMA_VERSION, "reasons": reasons, "rows": sent}
        return json.dumps(request, separators=(",", ":"))

    def through(text: str) -> Callable[[], Any]:
        def call() -> Any:
            data = inference.input_fn(text, contract.JSON)
            return inference.output_fn(inference.predict_fn(data, model), contract.JSON)

        return call

    with threadpool_limits(1):
        boosted.fit(derived, rows.churned)
        timed: tuple[Callable[[], Any], ...] = (
            through(body(0)),
            through(body(3)),
            lambda: model.predict(asked),
            lambda: boosted.predict_proba(inputs.derive(asked)),
        )
        seconds: list[list[float]] = [[] for _ in timed]
        for _ in range(rounds):
            for call, taken in zip(timed, seconds, strict=True):
                start = process_time()
                call()
                taken.append(process_time() - start)
    return EndpointFigures(*(median(taken) * 1e6 for taken in seconds))


def run(small: bool) -> None:
    """Prints the times of a batch and both ratios; the budget is 1.5 times the bare predict."""
    figures = measure(ROUNDS // 10 if small else ROUNDS)
    print(f"  full contract, {ROWS} rows          {figures.contract:8,.0f} µs")
    print(f"  and with three reasons a row     {figures.with_reasons:8,.0f} µs")
    print(
        f"  scikit-learn's bare predict      {figures.scikit_learn:8,.0f} µs"
        f"   ratio {figures.ratio_to_scikit_learn:5.1f} (budget 1.5)"
    )
    print(f"  exported arrays' bare predict    {figures.predict:8,.0f} µs   ratio {figures.ratio:5.1f} (budget 1.5)")
