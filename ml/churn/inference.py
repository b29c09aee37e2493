"""Serves the churn model inside SageMaker's scikit-learn container.

The container imports this one file from `model.tar.gz` (`code/inference.py`) and calls `model_fn` once and `input_fn`,
`predict_fn`, `output_fn` per request
(https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html#serve-a-model). It stands alone on
numpy and the standard library, because nothing else of this project exists there, and the model is JSON: loading it
runs no code.

Request, `application/json`: `{"schema_version": 1, "rows": [{feature: number, ...}, ...]}`, 1 to 500 rows, every field
of `FEATURES` and no other. Or `text/csv`: a header with the same names, one line a row.
Answer, `application/json`: `{"schema_version": 1, "model_id": "churn-...", "rows": [{"churn_probability": p}, ...]}` in
the rows' order; or `text/csv` when accepted: the header `churn_probability`, one line a row.

A request that breaks the contract gets status 400 (415, 406 for the media type) and
`{"error": {"code", "message", "fields": [{"row", "field", "problem", "expected"}]}}`. The container turns whatever
these functions raise into a bare 500, its own error types included; only what `output_fn` returns keeps its status
(sagemaker_containers/_functions.py `error_wrapper`; aws/sagemaker-scikit-learn-container issue 62). So a refusal is a
value: `input_fn` returns it, `predict_fn` passes it on, `output_fn` returns it as a WSGI response, which Flask sends as
it is. The caller of InvokeEndpoint sees a ModelError with `OriginalStatusCode` 400 and this body as `OriginalMessage`.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SCHEMA_VERSION = 1
MAX_ROWS = 500
MODEL_FILE = "model.json"
JSON, CSV = "application/json", "text/csv"

# Name -> smallest and largest sensible value. Counts and whole days only, no money: accounts differ in currency.
FEATURES: dict[str, tuple[int, int]] = {
    "purchases": (1, 1_000_000),
    "silence_days": (0, 100_000),
    "span_days": (0, 100_000),
    "purchases_last_91_days": (0, 1_000_000),
    "purchases_last_182_days": (0, 1_000_000),
}
NAMES = tuple(FEATURES)
_pick = itemgetter(*NAMES)


class UnusableModel(RuntimeError):
    """The model directory holds no model that this script can serve."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a request; `row` counts from 0, None when it is not about one row."""

    row: int | None
    field: str | None
    problem: str
    expected: str


@dataclass(frozen=True)
class Rejection:
    """A request refused: the status to answer with, and why."""

    status: int
    message: str
    problems: tuple[Problem, ...] = ()

    def body(self) -> str:
        code = {400: "invalid_request", 406: "not_acceptable", 415: "unsupported_media_type"}[self.status]
        fields = [vars(problem) for problem in self.problems]
        return json.dumps({"error": {"code": code, "message": self.message, "fields": fields}})


@dataclass(frozen=True)
class ErrorAnswer:
    """What `output_fn` returns for a rejection: a WSGI application that answers `status` and the JSON `body`."""

    status: int
    body: str
    content_type: str = JSON

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        del environ
        body = self.body.encode()
        start_response(
            f"{self.status} Refused", [("Content-Type", self.content_type), ("Content-Length", str(len(body)))]
        )
        return [body]


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
    path = Path(model_dir) / MODEL_FILE
    try:
        return model_from(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise UnusableModel(f"{MODEL_FILE} cannot be read: {type(error).__name__}: {error}") from error


def model_from(stored: dict[str, Any]) -> ChurnModel:
    """From the content of `model.json`, as `train.fit` makes it. Raises UnusableModel."""
    try:
        if (stored["schema_version"], tuple(stored["features"])) != (SCHEMA_VERSION, NAMES):
            raise UnusableModel(f"{MODEL_FILE} was made for another request schema: train it again with this code")
        high, coefficients = np.asarray(stored["high"], float), np.asarray(stored["coefficients"], float)
        model = ChurnModel(str(stored["model_id"]), high, coefficients, float(stored["intercept"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableModel(f"{MODEL_FILE} is broken: {type(error).__name__}: {error}") from error
    terms = expand(np.ones((1, len(NAMES)))).shape[1]
    if high.shape != (len(NAMES),) or coefficients.shape != (terms,):
        raise UnusableModel(f"{MODEL_FILE} does not hold {len(NAMES)} features and {terms} terms")
    return model


def input_fn(body: str | bytes, content_type: str) -> Array | Rejection:
    """Rows as an array of shape (n, 5) in the order of `NAMES`, or why they are refused."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in (JSON, CSV):
        return Rejection(415, f"content type {media_type!r} is not read here: expected {JSON} or {CSV}")
    try:
        text = body.decode() if isinstance(body, bytes) else body
        rows = _rows_of_json(text) if media_type == JSON else _rows_of_csv(text)
    except UnicodeDecodeError:
        return Rejection(400, "the body is not UTF-8 text")
    except (ValueError, RecursionError, csv.Error) as error:
        return Rejection(400, f"the body is not {media_type}: {error}")
    if isinstance(rows, Rejection):
        return rows
    if not 1 <= len(rows) <= MAX_ROWS:
        return Rejection(400, f"{len(rows)} rows in one request: expected 1 to {MAX_ROWS}")
    return _values(rows)


def predict_fn(data: Array | Rejection, model: ChurnModel) -> Scores | Rejection:
    return data if isinstance(data, Rejection) else Scores(model.model_id, model.predict(data))


def output_fn(prediction: Scores | Rejection, accept: str) -> tuple[str, str] | ErrorAnswer:
    """(body, content type), or an ErrorAnswer that carries its status."""
    if isinstance(prediction, Rejection):
        return ErrorAnswer(prediction.status, prediction.body())
    wanted = {part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")}
    numbers = prediction.probabilities.tolist()
    if wanted & {JSON, "*/*", "application/*"}:
        rows = ",".join(['{"churn_probability":%.6f}'] * len(numbers)) % tuple(numbers)
        head = f'{{"schema_version":{SCHEMA_VERSION},"model_id":{json.dumps(prediction.model_id)}'
        return f'{head},"rows":[{rows}]}}', JSON
    if wanted & {CSV, "text/*"}:
        return "\n".join(["churn_probability", *(f"{number:.6f}" for number in numbers), ""]), CSV
    rejection = Rejection(406, f"cannot answer as {accept!r}: expected {JSON} or {CSV}")
    return ErrorAnswer(rejection.status, rejection.body())


def _rows_of_json(text: str) -> Sequence[Any] | Rejection:
    request = json.loads(text)
    if not isinstance(request, dict):
        return Rejection(400, 'the body is not an object: expected {"schema_version": 1, "rows": [...]}')
    problems = [
        Problem(None, name, "unknown field", "schema_version and rows alone")
        for name in sorted(request.keys() - {"schema_version", "rows"})
    ]
    version = request.get("schema_version")
    if isinstance(version, bool) or version != SCHEMA_VERSION:
        problems.append(Problem(None, "schema_version", f"is {_shown(version)}", str(SCHEMA_VERSION)))
    rows = request.get("rows")
    if not isinstance(rows, list):
        problems.append(Problem(None, "rows", "missing or not a list", f"a list of 1 to {MAX_ROWS} objects"))
    return _refuse(problems) if problems or not isinstance(rows, list) else rows


def _rows_of_csv(text: str) -> Sequence[Any] | Rejection:
    reader = csv.reader(io.StringIO(text), strict=True)
    header = next(reader, [])
    if sorted(header) != sorted(NAMES):
        return Rejection(400, f"the header is {','.join(header)[:200]!r}: expected {','.join(NAMES)}")
    lines = [line for line in reader if line]
    for number, line in enumerate(lines):
        if len(line) != len(header):
            return _refuse([Problem(number, None, f"{len(line)} values", f"{len(header)} values, as the header says")])
    return [dict(zip(header, map(_number, line), strict=True)) for line in lines]


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _values(rows: Sequence[Any]) -> Array | Rejection:
    # Checked in bulk; only a bad request pays for looking at field after field.
    try:
        if set(map(len, rows)) == {len(NAMES)}:
            picked = list(chain.from_iterable(map(_pick, rows)))
            if set(map(type, picked)) <= {int, float}:
                values = np.array(picked, dtype=np.float64).reshape(len(rows), len(NAMES))
                if bool(np.all((values >= _LOW) & (values <= _HIGH))):  # false for NaN too
                    return values
    except (KeyError, TypeError, OverflowError):
        pass  # named just below
    return _refuse([problem for number, row in enumerate(rows) for problem in _problems(number, row)])


_LOW = np.array([low for low, _ in FEATURES.values()], dtype=np.float64)
_HIGH = np.array([high for _, high in FEATURES.values()], dtype=np.float64)


def _problems(number: int, row: Any) -> Iterable[Problem]:
    if not isinstance(row, dict):
        yield Problem(number, None, f"is {_shown(row)}", "an object")
        return
    for name in sorted(row.keys() - FEATURES.keys()):
        yield Problem(number, name[:80], "unknown field", f"only {', '.join(NAMES)}")
    for name, (low, high) in FEATURES.items():
        if name not in row:
            yield Problem(number, name, "missing", f"a number from {low} to {high}")
            continue
        value = row[name]
        if type(value) not in (int, float) or not low <= value <= high:
            yield Problem(number, name, f"is {_shown(value)}", f"a number from {low} to {high}")


def _shown(value: Any) -> str:
    """A value short enough for a message; texts by their type, as they could be personal."""
    return f"a {type(value).__name__}" if isinstance(value, str | list | dict) else str(value)[:40]


def _refuse(problems: Sequence[Problem]) -> Rejection:
    first = problems[0]
    place = "" if first.row is None else f"row {first.row}: "
    field = "" if first.field is None else f"{first.field}: "
    message = f"{place}{field}{first.problem}, expected {first.expected}"
    return Rejection(400, message, tuple(problems[:20]))
