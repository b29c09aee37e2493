"""How customers moved between two snapshots, and what each snapshot adds to the account's history.

Thresholds come from a frozen rubric, so that customers move because of what they do. Where two snapshots were cut by
different rubrics, part of the movement may be the thresholds': the answer then says so.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from winback.segmentation.grid import Status, ValueTier
from winback.segmentation.names import FAMILY_OF, Family, Segment


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RubricUsed(_Frozen):
    """Which thresholds a snapshot was cut by."""

    calibrated_at: str = Field(description="as_of of the orders that they were read from")
    fingerprint: str = Field(description="first 16 hex digits of SHA-256 over the rubric's JSON")

    @classmethod
    def of(cls, rubric: Mapping[str, Any]) -> "RubricUsed":
        """From the content of rubric.json."""
        text = json.dumps(rubric, sort_keys=True, separators=(",", ":"))
        return cls(calibrated_at=rubric["calibrated_at"], fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16])


class Headcount(_Frozen):
    customers: int = 0
    net_minor: int = Field(default=0, description="purchases less returns so far, minor units")
    lapsed: int = 0

    def plus(self, other: "Headcount") -> "Headcount":
        return Headcount(
            customers=self.customers + other.customers,
            net_minor=self.net_minor + other.net_minor,
            lapsed=self.lapsed + other.lapsed,
        )


class Point(_Frozen):
    """One snapshot of the account's history: small, so that years of them are read in one answer."""

    snapshot_id: str
    as_of: str
    rubric: RubricUsed
    newly_lapsed: int = 0
    changed: int = Field(default=0, description="customers whose stored segment item was written or removed")
    segments: dict[Segment, Headcount] = Field(description="those with customers only")

    @property
    def total(self) -> Headcount:
        return _sum(self.segments.values())

    def families(self) -> dict[Family, Headcount]:
        """Every family, also an empty one."""
        return {
            family: _sum(count for segment, count in self.segments.items() if FAMILY_OF[segment] is family)
            for family in Family
        }


class Cell(_Frozen):
    value_tier: ValueTier
    status: Status


class _Move(_Frozen):
    """Customers who went from one place to another. None: not a buyer at that moment."""

    customers: int
    net_minor_before: int
    net_minor_now: int


class SegmentMove(_Move):
    from_segment: Segment | None
    to_segment: Segment | None


class FamilyMove(_Move):
    from_family: Family | None
    to_family: Family | None


class CellMove(_Move):
    from_cell: Cell | None
    to_cell: Cell | None


class Movement(_Frozen):
    """Three migration matrices of the same customers, without their empty fields; each adds up to the same."""

    segments: tuple[SegmentMove, ...]
    families: tuple[FamilyMove, ...]
    cells: tuple[CellMove, ...]


def comparability(before: RubricUsed, now: RubricUsed) -> dict[str, Any]:
    """Whether like is compared with like: `same_rubric`, and where it is not, `caution` in a sentence."""
    if before.fingerprint == now.fingerprint:
        return {"same_rubric": True}
    return {
        "same_rubric": False,
        "caution": (
            f"the two snapshots were cut by different rubrics, calibrated as of {before.calibrated_at} and "
            f"{now.calibrated_at}: part of the movement may be the thresholds', not the customers'"
        ),
    }


def _sum(counts: Iterable[Headcount]) -> Headcount:
    total = Headcount()
    for count in counts:
        total = total.plus(count)
    return total
