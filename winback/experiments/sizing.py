"""How many customers a launch holds out: as few as find the effect that it is to find, within bounds."""

from math import ceil

from winback.experiments.power import smallest_detectable_effect

SMALLEST_SHARE, LARGEST_SHARE = 0.05, 0.5
SHARE_OF_SMALL_AUDIENCES = 0.2
_STEP = 1_000_000  # shares are kept to a millionth


def sized_holdout(customers: int, return_rate: float, detect: float) -> float:
    """The smallest share at which `customers` eligible ones show a true increase of `detect` over the return rate.

    Both are shares of 1; 95 % confidence, 80 % power (winback/experiments/power.py). At least SMALLEST_SHARE, so that a
    change of the return rate still shows, and at most half: no larger holdout finds more. Where not even half of the
    audience finds the effect, SHARE_OF_SMALL_AUDIENCES: half of them would be left alone for an answer that does not
    come, and launches of a campaign hold out the same customers, so that the evidence of several adds up.
    """
    if not _finds(LARGEST_SHARE, customers, return_rate, detect):
        return SHARE_OF_SMALL_AUDIENCES
    low, high = ceil(SMALLEST_SHARE * _STEP), ceil(LARGEST_SHARE * _STEP)
    if _finds(SMALLEST_SHARE, customers, return_rate, detect):
        return SMALLEST_SHARE
    while high - low > 1:  # the power of a comparison rises with its smaller arm
        middle = (low + high) // 2
        low, high = (low, middle) if _finds(middle / _STEP, customers, return_rate, detect) else (middle, high)
    return high / _STEP


def _finds(share: float, customers: int, return_rate: float, detect: float) -> bool:
    smallest = smallest_detectable_effect(customers * (1 - share), customers * share, return_rate)
    return smallest is not None and smallest <= detect
