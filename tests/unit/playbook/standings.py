"""Made-up summaries."""

from typing import Any

from winback.playbook.standing import Standing
from winback.segmentation.grid import CELLS, Cell

SEED = (15, 1, 43, 25, 2, 499, 209, 3, 60, 2890, 108, 265, 193, 70, 3, 1460)
"""Customers by cell, in the grid's order, of a shop with a long tail."""


def summary(customers: dict[Cell, int] | None = None, average_minor: int = 1_000, **parts: Any) -> dict[str, Any]:
    counts = dict(zip(CELLS, SEED, strict=True)) if customers is None else customers
    grid = [
        {
            "value_tier": cell.value_tier,
            "status": cell.status,
            "customers": number,
            "net_minor": number * average_minor,
            "orders": number,
        }
        for cell, number in counts.items()
    ]
    total = {"customers": sum(counts.values()), "net_minor": sum(counts.values()) * average_minor}
    return {"as_of": "2026-01-01T00:00:00Z", "currency": "GBP", "grid": grid, "total": total, "segments": [], **parts}


def standing(customers: dict[Cell, int] | None = None, **parts: Any) -> Standing:
    return Standing.of(summary(customers, **parts))
