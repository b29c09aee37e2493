"""Reads one customer's recommendations, and makes them what a message can name; on the standard library alone."""

import gzip
import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

PREFIX = "recommendations."
PARQUET = f"{PREFIX}parquet"
ROWS = f"{PREFIX}jsonl.gz"
SUMMARY = f"{PREFIX}json"
"""Names under a snapshot: all rows as a table; all rows as JSON Lines, in gzip members that SUMMARY tells apart."""

_IN_A_BLOCK = 250  # customers, about 100 kB of JSON
_MOST_DIGITS = 4

Row = dict[str, Any]


def digits_for(customers: int) -> int:
    """How many first hexadecimal digits of a customer key tell blocks apart, so that a block holds some hundreds."""
    return next((n for n in range(_MOST_DIGITS) if 16**n * _IN_A_BLOCK >= customers), _MOST_DIGITS)


def block_of(summary: Mapping[str, Any], customer_key: str) -> tuple[int, int]:
    """Where in ROWS the customer's block lies: first byte, and the one after the last; equal when it is empty."""
    digits, offsets = summary["blocks"]["digits"], summary["blocks"]["offsets"]
    number = int(customer_key[:digits] or "0", 16)
    return offsets[number], offsets[number + 1]


def rows_of(block: bytes, customer_key: str) -> list[Row]:
    """The customer's rows of a block as it is stored, by rank, without what is not known."""
    found = (json.loads(line) for line in gzip.decompress(block).splitlines()) if block else ()
    own = [row for row in found if row["customer_key"] == customer_key]
    return [
        {name: value for name, value in row.items() if value is not None and name != "customer_key"}
        for row in sorted(own, key=lambda row: int(row["rank"]))
    ]


def template_values(rows: Iterable[Mapping[str, Any]], on: date) -> list[Row]:
    """What a template may say of recommendations on the day that it is sent: `{% for next in recommendations %}`.

    Facts, not sentences: item, product, kind (repeat, together, popular), purchases, with_item; and of items with a
    rhythm usual_days, days_since and due (not_due_yet, due, overdue), counted on that day. None is what is not known.
    """
    values = []
    for row in rows:
        last, start, end = (_day(row.get(name)) for name in ("last_bought_on", "due_from", "due_until"))
        due = None
        if start is not None and end is not None:
            due = "not_due_yet" if on < start else "due" if on <= end else "overdue"
        values.append(
            {
                **{name: row.get(name) for name in ("item", "product", "kind", "purchases", "with_item", "usual_days")},
                "days_since": max((on - last).days, 0) if last is not None else None,
                "due": due,
            }
        )
    return values


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text is not None else None
