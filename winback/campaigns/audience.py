"""Whom a campaign addresses: customers of one snapshot, by segment, grid cell, slice or event."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from winback.segmentation.names import Family, Segment
from winback.slices.condition import SLICE_ID, All, AnyOf, Cells, Comparison, Condition, GridCell, InSlice
from winback.slices.operands import Operator


class Audience(BaseModel):
    """Customers of one snapshot. Names of one kind widen the audience, another kind narrows it.

    (Any of the segments or families) and (any of the cells) and in the slice and newly lapsed; a kind that is not given
    narrows nothing. A segment is a part of a family, so both are one kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    segments: tuple[Segment, ...] = ()
    families: tuple[Family, ...] = ()
    cells: tuple[GridCell, ...] = Field(default=(), description="of the playbook grid")
    slice: str | None = Field(default=None, pattern=SLICE_ID, description="a saved slice; a launch freezes it")
    newly_lapsed: bool = Field(
        default=False, description="only who is lapsed and was not in the latest snapshot before"
    )

    @field_validator("segments", "families", "cells")
    @classmethod
    def _each_once(cls, names: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(names))

    @model_validator(mode="after")
    def _someone(self) -> Self:
        if not (self.segments or self.families or self.cells or self.slice or self.newly_lapsed):
            raise ValueError("names nobody: expected segments, families, cells, a slice or newly_lapsed")
        return self

    @property
    def condition(self) -> All:
        """The same as a condition tree; the slice by its id."""
        places: list[Condition] = []
        if self.segments:
            places.append(Comparison(column="segment", operator=Operator.IN, value=self.segments))
        if self.families:
            places.append(Comparison(column="family", operator=Operator.IN, value=self.families))
        kinds: list[Condition] = [AnyOf(conditions=tuple(places))] if places else []
        if self.cells:
            kinds.append(Cells(cells=self.cells))
        if self.slice is not None:
            kinds.append(InSlice(slice_id=self.slice))
        if self.newly_lapsed:
            kinds.append(Comparison(column="newly_lapsed", operator=Operator.EQUAL, value=True))
        return All(conditions=tuple(kinds))

    def may_include(self, segment: str, family: str, value_tier: str | None = None, status: str | None = None) -> bool:
        """Whether what is known of a customer does not rule it out; without its cell only the segment counts."""
        if (self.segments or self.families) and segment not in self.segments and family not in self.families:
            return False
        return (
            not self.cells
            or value_tier is None
            or any((cell.value_tier, cell.status) == (value_tier, status) for cell in self.cells)
        )
