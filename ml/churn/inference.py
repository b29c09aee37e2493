"""Serves the churn model inside SageMaker's scikit-learn container.

The container imports this file from `model.tar.gz` (`code/inference.py`, its neighbours beside it) and calls `model_fn`
once and `input_fn`, `predict_fn`, `output_fn` per request
(https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html#serve-a-model). Nothing else of this
project exists there, and the model is JSON: loading it runs no code.

Requests and refusals are those of contract.py: rows of every field of inputs.FIELDS and no other, and the option
`reasons`, how many to give for each row (0). The answer has one `churn_probability` a row, and where reasons were asked
for `reasons`: `[{"feature": name, "effect": e}, ...]`, those of the largest effect first, above 0 where the feature
makes churn likelier than for a typical customer. Effects are in the model's score, log odds before calibration.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

if __package__:
    from ml import contract
    from ml.churn import forecasters, inputs, trees
else:  # in the container, where the neighbours are modules of their own
    import contract  # type: ignore[import-not-found,no-redef]
    import forecasters  # type: ignore[import-not-found,no-redef]
    import inputs  # type: ignore[import-not-found,no-redef]
    import trees  # type: ignore[import-not-found,no-redef]

Array = NDArray[np.float64]

SCHEMA_VERSION = 2
MOST_REASONS = 10
SCHEMA = contract.Schema(
    SCHEMA_VERSION, inputs.FIELDS, options={"reasons": (contract.Number(0, MOST_REASONS, whole=True), 0)}
)
NEIGHBOURS = (contract, forecasters, inputs, trees)
"""The modules that have to lie beside this one."""
_SMALLEST_EFFECT = 0.0005


@dataclass(frozen=True)
class ChurnModel:
    """See docs/models/churn.md. `kind`: of what it serves, a baseline where nothing beat it."""

    model_id: str
    kind: str
    forecaster: forecasters.Forecaster
    calibration: forecasters.Calibration

    def predict(self, rows: Array) -> Array:
        """Probability of no purchase within the horizon, for rows of inputs.NAMES: (n, 16) -> (n,)."""
        return self.calibration.probabilities(self.forecaster.scores(rows))

    def reasons(self, rows: Array, most: int) -> list[list[dict[str, Any]]]:
        """Of each row at most `most` contributions to its score, the largest first."""
        moved = self.forecaster.contributions(rows)
        names = self.forecaster.names
        order = np.argsort(-np.abs(moved), axis=1, kind="stable")[:, :most]
        effects = np.take_along_axis(moved, order, axis=1)
        return [
            [
                {"feature": names[place], "effect": round(effect, 3)}
                for place, effect in zip(places, strengths, strict=True)
                if abs(effect) >= _SMALLEST_EFFECT
            ]
            for places, strengths in zip(order.tolist(), effects.tolist(), strict=True)
        ]


@dataclass(frozen=True)
class Scores:
    model_id: str
    probabilities: Array
    reasons: list[list[dict[str, Any]]] | None = None


def model_fn(model_dir: str) -> ChurnModel:
    """Loads `model.json`. Raises UnusableModel when it is missing, broken or made for other fields."""
    return model_from(contract.read_model(model_dir))


def model_from(stored: dict[str, Any]) -> ChurnModel:
    """From the content of `model.json`, as train.py makes it. Raises UnusableModel."""
    try:
        if (stored["schema_version"], tuple(stored["fields"])) != (SCHEMA_VERSION, inputs.NAMES):
            raise contract.UnusableModel(
                f"{contract.MODEL_FILE} was made for another request schema: train it again with this code"
            )
        return ChurnModel(
            str(stored["model_id"]),
            str(stored["kind"]),
            forecasters.load(stored["kind"], stored["forecaster"]),
            forecasters.Calibration.load(stored["calibration"]),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise contract.UnusableModel(f"{contract.MODEL_FILE} is broken: {type(error).__name__}: {error}") from error


def input_fn(body: str | bytes, content_type: str) -> contract.Batch | contract.Rejection:
    """Rows in the order of inputs.NAMES, or why they are refused."""
    return SCHEMA.read(body, content_type)


def predict_fn(data: contract.Batch | contract.Rejection, model: ChurnModel) -> Scores | contract.Rejection:
    if isinstance(data, contract.Rejection):
        return data
    most = int(data.options["reasons"])
    reasons = model.reasons(data.numbers, most) if most else None
    return Scores(model.model_id, model.predict(data.numbers), reasons)


def output_fn(prediction: Scores | contract.Rejection, accept: str) -> tuple[str, str] | contract.ErrorAnswer:
    """(body, content type), or an ErrorAnswer that carries its status."""
    if isinstance(prediction, contract.Rejection):
        return contract.ErrorAnswer.of(prediction)
    columns: dict[str, Any] = {"churn_probability": prediction.probabilities}
    if prediction.reasons is not None:
        columns["reasons"] = prediction.reasons
    return contract.answer(SCHEMA_VERSION, prediction.model_id, columns, accept)
