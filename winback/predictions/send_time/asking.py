"""Asks the endpoint about many customers, and decides what holds for those it gives no answer about.

The ladder: the endpoint's answer; else the customer's last one; else the account's own hours; else the shipped prior.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from winback.identifiers import CustomerKey
from winback.predictions.requests import EndpointUnavailable
from winback.predictions.send_time.contract import History, decode_answer, encode_requests
from winback.predictions.send_time.hours import HOURS
from winback.predictions.send_time.prior import awake_prior

GIVE_UP_AFTER = 3
"""Batches without an answer, after which the rest are not asked any more: each may have cost its minute and more."""
ACCOUNT_STRENGTH = 168.0
"""Events that the shipped prior counts for beside an account's own, until training has learned it."""


class Source(StrEnum):
    """Where a customer's distribution comes from."""

    ENDPOINT = "endpoint"
    LAST = "last"
    ACCOUNT = "account"
    PRIOR = "prior"


@dataclass(frozen=True)
class SendHours:
    """`distribution`: 168 probabilities, `own_share` of them the customer's own. `model_id`: of the answer,
    None without one."""

    customer_key: CustomerKey
    distribution: tuple[float, ...]
    own_share: float
    source: Source
    model_id: str | None


@dataclass(frozen=True)
class Asked:
    hours: tuple[SendHours, ...]
    """One for each customer, in the order asked."""
    failures: tuple[str, ...]
    """Why batches went without an answer."""


def ask(
    histories: Sequence[tuple[CustomerKey, History]],
    invoke: Callable[[bytes], bytes],
    *,
    last: Mapping[CustomerKey, SendHours] | None = None,
    account: Sequence[float] | None = None,
) -> Asked:
    """`invoke` sends one request body and returns the answer's; `account` is the account's distribution, where known.

    A batch that `invoke` raises EndpointUnavailable for falls down the ladder. RequestRefused and InvalidAnswer are
    raised: they mean that the contract is broken.
    """
    failures: list[str] = []
    found = {each.customer_key: each for each in _answers(histories, invoke, failures)}
    earlier = last or {}
    return Asked(
        tuple(found.get(key) or _without(key, earlier.get(key), account) for key, _ in histories), tuple(failures)
    )


def account_hours(counts: Sequence[float]) -> tuple[float, ...]:
    """An account's distribution from its events per hour of the week, shrunk to the shipped prior.

    Raises ValueError unless there are 168 counts of 0 or more.
    """
    if len(counts) != HOURS or not min(counts) >= 0:
        raise ValueError(f"expected {HOURS} counts of 0 or more, one for each hour of the week")
    total = sum(counts) + ACCOUNT_STRENGTH
    return tuple((count + ACCOUNT_STRENGTH * share) / total for count, share in zip(counts, awake_prior(), strict=True))


def _answers(
    histories: Sequence[tuple[CustomerKey, History]], invoke: Callable[[bytes], bytes], failures: list[str]
) -> Iterator[SendHours]:
    start = 0
    for size, body in encode_requests((history for _, history in histories), in_full=True):
        batch = histories[start : start + size]
        start += size
        if len(failures) == GIVE_UP_AFTER:
            continue
        try:
            answer = decode_answer(invoke(body), size, in_full=True)
        except EndpointUnavailable as reason:
            failures.append(str(reason))
            continue
        for (customer, _), each in zip(batch, answer.send_times, strict=True):
            yield SendHours(customer, each.distribution or (), each.own_share, Source.ENDPOINT, answer.model_id)


def _without(customer: CustomerKey, last: SendHours | None, account: Sequence[float] | None) -> SendHours:
    if last is not None:
        return SendHours(customer, last.distribution, last.own_share, Source.LAST, last.model_id)
    if account is not None:
        return SendHours(customer, tuple(account), 0.0, Source.ACCOUNT, None)
    return SendHours(customer, awake_prior(), 0.0, Source.PRIOR, None)
