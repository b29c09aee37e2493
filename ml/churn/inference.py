"""Serves the churn model inside SageMaker's scikit-learn container.

The container imports this file from `model.tar.gz` (`code/inference.py`, with `contract.py` beside it) and calls
`model_fn` once and `input_fn`, `predict_fn`, `output_fn` per request
(https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html#serve-a-model). It stands alone on
numpy and the standard library, because nothing else of this project exists there, and the model is JSON: loading it
runs no code.

Requests and refusals are those of contract.py: rows of every field of `FEATURES` and no other. The answer has one
`churn_probability` a row.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

if __package__:
    from ml import contract
else:  # run by the container, where the neighbour is a module of its own
    import contract  # type: ignore[import-not-found,no-redef]

Array = NDArray[np.float64]

SCHEMA_VERSION = 1

# Counts and whole days only, no money: accounts differ in currency.
FEATURES = {
    "purchases": contract.Number(1, 1_000_000),
    "silence_days": contract.Number(0, 100_000),
    "span_days": contract.Number(0, 100_000),
    "purchases_last_91_days": contract.Number(0, 1_000_000),
    "purchases_last_182_days": contract.Number(0, 1_000_000),
}
NAMES = tuple(FEATURES)
SCHEMA = contract.Schema(SCHEMA_VERSION, FEATURES)


@dataclass(frozen=True)
class Scores:
    model_id: str
    probabilities: Array


@dataclass(frozen=True)
class ChurnModel:
    """Logistic regression on `expand`ed features; see docs/models/churn.md.

    `high`: the largest value of each feature that the model extrapolates to; larger ones count as this one.
    """

    model_id: str
    high: Array
    coefficients: Array
    intercept: float

    def predict(self, values: Array) -> Array:
        """Probability of no purchase in the next 91 days, for rows of `NAMES`: shape (n, 5) -> (n,)."""
        log_odds = expand(np.minimum(values, self.high)) @ self.coefficients + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


def expand(values: Array) -> Array:
    """The model's terms: counts on a log scale, and silence measured by the customer's own gap between purchases.

    The own gap is (span + 30) / purchases: one gap of thirty days is assumed of everybody, so that it exists for a
    single purchase and is not believed too soon. Tenure is no feature: it is silence + span.
    """
    logs = np.log1p(values)
    purchases, silence, _, last_91, last_182 = logs.T
    once = values[:, 0] == 1.0
    log_gap = np.log((values[:, 2] + 30.0) / values[:, 0])
    overdue = silence - log_gap
    return np.column_stack([purchases, silence, last_91, last_182, once, overdue, np.maximum(overdue, 0.0), log_gap])


def model_fn(model_dir: str) -> ChurnModel:
    """Loads `model.json`. Raises UnusableModel when it is missing, broken or made for other features."""
    return model_from(contract.read_model(model_dir))


def model_from(stored: dict[str, Any]) -> ChurnModel:
    """From the content of `model.json`, as `train.fit` makes it. Raises UnusableModel."""
    try:
        if (stored["schema_version"], tuple(stored["features"])) != (SCHEMA_VERSION, NAMES):
            raise contract.UnusableModel(
                f"{contract.MODEL_FILE} was made for another request schema: train it again with this code"
            )
        high, coefficients = np.asarray(stored["high"], float), np.asarray(stored["coefficients"], float)
        model = ChurnModel(str(stored["model_id"]), high, coefficients, float(stored["intercept"]))
    except (KeyError, TypeError, ValueError) as error:
        raise contract.UnusableModel(f"{contract.MODEL_FILE} is broken: {type(error).__name__}: {error}") from error
    terms = expand(np.ones((1, len(NAMES)))).shape[1]
    if high.shape != (len(NAMES),) or coefficients.shape != (terms,):
        raise contract.UnusableModel(f"{contract.MODEL_FILE} does not hold {len(NAMES)} features and {terms} terms")
    return model


def input_fn(body: str | bytes, content_type: str) -> contract.Batch | contract.Rejection:
    """Rows in the order of `NAMES`, or why they are refused."""
    return SCHEMA.read(body, content_type)


def predict_fn(data: contract.Batch | contract.Rejection, model: ChurnModel) -> Scores | contract.Rejection:
    return data if isinstance(data, contract.Rejection) else Scores(model.model_id, model.predict(data.numbers))


def output_fn(prediction: Scores | contract.Rejection, accept: str) -> tuple[str, str] | contract.ErrorAnswer:
    """(body, content type), or an ErrorAnswer that carries its status."""
    if isinstance(prediction, contract.Rejection):
        return contract.ErrorAnswer.of(prediction)
    columns = {"churn_probability": prediction.probabilities}
    return contract.answer(SCHEMA_VERSION, prediction.model_id, columns, accept)
