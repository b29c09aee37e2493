"""Serves the offer model inside SageMaker's scikit-learn container, with `contract.py` beside it.

A row holds the features of `FEATURES` and `arms`, the arms asked about, divided by `|`. The answer has for each row
`arms`: by arm the expected `uplift` against sending nothing and its standard `error`, both in purchase margins (the
margin of one typical purchase of the customer; docs/models/offer.md), before any cost. An arm that the model never saw
is null. What `contract.py` says of requests, refusals and answers holds here.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

if __package__:
    from ml.contract import JSON, Batch, ErrorAnswer, Number, Rejection, Schema, Text, UnusableModel, answer, read_model
else:  # in the container, where the neighbour is a module of its own
    from contract import (  # type: ignore[import-not-found,no-redef]
        JSON,
        Batch,
        ErrorAnswer,
        Number,
        Rejection,
        Schema,
        Text,
        UnusableModel,
        answer,
        read_model,
    )

Array = NDArray[np.float64]

SCHEMA_VERSION = 1
ARMS = "arms"
DIVIDER = "|"
# Counts, whole days and shares; no money: accounts differ in currency.
FEATURES: dict[str, Number] = {
    "purchases": Number(1, 1_000_000),
    "silence_days": Number(0, 100_000),
    "tenure_days": Number(0, 100_000),
    "span_days": Number(0, 100_000),
    "purchases_last_91_days": Number(0, 1_000_000),
    "purchases_last_182_days": Number(0, 1_000_000),
    "discount_share": Number(0, 1, nullable=True),
    "sends_182_days": Number(0, 1_000_000),
    "opens_182_days": Number(0, 1_000_000),
    "clicks_182_days": Number(0, 1_000_000),
}
NAMES = tuple(FEATURES)
SCHEMA = Schema(SCHEMA_VERSION, {**FEATURES, ARMS: Text(longest=2000)})
_ROWS_AT_ONCE = 250  # of trees: what is looked up for them stays in the processor's cache
REACH = 4.0  # a feature beyond this many standard deviations of the training rows counts as that far


@dataclass(frozen=True)
class Answers:
    """`asked`: of each row the arms, as the request wrote them; `effects`: uplift and error of all rows by arm."""

    model_id: str
    asked: list[str]
    effects: dict[str, tuple[Array, Array]]


@dataclass(frozen=True)
class OfferModel:
    """`arms`: the stored uplift of each arm, see `uplift`; `fill`: what stands in for a missing feature, (d,)."""

    model_id: str
    fill: Array
    arms: dict[str, dict[str, Any]]

    def predict(self, values: Array) -> dict[str, tuple[Array, Array]]:
        """By arm the uplift and its standard error, (n,) each, of rows (n, d) that may hold NaN."""
        known = filled(values, self.fill)
        return {name: uplift(stored, known) for name, stored in self.arms.items()}


def filled(values: Array, fill: Array) -> Array:
    return np.asarray(np.where(np.isnan(values), fill, values))


def uplift(stored: dict[str, Any], values: Array) -> tuple[Array, Array]:
    """Expected effect of one arm and its standard error, (n,) each, for complete rows (n, d).

    effect(x) = average + shrinkage x (mean over members of member(x) - center). The members are fits on random halves
    of the customers; the spread of such halves about the whole estimates its standard error (delete-half jackknife,
    Shao and Wu, "A General Theory for Jackknife Variance Estimation", Annals of Statistics 17, 1989).
    """
    average = np.full(len(values), float(stored["average"]))
    variance = np.full(len(values), float(stored["average_error"]) ** 2)
    shrinkage = float(stored["shrinkage"])
    if shrinkage == 0:
        return average, np.sqrt(variance)
    members = varying(stored["varying"], values)
    average += shrinkage * members.mean(axis=1)
    if members.shape[1] > 1:
        variance += shrinkage**2 * members.var(axis=1, ddof=1)
    return average, np.sqrt(variance)


def varying(stored: dict[str, Any], values: Array) -> Array:
    """What each member adds to the average effect: (n, d) -> (n, members). Raises KeyError for an unknown kind."""
    return _KINDS[stored["kind"]](stored, values)


def standard(stored: dict[str, Any], values: Array) -> Array:
    """Features in standard deviations from the training rows' mean, at most REACH of them."""
    scaled = (values - np.asarray(stored["mean"])) / np.asarray(stored["scale"])
    return np.asarray(np.clip(scaled, -REACH, REACH))


def _linear(stored: dict[str, Any], values: Array) -> Array:
    coefficients = np.asarray(stored["coefficients"], dtype=np.float64)  # (members, d)
    return np.asarray(standard(stored, values) @ coefficients.T - np.asarray(stored["center"]))


def _trees(stored: dict[str, Any], values: Array) -> Array:
    """Boosted trees, (members, trees, nodes) flattened; a node is a leaf where its feature is negative.

    The trees were grown on single precision features, and compare so here.
    """
    feature = np.asarray(stored["feature"], dtype=np.int64)
    members, trees, nodes = feature.shape
    threshold = np.asarray(stored["threshold"], dtype=np.float64).ravel()
    left, right = (np.asarray(stored[side], dtype=np.int64).ravel() for side in ("left", "right"))
    leaf_value = np.asarray(stored["value"], dtype=np.float64).ravel()
    flat = feature.ravel()
    first = np.arange(members * trees) * nodes
    sums = np.empty((len(values), members))
    for start in range(0, len(values), _ROWS_AT_ONCE):
        single = values[start : start + _ROWS_AT_ONCE].astype(np.float32).astype(np.float64)
        rows = np.arange(len(single))[:, None]
        at = np.broadcast_to(first, (len(single), members * trees))
        for _ in range(int(stored["depth"])):
            asked = flat[at]
            goes_left = single[rows, np.maximum(asked, 0)] <= threshold[at]
            at = np.where(asked < 0, at, np.where(goes_left, left[at], right[at]) + first)
        sums[start : start + len(single)] = leaf_value[at].reshape(len(single), members, trees).sum(axis=2)
    return np.asarray(sums - np.asarray(stored["center"]))


_KINDS = {"ridge": _linear, "boosting": _trees}


def model_fn(model_dir: str) -> OfferModel:
    """Loads `model.json`. Raises UnusableModel when it is missing, broken or made for other features."""
    return model_from(read_model(model_dir))


def model_from(stored: dict[str, Any]) -> OfferModel:
    """From the content of `model.json`, as `train.stored_model` makes it. Raises UnusableModel."""
    try:
        if (stored["schema_version"], tuple(stored["features"])) != (SCHEMA_VERSION, NAMES):
            raise UnusableModel("model.json was made for another request schema: train it again with this code")
        arms = {str(name): _ready(arm) for name, arm in stored["arms"].items()}
        model = OfferModel(str(stored["model_id"]), np.asarray(stored["fill"], dtype=np.float64), arms)
        model.predict(np.zeros((1, len(NAMES))))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UnusableModel(f"model.json is broken: {type(error).__name__}: {error}") from error
    return model


def _ready(arm: dict[str, Any]) -> dict[str, Any]:
    """With lists as arrays, once instead of at every request."""
    varying = arm["varying"]
    if varying is None:
        return arm
    ready = {name: np.asarray(value) if isinstance(value, list) else value for name, value in varying.items()}
    return {**arm, "varying": ready}


def input_fn(body: str | bytes, content_type: str) -> Batch | Rejection:
    return SCHEMA.read(body, content_type)


def predict_fn(data: Batch | Rejection, model: OfferModel) -> Answers | Rejection:
    if isinstance(data, Rejection):
        return data
    return Answers(model.model_id, data.others[ARMS], model.predict(data.numbers))


def output_fn(prediction: Answers | Rejection, accept: str) -> tuple[str, str] | ErrorAnswer:
    """(body, content type), or an ErrorAnswer that carries its status. In CSV a row is the JSON of its `arms`."""
    if isinstance(prediction, Rejection):
        return ErrorAnswer.of(prediction)
    frame = answer(SCHEMA_VERSION, prediction.model_id, {}, accept)
    if isinstance(frame, ErrorAnswer):
        return frame
    written = _written(prediction)
    if frame[1] == JSON:  # the rows are put into the contract's frame: encoding each would take as long as predicting
        return frame[0].removesuffix("]}") + ",".join([f'{{"{ARMS}":{row}}}' for row in written]) + "]}", JSON
    return answer(SCHEMA_VERSION, prediction.model_id, {ARMS: written}, accept)


def _written(prediction: Answers) -> list[str]:
    """Each row's `arms` as JSON."""
    rows = [""] * len(prediction.asked)
    for asked in set(prediction.asked):
        mine = [number for number, each in enumerate(prediction.asked) if each == asked]
        arms = list(dict.fromkeys(arm for arm in asked.split(DIVIDER) if arm))
        known = [prediction.effects[arm] for arm in arms if arm in prediction.effects]
        numbers = np.column_stack([column[mine] for effect in known for column in effect]).tolist() if known else []
        template = ",".join(
            f"{json.dumps(arm).replace('%', '%%')}:"
            + ('{"uplift":%.6f,"error":%.6f}' if arm in prediction.effects else "null")
            for arm in arms
        )
        template = "{" + template + "}"
        for place, row in enumerate(mine):
            rows[row] = template % tuple(numbers[place]) if known else template % ()
    return rows
