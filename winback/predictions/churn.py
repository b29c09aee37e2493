"""Requests to the churn endpoint and its answers.

The other side of this contract is ml/churn/inference.py; a test feeds one to the other. Limits of a call: requests.py.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from winback.predictions.requests import Features, InvalidAnswer, MissingFeature, batches, is_number, read_answer

SCHEMA_VERSION = 2

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
    """(number of rows, body) of each call. Raises MissingFeature."""
    return batches({"schema_version": SCHEMA_VERSION, "reasons": REASONS}, rows, model_row)


def decode_answer(body: bytes, rows: int) -> ChurnAnswer:
    """The answer to a request of `rows` rows. Raises InvalidAnswer unless it has one probability for each."""
    answer = read_answer(body, _scored, endpoint="churn", schema_version=SCHEMA_VERSION, rows=rows)
    probabilities = tuple(probability for probability, _ in answer.rows)
    return ChurnAnswer(answer.model_id, probabilities, tuple(reasons for _, reasons in answer.rows))


def _scored(number: int, row: Any) -> tuple[float, tuple[Reason, ...]]:
    probability = row["churn_probability"]
    reasons = tuple(Reason(found["feature"], found["effect"]) for found in row["reasons"])
    if not all(isinstance(reason.feature, str) and is_number(reason.effect) for reason in reasons):
        raise InvalidAnswer(f"row {number}: reasons are no names with numbers")
    if not is_number(probability) or not 0 <= probability <= 1:
        raise InvalidAnswer(f"row {number}: churn_probability is no number from 0 to 1")
    return float(probability), reasons
