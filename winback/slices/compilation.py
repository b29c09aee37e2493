"""Condition trees as DuckDB SQL.

The text of the SQL is made here of fixed pieces and of column names of winback.slices.columns alone; whatever a user
wrote is a bound parameter. Each piece is a boolean that is never NULL, so that NOT is the complement of a set.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

from winback.engagement.touches import TouchKind
from winback.money import exponent
from winback.slices.columns import COLUMNS, Column, Kind
from winback.slices.condition import (
    PURCHASED,
    All,
    AnyOf,
    Cells,
    Comparison,
    Condition,
    Event,
    InSlice,
    Not,
    RandomShare,
    join,
    slices_in,
)
from winback.slices.operands import Operator
from winback.slices.problems import ConditionRefused, Problem

MAX_EXPANDED = 1_000
"""Conditions of a tree with those of the slices that it names, and so on."""
MAX_NESTED = 8
"""Slices that name slices that name slices."""
_PERSONS_ONLY = (TouchKind.OPENED, TouchKind.CLICKED)


@dataclass(frozen=True)
class Ground:
    """What trees are asked of: one snapshot of one account.

    `columns` are those that the snapshot has; `slices` the saved slices that trees may name, by id. `touches` says
    whether there is a relation of that name: customer_id (the key), kind, channel, at TIMESTAMP (UTC), by_machine.
    """

    as_of: datetime
    currency: str
    columns: Collection[str]
    slices: Mapping[str, Condition] = field(default_factory=dict)
    touches: bool = False


@dataclass(frozen=True)
class Predicate:
    """A boolean SQL expression over a snapshot's row, never NULL, and its named parameters."""

    sql: str
    parameters: dict[str, Any]
    columns: frozenset[str]
    """Columns of the snapshot that it reads."""


def compile_condition(condition: Condition, ground: Ground, *, prefix: str = "p") -> Predicate:
    """`prefix`, of ours, begins the parameters' names, so that several predicates fit one statement.

    Raises ConditionRefused naming every problem by its path.
    """
    work = _Compilation(ground, prefix)
    sql = work.sql_of(condition, "", ())
    if work.problems:
        raise ConditionRefused(work.problems)
    return Predicate(sql, work.parameters, frozenset(work.columns))


def touches_since(condition: Condition, ground: Ground) -> date | None:
    """The first day of which touches are needed; None when none are. Slices that the tree names are followed."""
    days: list[date] = []
    pending, seen = [condition], set[str]()
    while pending:
        tree = pending.pop()
        for node in _leaves(tree):
            if isinstance(node, Event) and node.event != PURCHASED:
                days.append(_first_day(node, ground.as_of) or date.min)
        for slice_id in slices_in(tree).keys() - seen:
            seen.add(slice_id)
            if slice_id in ground.slices:
                pending.append(ground.slices[slice_id])
    return min(days, default=None)


def check_references(slice_id: str | None, condition: Condition, slices: Mapping[str, Condition]) -> list[Problem]:
    """Unknown slices, and references that lead back to `slice_id`, which `condition` is about to define."""
    problems = []
    for named, path in slices_in(condition).items():
        if named != slice_id and named not in slices:
            problems.append(Problem(path, "is no saved slice of this account", "the id of one"))
        elif slice_id is not None and slice_id in reachable(named, slices):
            problems.append(Problem(path, "leads back to this slice", "slices that do not name each other in a circle"))
    return problems


def reachable(slice_id: str, slices: Mapping[str, Condition]) -> set[str]:
    """The slice and all that it names, directly or through others."""
    found, pending = set[str](), [slice_id]
    while pending:
        if (one := pending.pop()) not in found:
            found.add(one)
            if one in slices:
                pending += slices_in(slices[one])
    return found


class _Compilation:
    def __init__(self, ground: Ground, prefix: str) -> None:
        self._ground = ground
        self._prefix = prefix
        self._leaves = 0
        self.parameters: dict[str, Any] = {}
        self.columns: set[str] = set()
        self.problems: list[Problem] = []

    def sql_of(self, node: Condition, path: str, inside: tuple[str, ...]) -> str:
        """`inside`: the slices whose conditions are being written out, outermost first."""
        match node:
            case All(conditions=children):
                return self._joined(" AND ", "all", children, path, inside)
            case AnyOf(conditions=children):
                return self._joined(" OR ", "any", children, path, inside)
            case Not(condition=child):
                return f"(NOT {self.sql_of(child, join(path, 'not'), inside)})"
        self._leaves += 1
        if self._leaves > MAX_EXPANDED:
            if self._leaves == MAX_EXPANDED + 1:
                more = f"has more than {MAX_EXPANDED} conditions with those of the slices that it names"
                self.problems.append(Problem("", more, f"at most {MAX_EXPANDED}"))
            return "FALSE"
        return self._leaf(node, path, inside)

    def _leaf(
        self, node: Comparison | Cells | Event | InSlice | RandomShare, path: str, inside: tuple[str, ...]
    ) -> str:
        match node:
            case Comparison():
                return self._comparison(node, path)
            case Cells():
                return self._cells(node, path)
            case Event():
                return self._event(node, path)
            case InSlice():
                return self._slice(node.slice_id, join(path, "slice"), inside)
            case RandomShare():
                return self._share(node)

    def _joined(self, word: str, name: str, children: tuple[Condition, ...], path: str, inside: tuple[str, ...]) -> str:
        parts = [self.sql_of(child, join(path, f"{name}[{place}]"), inside) for place, child in enumerate(children)]
        return f"({word.join(parts)})"

    def _slice(self, slice_id: str, path: str, inside: tuple[str, ...]) -> str:
        if slice_id in inside:
            self.problems.append(
                Problem(path, "leads back to itself", "slices that do not name each other in a circle")
            )
            return "FALSE"
        if len(inside) == MAX_NESTED:
            self.problems.append(Problem(path, f"is more than {MAX_NESTED} slices deep", f"at most {MAX_NESTED}"))
            return "FALSE"
        if slice_id not in self._ground.slices:
            self.problems.append(Problem(path, "is no saved slice of this account", "the id of one"))
            return "FALSE"
        found = len(self.problems)
        sql = self.sql_of(self._ground.slices[slice_id], "", (*inside, slice_id))
        # What is wrong inside another slice is told at the place that names it.
        for place in range(found, len(self.problems)):
            inner = self.problems[place]
            where = f"names {slice_id}, whose {inner.path}" if inner.path else f"names {slice_id}, which"
            self.problems[place] = Problem(path, f"{where} {inner.problem}", inner.expected)
        return sql

    def _comparison(self, node: Comparison, path: str) -> str:
        column = COLUMNS[node.column]
        name = self._read(column.name, join(path, "column"))
        if column.kind is Kind.DATE:
            name = f"CAST({name} AS DATE)"
        match node.operator:
            case Operator.KNOWN:
                return f"({name} IS NOT NULL)"
            case Operator.UNKNOWN:
                return f"({name} IS NULL)"
        bind = self._binder(column, join(path, "value"))
        match node.operator:
            case Operator.IN:
                comparison = f"{name} IN ({', '.join(bind(one) for one in node.value)})"
            case Operator.BETWEEN:
                comparison = f"{name} BETWEEN {bind(node.value[0])} AND {bind(node.value[1])}"
            case operator:
                comparison = f"{name} {_SQL[operator]} {bind(node.value)}"
        return f"coalesce({comparison}, FALSE)"

    def _cells(self, node: Cells, path: str) -> str:
        tier, status = (self._read(name, join(path, "cells")) for name in ("value_tier", "status"))
        pairs = [
            f"({tier} = {self._bind(str(cell.value_tier))} AND {status} = {self._bind(str(cell.status))})"
            for cell in node.cells
        ]
        return f"coalesce({' OR '.join(pairs)}, FALSE)"

    def _event(self, node: Event, path: str) -> str:
        """The days that count are [first, before), and the snapshot's moment is the end of all."""
        first = _first_day(node, self._ground.as_of)
        if node.event == PURCHASED:
            # The last purchase decides about "since", the first about "before".
            if first is not None:
                name = self._read("last_purchase_at", join(path, "event"))
                return f"coalesce(CAST({name} AS DATE) >= {self._bind(first)}, FALSE)"
            name = self._read("first_purchase_at", join(path, "event"))
            return f"coalesce(CAST({name} AS DATE) < {self._bind(node.before)}, FALSE)"
        if not self._ground.touches:
            self.problems.append(
                Problem(join(path, "event"), "needs sends and store events, and there are none here", "purchased")
            )
            return "FALSE"
        wanted = ["customer_id IS NOT NULL", f"kind = {self._bind(str(node.event))}"]
        wanted.append(f'"at" < {self._bind(self._ground.as_of.astimezone(UTC).replace(tzinfo=None))}')
        if first is not None:
            wanted.append(f'CAST("at" AS DATE) >= {self._bind(first)}')
        if node.before is not None:
            wanted.append(f'CAST("at" AS DATE) < {self._bind(node.before)}')
        if node.channel is not None:
            wanted.append(f"channel = {self._bind(str(node.channel))}")
        if node.event in _PERSONS_ONLY:
            wanted.append("by_machine IS NOT TRUE")
        condition = " AND ".join(wanted)
        return f"(customer_key IN (SELECT customer_id FROM touches WHERE {condition}))"  # noqa: S608 (bound values)

    def _share(self, node: RandomShare) -> str:
        """A customer's place is the first 12 hex digits of SHA-256 over `salt:customer_key`; hex sorts as it counts."""
        limit = ceil(node.share * 16**12)
        if limit == 16**12:
            return "TRUE"
        place = f"substr(sha256({self._bind(node.salt)} || ':' || customer_key), 1, 12)"
        return f"({place} < {self._bind(f'{limit:012x}')})"

    def _read(self, name: str, path: str) -> str:
        """The stored name of a column of the contract; one that this snapshot lacks is a problem."""
        stored = COLUMNS[name].stored
        self.columns.add(stored)
        if stored not in self._ground.columns:
            problem = f"is {name}, which this snapshot does not have"
            self.problems.append(Problem(path, problem, "a snapshot that has it: a refresh adds what came later"))
        return stored

    def _binder(self, column: Column, path: str) -> Callable[[Any], str]:
        if column.kind is not Kind.MONEY:
            return lambda value: self._bind(str(value) if isinstance(value, str) else value)

        def bind(amount: Decimal) -> str:
            decimals = exponent(self._ground.currency)
            minor = amount.scaleb(decimals)
            if minor != minor.to_integral_value():
                problem = f"has more decimals than {self._ground.currency} allows"
                self.problems.append(Problem(path, problem, f"at most {decimals}"))
            return self._bind(int(minor))

        return bind

    def _bind(self, value: Any) -> str:
        name = f"{self._prefix}{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"


_SQL = {
    Operator.EQUAL: "=",
    Operator.DIFFERENT: "<>",
    Operator.LESS: "<",
    Operator.AT_MOST: "<=",
    Operator.MORE: ">",
    Operator.AT_LEAST: ">=",
}


def _first_day(node: Event, as_of: datetime) -> date | None:
    if node.within_days is not None:
        return as_of.astimezone(UTC).date() - timedelta(days=node.within_days)
    return node.since


def _leaves(condition: Condition) -> list[Condition]:
    match condition:
        case All(conditions=children) | AnyOf(conditions=children):
            return [leaf for child in children for leaf in _leaves(child)]
        case Not(condition=child):
            return _leaves(child)
    return [condition]
