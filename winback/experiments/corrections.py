"""Correction for several comparisons: one true answer among many is easily a chance one."""

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p values in the order given (Holm 1979, *Scandinavian Journal of Statistics* 6, 65-70).

    Rejecting where the adjusted value is below 5 % makes at least one false claim with 5 % probability at most, however
    the comparisons depend on each other. None, a comparison without a test, stays None and does not count.
    """
    ordered = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(ordered):
        largest = max(largest, min(1.0, p * (len(ordered) - rank)))
        adjusted[place] = largest
    return adjusted
