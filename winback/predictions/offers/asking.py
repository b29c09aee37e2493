"""Asks the endpoint what offers change for many customers, and decides what holds where it gives no answer.

The ladder, arm by arm: the endpoint's answer; else the customer's last one; else the prior of the customer's cell.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from winback.identifiers import CustomerKey
from winback.predictions.offers.contract import decode_answer, encode_requests
from winback.predictions.offers.effects import Effect, EffectSource
from winback.predictions.offers.priors import prior_effects
from winback.predictions.requests import EndpointUnavailable, Features

GIVE_UP_AFTER = 3
"""Batches without an answer, after which the rest are not asked any more: each may have cost its minute and more."""

Effects = Mapping[str, Effect]


@dataclass(frozen=True)
class Question:
    """A customer as of the decision, in its cell of the grid."""

    customer_key: CustomerKey
    features: Features
    value_tier: str
    status: str


@dataclass(frozen=True)
class Asked:
    effects: dict[CustomerKey, dict[str, Effect]]
    """Of every customer and arm, each saying where it comes from."""
    failures: tuple[str, ...]
    """Why batches went without an answer."""


def ask_effects(
    questions: Sequence[Question],
    arms: Sequence[str],
    invoke: Callable[[bytes], bytes],
    *,
    last: Mapping[CustomerKey, Effects] | None = None,
) -> Asked:
    """`invoke` sends one request body and returns the answer's; `arms` are those with a message.

    A batch that `invoke` raises EndpointUnavailable for falls down the ladder, and so does an arm that the model never
    saw. RequestRefused, InvalidAnswer and MissingFeature are raised: they mean that the contract is broken. KeyError
    for a cell that the grid does not have.
    """
    failures: list[str] = []
    answered = dict(_answers(questions, arms, invoke, failures))
    earlier = last or {}
    effects = {}
    for question in questions:
        found = answered.get(question.customer_key, {})
        before = earlier.get(question.customer_key, {})
        assumed = prior_effects(question.value_tier, question.status, arms)
        effects[question.customer_key] = {arm: found.get(arm) or _last(before.get(arm)) or assumed[arm] for arm in arms}
    return Asked(effects, tuple(failures))


def _answers(
    questions: Sequence[Question], arms: Sequence[str], invoke: Callable[[bytes], bytes], failures: list[str]
) -> Iterator[tuple[CustomerKey, dict[str, Effect | None]]]:
    start = 0
    for size, body in encode_requests((question.features, arms) for question in questions):
        batch = questions[start : start + size]
        start += size
        if len(failures) == GIVE_UP_AFTER:
            continue
        try:
            answer = decode_answer(invoke(body), [arms] * size)
        except EndpointUnavailable as reason:
            failures.append(str(reason))
            continue
        for question, effects in zip(batch, answer.effects, strict=True):
            yield question.customer_key, effects


def _last(effect: Effect | None) -> Effect | None:
    """An earlier answer, marked as one; an earlier prior is none."""
    if effect is None or effect.source is EffectSource.PRIOR:
        return None
    return replace(effect, source=EffectSource.LAST)
