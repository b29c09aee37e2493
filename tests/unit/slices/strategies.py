"""Random snapshots and random condition trees, with the text that injections are made of."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from winback.segmentation.grid import CELLS
from winback.slices.columns import COLUMNS, Column, Kind
from winback.slices.operands import OPERATORS, Operator

AS_OF = datetime(2026, 3, 26, 5)
SLICES = ("slc-00000000000a", "slc-00000000000b")
HOSTILE = (
    "'; DROP TABLE customers; --",
    '" OR 1=1 --',
    "$1",
    "$m0",
    "?",
    "{0}",
    "%s",
    "\\",
    "''",
    "select",
    "NULL",
    "customer_key",
    "O'Hara",
    "日本語",
    "\u202egnp",
    "🛒",
    "a\u0301",
    ") OR (TRUE",
    "/* */",
)
CHANNELS = ("email", "sms", "push", "web")
KINDS = ("sent", "opened", "clicked", "visited")

texts = st.sampled_from(HOSTILE) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12
)
moments = st.integers(-40 * 24, 24).map(lambda hours: AS_OF + timedelta(hours=hours))
days = st.integers(-41, 1).map(lambda number: AS_OF.date() + timedelta(days=number))
cents = st.integers(-300, 300)
wholes = st.integers(-3, 12)
numbers = st.integers(-4, 8).map(lambda quarter: quarter / 4)


def stored(column: Column) -> st.SearchStrategy[Any]:
    """A value as the snapshot has it, or nothing."""
    values: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.MONEY: cents,
        Kind.WHOLE: wholes,
        Kind.NUMBER: numbers,
        Kind.DATE: moments,
        Kind.FLAG: st.booleans(),
        Kind.TEXT: st.sampled_from(column.values) if column.values else texts,
    }
    return st.none() | values[column.kind]


def written(column: Column) -> st.SearchStrategy[Any]:
    """A value as a condition has it."""
    values: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.MONEY: cents.map(lambda minor: str(Decimal(minor).scaleb(-2))) | wholes,
        Kind.WHOLE: wholes,
        Kind.NUMBER: numbers,
        Kind.DATE: days.map(date.isoformat),
        Kind.FLAG: st.booleans(),
        Kind.TEXT: st.sampled_from(column.values) if column.values else texts,
    }
    return values[column.kind]


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    column = draw(st.sampled_from(list(COLUMNS.values())))
    operator = draw(st.sampled_from(OPERATORS[column.kind]))
    tree: dict[str, Any] = {"column": column.name, "operator": str(operator)}
    match operator:
        case Operator.KNOWN | Operator.UNKNOWN:
            return tree
        case Operator.IN:
            return {**tree, "value": draw(st.lists(written(column), min_size=1, max_size=4))}
        case Operator.BETWEEN:
            low, high = sorted(
                (draw(written(column)) for _ in range(2)),
                key=lambda value: Decimal(str(value)) if column.kind is not Kind.DATE else value,
            )
            return {**tree, "value": [low, high]}
        case _:
            return {**tree, "value": draw(written(column))}


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    tree: dict[str, Any] = {"event": draw(st.sampled_from(("purchased", *KINDS)))}
    if tree["event"] != "purchased" and draw(st.booleans()):
        tree["channel"] = draw(st.sampled_from(CHANNELS))
    match draw(st.sampled_from(("within_days", "since", "before"))):
        case "within_days":
            return {**tree, "within_days": draw(st.integers(0, 40))}
        case name:
            return {**tree, name: draw(days).isoformat()}


leaves = (
    comparisons()
    | events()
    | st.lists(st.sampled_from(CELLS), min_size=1, max_size=3).map(
        lambda cells: {"cells": [{"value_tier": str(tier), "status": str(status)} for tier, status in cells]}
    )
    | st.tuples(st.floats(0.01, 1), texts.map(str.strip).filter(bool)).map(lambda p: {"share": p[0], "salt": p[1]})
)


def trees(*slices: str) -> st.SearchStrategy[dict[str, Any]]:
    """As JSON; they may name the slices."""
    base = leaves | st.sampled_from(slices).map(lambda name: {"slice": name}) if slices else leaves
    return st.recursive(
        base,
        lambda children: (
            st.lists(children, min_size=1, max_size=3).map(lambda several: {"all": several})
            | st.lists(children, min_size=1, max_size=3).map(lambda several: {"any": several})
            | children.map(lambda child: {"not": child})
        ),
        max_leaves=6,
    )


def _as_features_are(row: dict[str, Any]) -> dict[str, Any]:
    """A customer has a first and a last purchase, in this order, or neither."""
    days = sorted(row[name] for name in PURCHASES if row.get(name) is not None)
    return {**row, **dict(zip(PURCHASES, (days[0], days[-1]) if days else (None, None), strict=True))}


PURCHASES = ("first_purchase_at", "last_purchase_at")
rows = st.fixed_dictionaries({}, optional={column.stored: stored(column) for column in COLUMNS.values()}).map(
    _as_features_are
)
touches = st.fixed_dictionaries(
    {
        "customer_id": st.integers(0, 5).map("{:032x}".format),
        "kind": st.sampled_from(KINDS),
        "channel": st.none() | st.sampled_from(CHANNELS),
        "at": moments,
        "by_machine": st.none() | st.booleans(),
    }
)
