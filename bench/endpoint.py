"""The churn endpoint: a batch of 500 rows through the full contract (decode, predict, encode) against the bare predict.

Two bare predicts stand beside it: the served model's own, and the same model as a scikit-learn pipeline, which is what
a container without our export would call.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ml import contract
from ml.churn import inference, train

ROWS = contract.MAX_ROWS
ROUNDS = 300


@dataclass(frozen=True)
class EndpointFigures:
    """Median microseconds of one batch."""

    contract: float
    predict: float
    scikit_learn: float

    @property
    def ratio(self) -> float:
        return self.contract / self.predict

    @property
    def ratio_to_scikit_learn(self) -> float:
        return self.contract / self.scikit_learn


def measure(rounds: int = ROUNDS) -> EndpointFigures:
    """The three in turn, round by round, so that a busy machine is busy for all of them."""
    random = np.random.default_rng(1)
    purchases, silence, recent = random.integers(1, 9, ROWS), random.integers(0, 400, ROWS), random.integers(0, 3, ROWS)
    values = np.column_stack([purchases, silence, 40 * (purchases - 1), recent, recent]).astype(np.float64)
    churned = (silence > random.integers(0, 400, ROWS)).astype(np.float64)
    model = inference.model_from(train.fit(values, churned))
    pipeline = make_pipeline(FunctionTransformer(inference.expand), StandardScaler(), LogisticRegression())
    pipeline.fit(values, churned)
    rows = [dict(zip(inference.NAMES, row, strict=True)) for row in values.astype(int).tolist()]
    body = json.dumps({"schema_version": inference.SCHEMA_VERSION, "rows": rows}, separators=(",", ":"))

    def contract() -> Any:
        data = inference.input_fn(body, contract.JSON)
        return inference.output_fn(inference.predict_fn(data, model), contract.JSON)

    timed: tuple[Callable[[], Any], ...] = (
        contract,
        lambda: model.predict(values),
        lambda: pipeline.predict_proba(values),
    )
    seconds: list[list[float]] = [[], [], []]
    for _ in range(rounds):
        for call, taken in zip(timed, seconds, strict=True):
            start = perf_counter()
            call()
            taken.append(perf_counter() - start)
    return EndpointFigures(*(median(taken) * 1e6 for taken in seconds))


def run(small: bool) -> None:
    """Prints the times of a batch and both ratios; the budget is 1.5 times the bare predict."""
    figures = measure(ROUNDS // 10 if small else ROUNDS)
    print(f"  full contract, {ROWS} rows      {figures.contract:8,.0f} µs")
    print(f"  served model's bare predict  {figures.predict:8,.0f} µs   ratio {figures.ratio:5.1f} (budget 1.5)")
    print(
        f"  as a scikit-learn pipeline   {figures.scikit_learn:8,.0f} µs   ratio {figures.ratio_to_scikit_learn:5.1f}"
    )
