"""Requests to the churn endpoint and its answers.

The other side of this contract is ml/churn/inference.py; a test feeds one to the other. Limits of a call: 500 rows
(ours), 4 MB and 60 seconds (serverless inference,
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-invoke.html).
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 2
MAX_ROWS = 500
MAX_BYTES = 4_000_000
CONTENT_TYPE = "application/json"

REASONS = 3
"""How many are asked for of each customer."""

REQUIRED = (
    "purchases",
    "silence_days",
    "span_days",
    "purchases_last_91_days",
    "purchases_last_182_days",
    "lapse_days",
)
OPTIONAL = (
    "median_gap_days",
    "gap_log_mean",
    "gap_log_spread",
    "season_share",
    "return_rate",
    "discount_share",
    "premium_share",
    "categories",
    "lines_per_order",
    "engagement",
)
"""Null where the account or the customer's history does not tell."""
CHURN_FEATURES = (*REQUIRED, *OPTIONAL)
"""Names of winback.features.FEATURES that the model reads."""

Features = Mapping[str, Any]


class EndpointUnavailable(Exception):
    """No answer is to be had now: throttled, starting, missing, broken or too slow. The rows go without a score."""


class RequestRefused(Exception):
    """The endpoint refused the request (4xx): ours and its contract differ, and every other call would fail as well."""


class InvalidAnswer(Exception):
    """The endpoint answered something else than its contract says."""


class MissingFeature(ValueError):
    """A row lacks a feature that the model reads."""


@dataclass(frozen=True)
class Reason:
    """One thing that moves a customer's score away from a typical customer's; up makes churn likelier."""

    feature: str
    effect: float


@dataclass(frozen=True)
class ChurnAnswer:
    """Both in the order of the request's rows."""

    model_id: str
    probabilities: tuple[float, ...]
    """Of no purchase in the next 91 days."""
    reasons: tuple[tuple[Reason, ...], ...]
    """At most three a row, the strongest first."""


def model_row(features: Features) -> dict[str, Any]:
    """The features that the model reads, out of all. Raises MissingFeature naming those that are absent."""
    missing = [name for name in REQUIRED if features.get(name) is None]
    missing += [name for name in OPTIONAL if name not in features]
    if missing:
        raise MissingFeature(f"features missing: {', '.join(missing)}")
    return {name: features[name] for name in CHURN_FEATURES}


def encode_requests(rows: Iterable[Features]) -> Iterator[tuple[int, bytes]]:
    """(number of rows, body) of each call: at most 500 rows and less than 4 MB. Raises MissingFeature."""
    head, tail = f'{{"schema_version":{SCHEMA_VERSION},"reasons":{REASONS},"rows":['.encode(), b"]}"
    batch: list[bytes] = []
    size = len(head) + len(tail)
    for row in rows:
        encoded = json.dumps(model_row(row), separators=(",", ":"), allow_nan=False).encode()
        if batch and (len(batch) == MAX_ROWS or size + len(encoded) + 1 >= MAX_BYTES):
            yield len(batch), head + b",".join(batch) + tail
            batch, size = [], len(head) + len(tail)
        batch.append(encoded)
        size += len(encoded) + 1
    if batch:
        yield len(batch), head + b",".join(batch) + tail


def decode_answer(body: bytes, rows: int) -> ChurnAnswer:
    """The answer to a request of `rows` rows. Raises InvalidAnswer unless it has one probability for each."""
    try:
        answer = json.loads(body)
        version, model_id, scored = answer["schema_version"], answer["model_id"], answer["rows"]
        probabilities = tuple(row["churn_probability"] for row in scored)
        reasons = tuple(tuple(Reason(found["feature"], found["effect"]) for found in row["reasons"]) for row in scored)
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidAnswer(f"not an answer of the churn endpoint: {type(error).__name__}") from error
    if isinstance(version, bool) or version != SCHEMA_VERSION:
        raise InvalidAnswer(f"schema_version is {str(version)[:20]}: expected {SCHEMA_VERSION}")
    if not isinstance(model_id, str) or not model_id:
        raise InvalidAnswer("model_id is not a name")
    if len(probabilities) != rows:
        raise InvalidAnswer(f"{len(probabilities)} scores for {rows} rows")
    for number, found in enumerate(reasons):
        if not all(isinstance(reason.feature, str) and _is_finite(reason.effect) for reason in found):
            raise InvalidAnswer(f"row {number}: reasons are no names with numbers")
    return ChurnAnswer(model_id, _checked(probabilities), reasons)


def _checked(probabilities: Sequence[Any]) -> tuple[float, ...]:
    for number, value in enumerate(probabilities):
        if not _is_finite(value) or not 0 <= value <= 1:
            raise InvalidAnswer(f"row {number}: churn_probability is no number from 0 to 1")
    return tuple(float(value) for value in probabilities)


def _is_finite(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
