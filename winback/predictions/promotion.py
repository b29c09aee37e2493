"""Whether a trained model takes the champion's place, decided from its evaluation.json alone.

A model is promoted when it is better than the champion beyond chance on customers of the newest period that neither was
trained on; where there is no champion to compare with, when it is better than each naive baseline. "Beyond chance": the
95 % interval of the paired bootstrap excludes zero in the right direction (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, section 13.3), which the training script works out. Every refusal says why in words.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from winback.predictions.kinds import Kind

FEWEST_TEST_ROWS = 200
"""Below this many rows the bootstrap's interval is itself a guess, so nothing is promoted on it."""
SLOPES = (0.5, 2.0)
"""Calibration slopes between which a forecast can be acted on: outside, its probabilities are off by a factor of two on
the scale of log odds, however well they rank."""
WORSE_ACCOUNTS = 0.1
"""Share of the accounts for which a model may be worse beyond chance: one in forty is by chance alone."""

CHAMPION = "champion"


class UnreadableEvaluation(ValueError):
    """The training job left no evaluation that can be judged; the text names the field."""


class Comparison(BaseModel):
    """The candidate's metric minus another's on the same rows, with its 95 % interval."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    value: float | None = None
    """The other's metric."""
    difference: float
    low: float
    high: float
    better: bool

    def worse(self, *, higher_is_better: bool) -> bool:
        """The whole interval is on the wrong side of zero."""
        return self.high < 0 if higher_is_better else self.low > 0


class Rows(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    rows: int = Field(ge=0)


class Reference(BaseModel):
    """The distribution of one input over the rows that the model was trained on (ml/metrics.py, `reference`).

    n ascending edges make n + 2 shares that add up to 1: below the first edge, from each edge up to the next, from the
    last on, and last of all the rows without a value.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    edges: tuple[float, ...]
    shares: tuple[float, ...]


class Judged(BaseModel):
    """What is kept of an evaluation beside the run."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    metric: str
    higher_is_better: bool = False
    value: float
    against: dict[str, Comparison]
    serves: str
    calibration_slope: float | None = None


class Evaluation(BaseModel):
    """`evaluation.json` of a model archive."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    kind: Kind
    schema_version: Literal[1]
    model_id: str = Field(min_length=1)
    trained_on: Rows
    test: Rows
    metric: str
    higher_is_better: bool = False
    value: float
    against: dict[str, Comparison]
    checks: dict[str, Any] = {}
    serves: str
    reference: dict[str, Reference] = {}
    accounts: dict[str, Comparison] = {}
    """Against the champion on the rows of each account, where the script was told whose they are."""

    @property
    def calibration_slope(self) -> float | None:
        slope = self.checks.get("calibration_slope")
        return float(slope) if isinstance(slope, int | float) else None

    @property
    def judged(self) -> Judged:
        return Judged(
            metric=self.metric,
            higher_is_better=self.higher_is_better,
            value=self.value,
            against=self.against,
            serves=self.serves,
            calibration_slope=self.calibration_slope,
        )


def read_evaluation(content: Any) -> Evaluation:
    """Raises UnreadableEvaluation."""
    try:
        return Evaluation.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "evaluation.json"
        raise UnreadableEvaluation(f"evaluation.json: {field}: {first['msg']}") from error


@dataclass(frozen=True)
class Verdict:
    promote: bool
    reasons: tuple[str, ...]
    """Why it is promoted (one sentence a comparison), or everything that speaks against it."""


@dataclass(frozen=True)
class Standing:
    """What the candidate would replace, as the models bucket has it now."""

    champion: str | None
    """Its model id; None when there is no champion."""
    compared_with: str | None
    """The champion's model id when the training started."""
    reverted: Collection[str] = ()
    """Models that somebody took out of service."""


def judge(evaluation: Evaluation, kind: Kind, standing: Standing) -> Verdict:
    """Pure: the same evaluation and standing give the same verdict."""
    against = tuple(_against(evaluation, kind, standing))
    if against:
        return Verdict(False, against)
    return Verdict(True, tuple(_comparison(evaluation, name) for name in _to_beat(evaluation)))


def _against(evaluation: Evaluation, kind: Kind, standing: Standing) -> Iterator[str]:
    if evaluation.kind is not kind:
        yield f"it is a model of {evaluation.kind}, and {kind} was trained"
    if evaluation.model_id == standing.champion:
        yield f"{evaluation.model_id} is the champion itself: the same rows were learnt again"
    elif evaluation.model_id in standing.reverted:
        yield f"{evaluation.model_id} was in service before and was taken out: promote it by hand if it should return"
    if standing.champion != standing.compared_with:
        yield (
            f"the champion changed while it was trained: it was compared with {standing.compared_with or 'none'}, "
            f"and {standing.champion or 'none'} serves now"
        )
    if evaluation.test.rows < FEWEST_TEST_ROWS:
        yield (
            f"too small to tell: {evaluation.test.rows} rows of the newest period, and {FEWEST_TEST_ROWS} are needed"
        )
    slope = evaluation.calibration_slope
    if slope is not None and not (math.isfinite(slope) and SLOPES[0] <= slope <= SLOPES[1]):
        yield f"its calibration slope is {slope:.2f}: expected {SLOPES[0]} to {SLOPES[1]}"
    others = _to_beat(evaluation)
    if not others:
        yield "it was compared with nothing: neither the champion nor a baseline"
    for name in others:
        if not evaluation.against[name].better:
            yield _comparison(evaluation, name)
    yield from _against_by_account(evaluation)


def _against_by_account(evaluation: Evaluation) -> Iterator[str]:
    worse = [
        account
        for account, found in sorted(evaluation.accounts.items())
        if found.worse(higher_is_better=evaluation.higher_is_better)
    ]
    if len(worse) > WORSE_ACCOUNTS * len(evaluation.accounts):
        named = ", ".join(worse[:5]) + (" and others" if len(worse) > 5 else "")
        share = f"{len(worse)} of {len(evaluation.accounts)} accounts"
        yield f"it is worse than the champion beyond chance for {share}: {named}"


def _to_beat(evaluation: Evaluation) -> list[str]:
    """The champion; without one every baseline but that which the archive itself serves."""
    if CHAMPION in evaluation.against:
        return [CHAMPION]
    return [name for name in sorted(evaluation.against) if name != evaluation.serves]


def _comparison(evaluation: Evaluation, name: str) -> str:
    found = evaluation.against[name]
    better = "better" if found.better else "not better"
    other = "the champion" if name == CHAMPION else name.replace("_", " ")
    theirs = f" against {found.value:.4f}" if found.value is not None else ""
    return (
        f"{better} than {other} beyond chance: {evaluation.metric.replace('_', ' ')} {evaluation.value:.4f}{theirs}, "
        f"difference {found.difference:+.4f}, 95 % interval {found.low:+.4f} to {found.high:+.4f}, "
        f"on {evaluation.test.rows} rows"
    )


def earlier_model(promotions: Sequence[Mapping[str, Any]], champion: str) -> str | None:
    """The model that `champion` replaced when it was promoted; None when it was the first.

    `promotions`: finished changes of the champion, oldest first, as `{"from", "to", "reverts"}`. Reverting twice goes
    back two models instead of forth again: only promotions are followed, not reverts.
    """
    for change in reversed(promotions):
        if change["to"] == champion and not change["reverts"]:
            return change["from"] if change["from"] is None else str(change["from"])
    return None
