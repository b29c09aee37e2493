"""A second, plain reading of condition trees, row by row, to hold the SQL against."""

import hashlib
import operator
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from winback.engagement.touches import TouchKind
from winback.money import exponent
from winback.slices.columns import COLUMNS, Kind
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
)
from winback.slices.operands import Operator

Row = Mapping[str, Any]
COMPARED = {
    Operator.EQUAL: operator.eq,
    Operator.DIFFERENT: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.MORE: operator.gt,
    Operator.AT_LEAST: operator.ge,
}


class Evaluation:
    """Whether rows of a snapshot match. `as_of` and the touches' `at` are naive UTC."""

    def __init__(self, as_of: datetime, currency: str, slices: Mapping[str, Condition], touches: Sequence[Row]) -> None:
        self._as_of, self._currency, self._slices = as_of, currency, slices
        self._touches: dict[str, list[Row]] = {}
        for touch in touches:
            self._touches.setdefault(touch["customer_id"], []).append(touch)

    def matches(self, node: Condition, row: Row) -> bool:  # noqa: PLR0911 (one for each shape)
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
                return any(
                    (cell.value_tier, cell.status) == (row.get("value_tier"), row.get("status")) for cell in cells
                )
            case RandomShare(share=share, salt=salt):
                digest = hashlib.sha256(f"{salt}:{row['customer_key']}".encode()).hexdigest()
                return int(digest[:12], 16) < Decimal(share) * 16**12
            case Event():
                return self._happened(node, row)
            case Comparison():
                return self._compares(node, row)

    def _compares(self, node: Comparison, row: Row) -> bool:
        column = COLUMNS[node.column]
        known = row.get(column.stored)
        if node.operator in (Operator.KNOWN, Operator.UNKNOWN):
            return (known is None) == (node.operator is Operator.UNKNOWN)
        if known is None:
            return False
        if column.kind is Kind.DATE:
            known = known.date()
        if column.kind is Kind.MONEY:
            known = Decimal(known) / 10 ** exponent(self._currency)
        if node.operator is Operator.IN:
            return known in node.value
        if node.operator is Operator.BETWEEN:
            return bool(node.value[0] <= known <= node.value[1])
        return bool(COMPARED[node.operator](known, node.value))

    def _happened(self, node: Event, row: Row) -> bool:
        if node.event == PURCHASED:
            days = [row[name].date() for name in ("first_purchase_at", "last_purchase_at") if row[name] is not None]
        else:
            days = [
                touch["at"].date()
                for touch in self._touches.get(row["customer_key"], [])
                if touch["kind"] == node.event
                and touch["at"] < self._as_of
                and node.channel in (None, touch["channel"])
                and not (touch["by_machine"] and node.event in (TouchKind.OPENED, TouchKind.CLICKED))
            ]
        return any(self._counts(node, day) for day in days)

    def _counts(self, node: Event, day: date) -> bool:
        if node.within_days is not None:
            return day >= self._as_of.date() - timedelta(days=node.within_days)
        if node.since is not None:
            return day >= node.since
        assert node.before is not None
        return day < node.before
