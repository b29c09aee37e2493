"""What is kept of every decision about an offer, so that its effect can be learned later.

One JSON line a decision, in lake objects by account and day (`decisions_key`). Rows carry the customer's key and facts,
no personal data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from winback.identifiers import AccountId, CustomerKey
from winback.instants import format_instant, parse_instant
from winback.predictions.offers.contract import model_row
from winback.predictions.offers.effects import EffectSource
from winback.predictions.offers.policy import OfferDecision

RECORD_VERSION = 1


class DecisionSource(StrEnum):
    """Why the arm was given."""

    MODEL = "model"
    PRIOR = "prior"
    EXPLORATION = "exploration"


@dataclass(frozen=True)
class RecordedArm:
    """`uplift`, `error`, `source` and `model_id` are None for sending nothing, whose effect is none by definition."""

    arm: str
    uplift: float | None
    error: float | None
    source: str | None
    model_id: str | None
    value_minor: int
    spend_minor: int
    cost_minor: int
    propensity: float


@dataclass(frozen=True)
class DecisionRecord:
    """`decision_id` names what was decided (a launch and its step), so that a repeated attempt says the same again."""

    account_id: AccountId
    decision_id: str
    customer_key: CustomerKey
    decided_at: datetime
    features: Mapping[str, float | None]
    """Those of `contract.OFFER_FEATURES`, as they were at `decided_at`."""
    currency: str
    margin_minor: int
    arms: tuple[RecordedArm, ...]
    arm: str
    propensity: float
    source: DecisionSource
    model_id: str | None
    """Of the model whose effects were used, if any."""
    cost_minor: int
    spend_minor: int

    def __post_init__(self) -> None:
        given = [each for each in self.arms if each.arm == self.arm]
        if len(given) != 1 or given[0].propensity != self.propensity or not 0 < self.propensity <= 1:
            raise ValueError(f"arm {self.arm!r} has no single propensity within (0, 1] among the arms considered")
        total = sum(each.propensity for each in self.arms)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the propensities add up to {total}: expected 1")

    def row(self) -> dict[str, Any]:
        """As a line of the lake's object holds it."""
        return {
            "record_version": RECORD_VERSION,
            **vars(self),
            "decided_at": format_instant(self.decided_at),
            "features": dict(self.features),
            "arms": [dict(vars(each)) for each in self.arms],  # dataclasses.asdict takes four times as long
            "source": str(self.source),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Raises ValueError for another version, KeyError or TypeError for another shape."""
        if row["record_version"] != RECORD_VERSION:
            raise ValueError(f"record_version is {row['record_version']}: expected {RECORD_VERSION}")
        known = {name: value for name, value in row.items() if name != "record_version"}
        return cls(
            **known
            | {
                "decided_at": parse_instant(row["decided_at"]),
                "arms": tuple(RecordedArm(**each) for each in row["arms"]),
                "source": DecisionSource(row["source"]),
            }
        )


def record_of(
    decision: OfferDecision,
    *,
    account_id: AccountId,
    decision_id: str,
    decided_at: datetime,
    currency: str,
    features: Mapping[str, Any],
) -> DecisionRecord:
    """`features`: all of the customer's; those that the model reads are kept. Raises MissingFeature."""
    chosen = decision.chosen
    known = [each.effect for each in decision.considered if each.effect is not None]
    used = [chosen.effect] if chosen.effect is not None else known
    assumed = all(effect.source is EffectSource.PRIOR for effect in used)
    source = DecisionSource.PRIOR if assumed else DecisionSource.MODEL
    return DecisionRecord(
        account_id=account_id,
        decision_id=decision_id,
        customer_key=decision.customer_key,
        decided_at=decided_at,
        features=model_row(features),
        currency=currency,
        margin_minor=decision.margin_minor,
        arms=tuple(
            RecordedArm(
                arm=each.arm,
                uplift=each.effect.uplift if each.effect else None,
                error=each.effect.error if each.effect else None,
                source=str(each.effect.source) if each.effect else None,
                model_id=each.effect.model_id if each.effect else None,
                value_minor=each.value_minor,
                spend_minor=each.spend_minor,
                cost_minor=each.cost_minor,
                propensity=each.propensity,
            )
            for each in decision.considered
        ),
        arm=decision.arm,
        propensity=decision.propensity,
        source=DecisionSource.EXPLORATION if decision.explored else source,
        model_id=next((effect.model_id for effect in known if effect.model_id), None),
        cost_minor=chosen.cost_minor,
        spend_minor=chosen.spend_minor,
    )


def decisions_prefix(account_id: AccountId) -> str:
    return f"decisions/account={account_id}/"


def decisions_key(account_id: AccountId, decided: date, name: str) -> str:
    """`decided`: the UTC day of the decisions; `name`: what wrote them, such as `{launch}-{step}-{chunk}`."""
    return f"{decisions_prefix(account_id)}decided={decided.isoformat()}/{name}.jsonl.gz"
