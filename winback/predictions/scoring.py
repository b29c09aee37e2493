"""Scores one part of a refresh by the endpoint; publication fills in what it left without a score."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from winback.identifiers import CustomerKey
from winback.predictions.churn import Reason, decode_answer, encode_requests
from winback.predictions.requests import EndpointUnavailable, Features

GIVE_UP_AFTER = 3
"""Batches without an answer, after which the rest of a part is not asked any more: each may have cost its minute and
more, and a refresh without scores is worth more than one that never ends."""
LONGEST_CALL_SECONDS = 90.0
"""What one batch may take of a slow endpoint: nothing is asked with less time left, so that the answers which came are
written down before the time is over."""


class Source(StrEnum):
    """Where a score comes from, the best first: the ladder that publication goes down (published.sql)."""

    ENDPOINT = "endpoint"
    LAST_SCORES = "last_scores"
    """The endpoint's of a recent snapshot; the customer has not purchased since."""
    HEURISTIC = "heuristic"
    """No model's: how many of the segment came back by themselves, else the silence."""
    NONE = "none"


@dataclass(frozen=True)
class Score:
    customer_key: CustomerKey
    churn_probability: float | None
    source: Source
    model_id: str | None
    reasons: tuple[Reason, ...] = ()

    def row(self) -> dict[str, Any]:
        """As `scores/part-….jsonl.gz` holds it."""
        return {
            "customer_key": self.customer_key,
            "churn_probability": self.churn_probability,
            "source": str(self.source),
            "model_id": self.model_id,
            "reasons": [vars(reason) for reason in self.reasons],
        }


@dataclass(frozen=True)
class PartScores:
    scores: tuple[Score, ...]
    """One for each customer of the part, in its order."""
    failures: tuple[str, ...]
    """Why batches went without an answer."""

    @property
    def unscored(self) -> int:
        return sum(score.source is Source.NONE for score in self.scores)


def score_part(
    rows: Sequence[Mapping[str, Any]],
    invoke: Callable[[bytes], bytes],
    seconds_left: Callable[[], float] = lambda: math.inf,
) -> PartScores:
    """Scores rows `{"customer_key", "features": {...}}`; `invoke` sends one request body and returns the answer's.
    `seconds_left`: how long the caller has yet.

    A batch that `invoke` raises EndpointUnavailable for goes without scores, source "none"; so does a customer without
    any purchase, who is not asked about. RequestRefused, InvalidAnswer and MissingFeature are raised: they mean that
    the contract is broken.
    """
    asked = [row for row in rows if row["features"].get("purchases") != 0]
    failures: list[str] = []
    found: dict[str, Score] = {}
    customers, features = [row["customer_key"] for row in asked], [row["features"] for row in asked]
    for score in _scores(customers, features, invoke, seconds_left, failures):
        found[score.customer_key] = score
    return PartScores(
        scores=tuple(found.get(row["customer_key"], _without(row["customer_key"])) for row in rows),
        failures=tuple(failures),
    )


def _scores(
    customers: Sequence[CustomerKey],
    features: Sequence[Features],
    invoke: Callable[[bytes], bytes],
    seconds_left: Callable[[], float],
    failures: list[str],
) -> Iterator[Score]:
    start = 0
    for size, body in encode_requests(features):
        batch = customers[start : start + size]
        start += size
        if len(failures) == GIVE_UP_AFTER:
            continue
        if seconds_left() < LONGEST_CALL_SECONDS:
            failures.append("no time left")
            return
        try:
            answer = decode_answer(invoke(body), size)
        except EndpointUnavailable as reason:
            failures.append(str(reason))
            continue
        for customer, probability, reasons in zip(batch, answer.probabilities, answer.reasons, strict=True):
            yield Score(customer, probability, Source.ENDPOINT, answer.model_id, reasons)


def _without(customer: CustomerKey) -> Score:
    return Score(customer, None, Source.NONE, None)
