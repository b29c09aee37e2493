"""Requests to the offer endpoint and its answers.

The other side of this contract is ml/offer/inference.py; a test feeds one to the other. Limits of a call: as of the
churn endpoint (winback/predictions/churn.py).
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from winback.predictions.churn import MAX_BYTES, MAX_ROWS, Features, InvalidAnswer, MissingFeature
from winback.predictions.offers.effects import Effect, EffectSource

SCHEMA_VERSION = 1
DIVIDER = "|"
CONTENT_TYPE = "application/json"

# Names of winback.features.FEATURES that the model reads.
OFFER_FEATURES = (
    "purchases",
    "silence_days",
    "tenure_days",
    "span_days",
    "purchases_last_91_days",
    "purchases_last_182_days",
    "discount_share",
    "sends_182_days",
    "opens_182_days",
    "clicks_182_days",
)
MAY_BE_MISSING = frozenset({"discount_share"})
"""Sent as null where the store's orders tell nothing of discounts."""


@dataclass(frozen=True)
class OfferAnswer:
    model_id: str
    effects: tuple[dict[str, Effect | None], ...]
    """By arm for each row of the request; None: the model never saw the arm."""


def model_row(features: Features) -> dict[str, Any]:
    """The features that the model reads, out of all. Raises MissingFeature naming those that are absent."""
    missing = [name for name in OFFER_FEATURES if features.get(name) is None and name not in MAY_BE_MISSING]
    if missing:
        raise MissingFeature(f"features missing: {', '.join(missing)}")
    return {name: features.get(name) for name in OFFER_FEATURES}


def encode_requests(rows: Iterable[tuple[Features, Sequence[str]]]) -> Iterator[tuple[int, bytes]]:
    """(number of rows, body) of each call, of rows (features, arms asked about): at most 500 rows and less than 4 MB.

    Raises MissingFeature, and ValueError for an arm with a divider in its name or a customer without any arm.
    """
    head, tail = f'{{"schema_version":{SCHEMA_VERSION},"rows":['.encode(), b"]}"
    batch: list[bytes] = []
    size = len(head) + len(tail)
    for features, arms in rows:
        if not arms or any(not arm or DIVIDER in arm for arm in arms):
            raise ValueError(f"the arms are {', '.join(arms) or 'none'}: expected names without {DIVIDER!r}")
        row = {**model_row(features), "arms": DIVIDER.join(arms)}
        encoded = json.dumps(row, separators=(",", ":"), allow_nan=False).encode()
        if batch and (len(batch) == MAX_ROWS or size + len(encoded) + 1 >= MAX_BYTES):
            yield len(batch), head + b",".join(batch) + tail
            batch, size = [], len(head) + len(tail)
        batch.append(encoded)
        size += len(encoded) + 1
    if batch:
        yield len(batch), head + b",".join(batch) + tail


def decode_answer(body: bytes, asked: Sequence[Sequence[str]]) -> OfferAnswer:
    """The answer to a request; `asked`: the arms of each of its rows.

    Raises InvalidAnswer unless it has for each row exactly its arms, each null or with a number and a standard error.
    """
    try:
        answer = json.loads(body)
        version, model_id = answer["schema_version"], answer["model_id"]
        rows = [row["arms"] for row in answer["rows"]]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidAnswer(f"not an answer of the offer endpoint: {type(error).__name__}") from error
    if isinstance(version, bool) or version != SCHEMA_VERSION:
        raise InvalidAnswer(f"schema_version is {str(version)[:20]}: expected {SCHEMA_VERSION}")
    if not isinstance(model_id, str) or not model_id:
        raise InvalidAnswer("model_id is not a name")
    if len(rows) != len(asked):
        raise InvalidAnswer(f"{len(rows)} rows answered for {len(asked)}")
    return OfferAnswer(
        model_id,
        tuple(
            _effects(number, row, arms, model_id) for number, (row, arms) in enumerate(zip(rows, asked, strict=True))
        ),
    )


def _effects(number: int, row: Any, arms: Sequence[str], model_id: str) -> dict[str, Effect | None]:
    if not isinstance(row, dict) or set(row) != set(arms):
        raise InvalidAnswer(f"row {number}: not the arms that were asked about")
    return {arm: None if row[arm] is None else _effect(number, row[arm], model_id) for arm in arms}


def _effect(number: int, found: Any, model_id: str) -> Effect:
    uplift, error = (found.get("uplift"), found.get("error")) if isinstance(found, Mapping) else (None, None)
    effect = Effect(_number(number, "uplift", uplift), _number(number, "error", error), EffectSource.MODEL, model_id)
    if effect.error < 0:
        raise InvalidAnswer(f"row {number}: error is below 0")
    return effect


def _number(row: int, name: str, value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise InvalidAnswer(f"row {row}: {name} is no number")
    return float(value)
