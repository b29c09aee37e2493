"""Saved slices, and what a launch freezes of one."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from winback.fields import Text
from winback.instants import format_instant, parse_instant
from winback.slices.columns import COLUMNS
from winback.slices.compilation import Ground, check_references, compile_condition, reachable, touches_since
from winback.slices.condition import SLICE_ID, Condition, ConditionTree, InSlice
from winback.slices.problems import ConditionRefused

MAX_SLICES = 100
"""Of an account: they are read together."""
MAX_SLICE_SIZE = 50_000  # bytes of a condition
MAX_SLICES_SIZE = 1_000_000
"""Bytes of all conditions of an account. The list of them is one answer of at most 6 MB, quoted twice as JSON:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
MAX_FROZEN_SIZE = 100_000  # bytes beside a launch's definition in one table item of at most 400 KB


_TREE: TypeAdapter[Condition] = TypeAdapter(ConditionTree, config=ConfigDict(defer_build=True))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class NewSlice(_Part):
    """What a marketer states of a slice."""

    name: Text
    condition: ConditionTree

    @model_validator(mode="after")
    def _small_enough(self) -> Self:
        size = len(self.model_dump_json().encode())
        if size > MAX_SLICE_SIZE:
            raise ValueError(f"the slice has {size} bytes: expected at most {MAX_SLICE_SIZE}")
        return self


class SavedSlice(NewSlice):
    slice_id: str = Field(pattern=SLICE_ID)
    version: int = Field(default=1, ge=1, description="rises with every change; a change names the one it was made of")
    created_at: str
    updated_at: str


class FrozenSlice(_Part):
    """A slice as it was when a launch was made of it, with those that it names: later edits change nothing."""

    slice_id: str = Field(pattern=SLICE_ID)
    name: str
    version: int
    as_of: str = Field(description="the snapshot's: where its days count from")
    currency: str = Field(description="of its amounts: the account's")
    condition: ConditionTree
    slices: dict[str, ConditionTree] = Field(default_factory=dict, description="those that it names, by id")

    @property
    def touches_since(self) -> date | None:
        """The first day of which touches are needed; None when none are."""
        return touches_since(InSlice(slice_id=self.slice_id), self.ground(frozenset(), touches=False))

    def ground(self, columns: frozenset[str], *, touches: bool) -> Ground:
        return Ground(
            as_of=parse_instant(self.as_of),
            currency=self.currency,
            columns=columns,
            slices=self.conditions,
            touches=touches,
        )

    @property
    def conditions(self) -> dict[str, Condition]:
        """By id, the slice's own among them."""
        return {**self.slices, self.slice_id: self.condition}


class UnknownSlice(LookupError):
    """The account has no slice of that id."""


class SliceInUse(RuntimeError):
    """Another slice names it."""


class TooManySlices(RuntimeError):
    """The account has as many slices as it may have, or as large ones."""


class SliceTooLarge(ValueError):
    """With all that it names it does not fit beside a launch."""


def conditions_of(saved: Mapping[str, SavedSlice]) -> dict[str, Condition]:
    return {slice_id: each.condition for slice_id, each in saved.items()}


def check_new(wanted: NewSlice, slice_id: str | None, saved: Mapping[str, SavedSlice]) -> None:
    """Raises ConditionRefused for slices that it names and there are not, or that lead back to `slice_id`."""
    if problems := check_references(slice_id, wanted.condition, conditions_of(saved)):
        raise ConditionRefused(problems)


def check_room(wanted: NewSlice, slice_id: str, saved: Mapping[str, SavedSlice]) -> None:
    """Raises TooManySlices when the account's others leave no room for it."""
    others = [each.condition for other, each in saved.items() if other != slice_id]
    if len(others) >= MAX_SLICES:
        raise TooManySlices(f"there are {len(others)} slices: delete one first, at most {MAX_SLICES} are kept")
    size = sum(len(_TREE.dump_json(condition)) for condition in (*others, wanted.condition))
    if size > MAX_SLICES_SIZE:
        raise TooManySlices(
            f"all slices have {size} bytes with this one: shorten or delete some, at most {MAX_SLICES_SIZE}"
        )


def check_unused(slice_id: str, saved: Mapping[str, SavedSlice]) -> None:
    """Raises SliceInUse when another slice names it."""
    conditions = conditions_of(saved)
    users = [
        each.name for other, each in saved.items() if other != slice_id and slice_id in reachable(other, conditions)
    ]
    if users:
        raise SliceInUse(f"slice {slice_id} is part of {', '.join(users)}: change or delete these first")


def frozen_slice(slice_id: str, saved: Mapping[str, SavedSlice], *, as_of: datetime, currency: str) -> FrozenSlice:
    """What a launch of a snapshot as of then keeps. Raises UnknownSlice, ConditionRefused and SliceTooLarge.

    Which columns the snapshot has is not looked at.
    """
    if slice_id not in saved:
        raise UnknownSlice(f"no slice {slice_id}")
    wanted, conditions = saved[slice_id], conditions_of(saved)
    stored = frozenset(column.stored for column in COLUMNS.values())
    ground = Ground(as_of=as_of, currency=currency, columns=stored, slices=conditions, touches=True)
    compile_condition(InSlice(slice_id=slice_id), ground)
    named = reachable(slice_id, conditions) - {slice_id}
    frozen = FrozenSlice(
        slice_id=slice_id,
        name=wanted.name,
        version=wanted.version,
        as_of=format_instant(as_of),
        currency=currency,
        condition=wanted.condition,
        slices={other: conditions[other] for other in sorted(named)},
    )
    size = len(frozen.model_dump_json().encode())
    if size > MAX_FROZEN_SIZE:
        raise SliceTooLarge(f"slice {slice_id} has {size} bytes with those that it names: at most {MAX_FROZEN_SIZE}")
    return frozen
