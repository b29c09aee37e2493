"""The condition tree of a slice: JSON in, frozen models out; what does not fit is named by its path in the tree.

    {"all": [{"column": "segment", "operator": "in", "value": ["Slipping VIPs"]},
             {"not": {"column": "discount_tier", "operator": "=", "value": "repeat"}}]}

Meaning: a tree is a set of the snapshot's customers. `all` is the intersection, `any` the union, `not` the complement.
A value that is not known matches no comparison, not even `!=`; so `not` of a comparison contains the customers of whom
nothing is known. Ask for them by the operators `known` and `unknown`.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema

from winback.engagement.touches import TouchChannel, TouchKind
from winback.fields import Text
from winback.segmentation.grid import CELLS, Cell, Status, ValueTier
from winback.slices.columns import COLUMNS, Kind
from winback.slices.comparison_schema import comparison_schemas
from winback.slices.operands import MAX_VALUES, OPERATORS, Operator, as_json, operand, values_of

MAX_DEPTH = 8  # groups inside groups; a table item nests 32 levels at most, and a group takes two
MAX_LEAVES = 200
LONGEST_DAYS = 36_500
SLICE_ID = r"^slc-[0-9a-f]{12}$"


PURCHASED: Literal["purchased"] = "purchased"


class _Node(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True, defer_build=True
    )


def _some(children: tuple[Any, ...]) -> tuple[Any, ...]:
    """After its children: a minimum length of pydantic's own would be reported too where a child does not fit."""
    if not children:
        raise ValueError("is empty: expected at least one")
    return children


Conditions = Annotated[tuple["Condition", ...], AfterValidator(_some), Field(json_schema_extra={"minItems": 1})]


class All(_Node):
    """Customers that every condition contains."""

    conditions: Conditions = Field(alias="all")


class AnyOf(_Node):
    """Customers that at least one condition contains."""

    conditions: Conditions = Field(alias="any")


class Not(_Node):
    """Every other customer of the snapshot."""

    condition: "Condition" = Field(alias="not")


class Comparison(_Node):
    """A column of the snapshot against a value; `value` is a list for `in` and `between`, absent for `known`."""

    column: str
    operator: Operator
    value: Any = Field(default=None, validate_default=True)

    @field_validator("column")
    @classmethod
    def _known_column(cls, name: str) -> str:
        if name in COLUMNS:
            return name
        money = next((c.name for c in COLUMNS.values() if c.kind is Kind.MONEY and c.stored == name), None)
        if money:
            raise ValueError(f"is in minor units: expected {money}, which a condition states in major units")
        raise ValueError(f"is no column of a snapshot: expected one of {', '.join(COLUMNS)}")

    @field_validator("operator")
    @classmethod
    def _fits_the_column(cls, operator: Operator, info: ValidationInfo) -> Operator:
        if (name := info.data.get("column")) is not None:
            allowed = OPERATORS[COLUMNS[name].kind]
            if operator not in allowed:
                raise ValueError(f"does not go with {name}: expected one of {', '.join(allowed)}")
        return operator

    @field_validator("value")
    @classmethod
    def _fits_both(cls, value: object, info: ValidationInfo) -> object:
        if "column" not in info.data or "operator" not in info.data:
            return None  # the problem is named there
        column, operator = COLUMNS[info.data["column"]], info.data["operator"]
        match operator:
            case Operator.KNOWN | Operator.UNKNOWN:
                if value is not None:
                    raise ValueError(f"means nothing with {operator}: expected no value")
                return None
            case Operator.IN:
                return tuple(dict.fromkeys(operand(column, one) for one in values_of(value, 1, MAX_VALUES)))
            case Operator.BETWEEN:
                low, high = (operand(column, one) for one in values_of(value, 2, 2))
                if low > high:  # type: ignore[operator]  # of one kind
                    raise ValueError("has its ends the wrong way round: expected [lowest, highest]")
                return low, high
            case _:
                return operand(column, value)

    @field_serializer("value")
    def _as_json(self, value: Any) -> Any:
        return [as_json(one) for one in value] if isinstance(value, tuple) else as_json(value)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described = handler.resolve_ref_schema(handler(schema))
        described["oneOf"] = comparison_schemas()
        return described


class Cells(_Node):
    """Any of these cells of the playbook grid."""

    cells: Annotated[tuple["GridCell", ...], AfterValidator(_some), Field(json_schema_extra={"minItems": 1})]


class GridCell(_Node):
    value_tier: ValueTier
    status: Status

    @model_validator(mode="after")
    def _occurs(self) -> Self:
        if Cell(self.value_tier, self.status) not in CELLS:
            possible = ", ".join(cell.status for cell in CELLS if cell.value_tier is self.value_tier)
            raise ValueError(f"is no cell of the grid: expected for {self.value_tier} one of {possible}")
        return self


class Event(_Node):
    """At least one such touch in the time that exactly one of the last three fields gives. Days are UTC days."""

    event: Literal["purchased"] | TouchKind = Field(description="opened and clicked: by a person")
    channel: TouchChannel | None = None
    within_days: int | None = Field(
        default=None, ge=0, le=LONGEST_DAYS, description="on the snapshot's day or at most so many days before"
    )
    since: date | None = Field(default=None, description="on that day or later")
    before: date | None = Field(default=None, description="before that day")

    @field_validator("within_days", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        return int(value) if isinstance(value, Decimal) and value == int(value) else value

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        given = [name for name in ("within_days", "since", "before") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"has {len(given)} times: expected exactly one of within_days, since, before")
        if self.event == PURCHASED and self.channel is not None:
            raise ValueError("has a channel, which a purchase has not: expected none")
        return self


class InSlice(_Node):
    """The customers of a saved slice, as it is now; a launch keeps what it was then."""

    slice_id: str = Field(alias="slice", pattern=SLICE_ID)


class RandomShare(_Node):
    """A random part of the customers: always the same ones for the same salt, and a larger share contains them."""

    share: float = Field(ge=0.000_001, le=1, description="of 1")
    salt: Text

    @field_validator("share", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return float(value) if isinstance(value, Decimal) else value


_SHAPES: dict[str, type[_Node]] = {
    "all": All,
    "any": AnyOf,
    "not": Not,
    "column": Comparison,
    "cells": Cells,
    "event": Event,
    "slice": InSlice,
    "share": RandomShare,
}


def _shape(value: object) -> str | None:
    if isinstance(value, Mapping):
        return next((f"<{name}>" for name in _SHAPES if name in value), None)
    return next((f"<{name}>" for name, node in _SHAPES.items() if isinstance(value, node)), None)


Condition = Annotated[
    Annotated[All, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[Not, Tag("<not>")]
    | Annotated[Comparison, Tag("<column>")]
    | Annotated[Cells, Tag("<cells>")]
    | Annotated[Event, Tag("<event>")]
    | Annotated[InSlice, Tag("<slice>")]
    | Annotated[RandomShare, Tag("<share>")],
    Discriminator(
        _shape,
        custom_error_type="no_condition",
        custom_error_message=f"an object with one of {', '.join(_SHAPES)}",
    ),
]


def _within_limits(value: object) -> object:
    """Looked at before the models are, which would follow any depth."""
    leaves, pending = 0, [(value, 1)]
    while pending:
        node, depth = pending.pop()
        if isinstance(node, BaseModel):
            return value  # was checked when it was built
        inner = _inner(node)
        if depth > MAX_DEPTH and inner:
            raise ValueError(f"nests groups more than {MAX_DEPTH} deep: expected at most {MAX_DEPTH}")
        leaves += not inner
        if leaves > MAX_LEAVES:
            raise ValueError(f"has more than {MAX_LEAVES} conditions: expected at most {MAX_LEAVES}")
        pending += [(child, depth + 1) for child in inner]
    return value


def _inner(node: object) -> list[object]:
    if not isinstance(node, Mapping):
        return []
    found: list[object] = []
    for name in ("all", "any"):
        if isinstance(children := node.get(name), list | tuple):
            found += children
    return [*found, node["not"]] if "not" in node else found


ConditionTree = Annotated[Condition, BeforeValidator(_within_limits)]
"""A whole tree, as fields of other models hold it: within the limits of depth and size."""


def walk(condition: Condition, path: str = "") -> Iterator[tuple[str, Condition]]:
    """Every node with its path, such as `all[1].any[0]`; the root's is empty."""
    yield path, condition
    match condition:
        case All(conditions=children) | AnyOf(conditions=children):
            name = "all" if isinstance(condition, All) else "any"
            for place, child in enumerate(children):
                yield from walk(child, join(path, f"{name}[{place}]"))
        case Not(condition=child):
            yield from walk(child, join(path, "not"))
        case _:
            return


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def slices_in(condition: Condition) -> dict[str, str]:
    """Ids of the saved slices that the tree names, each with the path of its first mention."""
    found: dict[str, str] = {}
    for path, node in walk(condition):
        if isinstance(node, InSlice):
            found.setdefault(node.slice_id, join(path, "slice"))
    return found
