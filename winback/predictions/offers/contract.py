"""Requests to the offer endpoint and its answers.

The other side of this contract is ml/offer/inference.py; a test feeds one to the other. Limits of a call:
winback/predictions/requests.py.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from winback.predictions.offers.effects import Effect, EffectSource
from winback.predictions.requests import Features, InvalidAnswer, MissingFeature, batches, is_number, read_answer

SCHEMA_VERSION = 1
DIVIDER = "|"

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
    """(number of rows, body) of each call, of rows (features, arms asked about).

    Raises MissingFeature, and ValueError for an arm with a divider in its name or a customer without any arm.
    """
    return batches({"schema_version": SCHEMA_VERSION}, rows, _asked)


def decode_answer(body: bytes, asked: Sequence[Sequence[str]]) -> OfferAnswer:
    """The answer to a request; `asked`: the arms of each of its rows.

    Raises InvalidAnswer unless it has for each row exactly its arms, each null or with a number and a standard error.
    """
    answer = read_answer(
        body, lambda _, row: row["arms"], endpoint="offer", schema_version=SCHEMA_VERSION, rows=len(asked)
    )
    return OfferAnswer(
        answer.model_id,
        tuple(
            _effects(number, row, arms, answer.model_id)
            for number, (row, arms) in enumerate(zip(answer.rows, asked, strict=True))
        ),
    )


def _asked(row: tuple[Features, Sequence[str]]) -> dict[str, Any]:
    features, arms = row
    if not arms or any(not arm or DIVIDER in arm for arm in arms):
        raise ValueError(f"the arms are {', '.join(arms) or 'none'}: expected names without {DIVIDER!r}")
    return {**model_row(features), "arms": DIVIDER.join(arms)}


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
    if not is_number(value):
        raise InvalidAnswer(f"row {row}: {name} is no number")
    return float(value)
