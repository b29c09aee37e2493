"""The rubric: the thresholds that one calibration froze, stored as rubric.json beside every snapshot that used it.

Short histories hide long gaps and value grows with time, so thresholds that moved with every snapshot would move
customers who did nothing. A rubric therefore stays until people adopt another one; only while an account's history is
too short to judge by, it is provisional and read again every quarter (docs/decisions/2026-11-22-frozen-rubric.md).
"""

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from winback.features import Calibration
from winback.instants import format_instant, parse_instant
from winback.money import NO_CURRENCY
from winback.segmentation.rubric_settings import RubricSettings

VERSION: Literal[2] = 2
PROVISIONAL_DAYS = 91
SETTLED_HISTORY_DAYS = 365
"""With less history no gap of a year can have been seen, and no season twice."""
REVIEW_DAYS = 365


class _Cuts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bands(_Cuts):
    """Cut-offs at exact discrete quantiles (values that customers really have), so that ties are never split."""

    high_value_minor: int = Field(description="M*: 80 % quantile of net value; at least this is high value")
    frequent_purchases: int = Field(ge=2, description="F*: 60 % quantile of purchases among repeaters, at least 3")
    premium_above_minor: int = Field(description="85 % quantile of net value; above it is at least Premium")
    elite_above_minor: int = Field(description="98.5 % quantile of net value")
    vip_above_minor: int = Field(description="99.7 % quantile of net value")


class Cuts4(NamedTuple):
    """Four ascending cut-offs between five scores; equal ones leave a score empty."""

    first: int
    second: int
    third: int
    fourth: int


class ScoreCuts(_Cuts):
    recency_days: Cuts4 = Field(description="silence up to the first scores 5, beyond the last 1")
    purchases: Cuts4 = Field(description="purchases up to the first score 1, beyond the last 5")
    value_minor: Cuts4 = Field(description="net value up to the first scores 1, beyond the last 5")


class OverlayCuts(_Cuts):
    premium_active_permille: int = Field(description="premium of 1,000 purchase orders: at least this is active")
    repeat_discount_permille: int = Field(description="discounted of 1,000 purchase orders: at least this is repeat")
    wide_categories: int = Field(description="distinct categories: at least this is wide")
    engagement_micro: Cuts4 = Field(description="millionths: up to the first very low, beyond the last very high")


class BehaviourCuts(_Cuts):
    low_per_year: float = Field(description="purchases a year, thousandths: up to this Low Frequency")
    high_per_year: float = Field(description="purchases a year, thousandths: above this High Frequency")


class Thresholds(_Cuts):
    """Everything that calibration read from an account's customers, or took from the settings' absolute overrides."""

    bands: Bands
    scores: ScoreCuts
    overlays: OverlayCuts
    behaviours: BehaviourCuts


class OtherCurrency(ValueError):
    """The rubric's amounts are in another currency than the orders': none of its cut-offs means anything there."""


class Rubric(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[2] = VERSION
    calibrated_at: str = Field(description="as_of of the orders that the thresholds were read from")
    history_days: int = Field(ge=0, description="from the first purchase to calibrated_at")
    currency: str = Field(default=NO_CURRENCY, description="ISO 4217, of all its amounts; XXX: not recorded")
    rhythm: Calibration
    bands: Bands
    scores: ScoreCuts
    overlays: OverlayCuts
    behaviours: BehaviourCuts
    settings: RubricSettings

    @classmethod
    def of(
        cls,
        as_of: datetime,
        rhythm: Calibration,
        thresholds: Thresholds,
        settings: RubricSettings,
        *,
        history_days: int,
        currency: str = NO_CURRENCY,
    ) -> "Rubric":
        return cls(
            calibrated_at=format_instant(as_of),
            history_days=history_days,
            currency=currency,
            rhythm=rhythm,
            bands=thresholds.bands,
            scores=thresholds.scores,
            overlays=thresholds.overlays,
            behaviours=thresholds.behaviours,
            settings=settings,
        )

    @property
    def is_provisional(self) -> bool:
        """Whether it rests on less than a year, or on too few gaps to estimate the account's rhythm."""
        return self.history_days < SETTLED_HISTORY_DAYS or self.rhythm.source == "prior"

    def is_valid_at(self, as_of: datetime) -> bool:
        """Whether a refresh of `as_of` keeps these thresholds: never before them; a provisional one for 91 days."""
        age = self._age(as_of)
        return timedelta(0) <= age and (not self.is_provisional or age <= timedelta(days=PROVISIONAL_DAYS))

    def is_due_for_review(self, as_of: datetime) -> bool:
        """Whether the annual recalibration is due: a settled rubric of more than 365 days."""
        return not self.is_provisional and self._age(as_of) > timedelta(days=REVIEW_DAYS)

    def require_currency(self, currency: str) -> None:
        """Raises OtherCurrency unless its amounts may be compared with amounts in `currency`.

        They may where either is not known: rubrics of before recorded none, and a file of orders may name none.
        """
        if self.currency not in (currency, NO_CURRENCY) and currency != NO_CURRENCY:
            raise OtherCurrency(
                f"the rubric of {self.calibrated_at} was calibrated in {self.currency}, and the orders are in "
                f"{currency}: use one that was calibrated in {currency}"
            )

    def _age(self, as_of: datetime) -> timedelta:
        return as_of - parse_instant(self.calibrated_at)


def read_rubric(document: Any) -> Rubric | None:
    """From the content of a rubric.json. None for one of version 1: it has no scores, overlays and behaviours, held for
    a quarter only, and counts as expired. Raises pydantic's ValidationError for anything else that is not a rubric.
    """
    if isinstance(document, dict) and document.get("version") == 1:
        return None
    return Rubric.model_validate(document)


def rubric_in_force(latest: Rubric | None, adopted: Rubric | None, as_of: datetime) -> Rubric | None:
    """Which of the latest snapshot's rubric and the one that an operator adopted a refresh of `as_of` goes by.

    The adopted one while it is valid, so that adopting an older one goes back; then the latest. When neither is valid,
    the later one, whose settings the next calibration keeps (see build_snapshot).
    """
    known = [rubric for rubric in (adopted, latest) if rubric is not None]
    for rubric in known:
        if rubric.is_valid_at(as_of):
            return rubric
    return max(known, key=lambda rubric: rubric.calibrated_at, default=None)
