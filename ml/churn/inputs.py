"""What a request says of a customer, and what the forecasters make of it.

Everything is a fact of winback/features/contract.py, as of one moment, and free of scale: counts, days and shares, so
that accounts of any currency and size are alike. A fact that the account does not know is null, which becomes NaN.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

if __package__:
    from ml import contract
else:  # in the container, where the neighbours are modules of their own
    import contract  # type: ignore[import-not-found,no-redef]

Array = NDArray[np.float64]

_COUNT = contract.Number(0, 1_000_000)
_DAYS = contract.Number(0, 100_000)
_SHARE = contract.Number(0, 1, nullable=True)

FIELDS: dict[str, contract.Field] = {
    "purchases": contract.Number(1, 1_000_000),
    "silence_days": _DAYS,
    "span_days": _DAYS,
    "purchases_last_91_days": _COUNT,
    "purchases_last_182_days": _COUNT,
    "median_gap_days": contract.Number(0, 100_000, nullable=True),
    "gap_log_mean": contract.Number(0, 12, nullable=True),
    "gap_log_spread": contract.Number(0, 12, nullable=True),
    "lapse_days": contract.Number(1, 100_000),
    "season_share": _SHARE,
    "return_rate": contract.Number(0, 1_000_000, nullable=True),
    "discount_share": _SHARE,
    "premium_share": _SHARE,
    "categories": contract.Number(0, 1_000_000, nullable=True),
    "lines_per_order": contract.Number(0, 1_000_000, nullable=True),
    "engagement": _SHARE,
}
NAMES = tuple(FIELDS)
_PLACE = {name: number for number, name in enumerate(NAMES)}

# Name -> from a column by name. The first three are facts of the contract as well, or one divided by another.
_DERIVED: dict[str, Callable[[Callable[[str], Array]], Array]] = {
    "own_gap_days": lambda of: (of("span_days") + 30.0) / of("purchases"),
    "silence_per_own_gap": lambda of: of("silence_days") * of("purchases") / (of("span_days") + 30.0),
    "silence_ratio": lambda of: of("silence_days") / of("lapse_days"),
}
INPUTS = (*NAMES, *_DERIVED)
"""What the boosted trees split on, and what reasons name.

`own_gap_days` is (span + 30) / purchases: one gap of thirty days is assumed of everybody, so that it exists for a
single purchase and is not believed too soon. Tenure is no input: it is silence + span.
"""
RISING = frozenset({"silence_days", "silence_per_own_gap", "silence_ratio"})
FALLING = frozenset({"purchases_last_91_days", "purchases_last_182_days"})
"""Inputs that may only raise, or only lower, the trees' probability of churn."""


def column(rows: Array, name: str) -> Array:
    """One field of rows of `NAMES`: (n, 16) -> (n,)."""
    return np.asarray(rows[:, _PLACE[name]])


def derive(rows: Array) -> Array:
    """Rows of `NAMES` -> rows of `INPUTS`: (n, 16) -> (n, 19)."""
    derived = [make(lambda name: column(rows, name)) for make in _DERIVED.values()]
    return np.column_stack([rows, *derived])


TERMS = ("purchases", "silence", "last_91", "last_182", "once", "overdue", "late", "own_gap")


def terms(rows: Array) -> Array:
    """Rows of `NAMES` -> the logistic regression's terms, (n, 8): counts on a log scale, and silence measured by the
    customer's own gap between purchases."""
    purchases, silence = column(rows, "purchases"), np.log1p(column(rows, "silence_days"))
    log_gap = np.log((column(rows, "span_days") + 30.0) / purchases)
    overdue = silence - log_gap
    recent = [np.log1p(column(rows, f"purchases_last_{days}_days")) for days in (91, 182)]
    once = (purchases == 1.0).astype(np.float64)
    return np.column_stack([np.log1p(purchases), silence, *recent, once, overdue, np.maximum(overdue, 0.0), log_gap])
