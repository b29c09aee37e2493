"""A second, plain reading of condition trees, row by row, to hold the SQL against."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from winback.money import exponent
from winback.slices.columns import COLUMNS, Kind
from winback.slices.condition import (
    All,
    AnyOf,
    Cells,
    Comparison,
    Condition,
    Event,
    InSlice,
    Not,
    RandomShare,
    Touch,
)
from winback.slices.operands import Operator

Row = Mapping[str, Any]


class Evaluation:
    """Whether rows of a snapshot match. `as_of` and the touches' `at` are naive UTC."""

    def __init__(self, as_of: datetime, currency: str, slices: Mapping[str, Condition], touches: Sequence[Row]) -> None:
        self._as_of, self._currency, self._slices = as_of, currency, slices
        self._touches: dict[str, list[Row]] = {}
        for touch in touches:
            self._touches.setdefault(touch["customer_key"], []).append(touch)

    def matches(self, node: Condition, row: Row) -> bool:
        match node:
            case All(conditions=children):
                return all(self.matches(child, row) for child in children)
            case AnyOf(conditions=children):
                return any(self.matches(child, row) for child in children)
            case Not(condition=child):
                return not self.matches(child, row)
            case InSlice(slice_id=slice_id):
                return self.matches(self._slices[slice_id], row)
            case Cells(cells=cells):
                return any((cell.value_tier, cell.status) == (row["value_tier"], row["status"]) for cell in cells)
            case RandomShare(share=share, salt=salt):
                digest = hashlib.sha256(f"{salt}:{row['customer_key']}".encode()).hexdigest()
                return int(digest[:12], 16) < Decimal(share) * 16**12
            case Event():
                return self._happened(node, row)
            case Comparison():
                return self._compares(node, row)

    def _compares(self, node: Comparison, row: Row) -> bool:
        column = COLUMNS[node.column]
        known = row[column.stored]
        if node.operator in (Operator.KNOWN, Operator.UNKNOWN):
            return (known is None) == (node.operator is Operator.UNKNOWN)
        if known is None:
            return False
        if column.kind is Kind.DATE:
            known = known.date()
        if column.kind is Kind.MONEY:
            known = Decimal(known) / 10 ** exponent(self._currency)
        match node.operator:
            case Operator.EQUAL:
                return bool(known == node.value)
            case Operator.DIFFERENT:
                return bool(known != node.value)
            case Operator.LESS:
                return bool(known < node.value)
            case Operator.AT_MOST:
                return bool(known <= node.value)
            case Operator.MORE:
                return bool(known > node.value)
            case Operator.AT_LEAST:
                return bool(known >= node.value)
            case Operator.IN:
                return known in node.value
            case Operator.BETWEEN:
                return bool(node.value[0] <= known <= node.value[1])
        raise AssertionError(node.operator)

    def _happened(self, node: Event, row: Row) -> bool:
        if node.event is Touch.PURCHASED:
            days = [row[name].date() for name in ("first_purchase_at", "last_purchase_at") if row[name] is not None]
        else:
            days = [
                touch["at"].date()
                for touch in self._touches.get(row["customer_key"], [])
                if touch["kind"] == node.event
                and touch["at"] < self._as_of
                and node.channel in (None, touch["channel"])
                and not (touch["by_machine"] and node.event in (Touch.OPENED, Touch.CLICKED))
            ]
        return any(self._counts(node, day) for day in days)

    def _counts(self, node: Event, day: date) -> bool:
        if node.within_days is not None:
            return day >= self._as_of.date() - timedelta(days=node.within_days)
        if node.since is not None:
            return day >= node.since
        assert node.before is not None
        return day < node.before
