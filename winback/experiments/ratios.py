"""Whether groups have the sizes that their assignment should have given them."""

from collections.abc import Mapping
from dataclasses import dataclass

from winback.experiments.chi_square import goodness_of_fit
from winback.experiments.statistics import SAMPLE_RATIO_ALARM, sample_ratio_check


@dataclass(frozen=True)
class GroupSizes:
    """`counted` against `expected` members by group, and the p value of their difference."""

    counted: dict[str, int]
    expected: dict[str, float]
    p_value: float

    @property
    def plausible(self) -> bool:
        """False: something lost or moved members of a group, and comparing the groups says nothing."""
        return self.p_value >= SAMPLE_RATIO_ALARM


def group_sizes(counted: Mapping[str, int], weights: Mapping[str, float]) -> GroupSizes:
    """Of the groups of `weights`, which are in proportion to their shares: {arm: share} or {variant: weight}.

    Two groups by the exact binomial test up to 10,000 members, else Pearson's chi-square. A group of weight 0 must be
    empty, and so must one that `weights` does not name: p is 0 if it is not. Count those who were assigned by chance
    alone: not who is left at the end, and of arms only the `measured`. Raises ValueError when no weight is above 0.
    """
    whole = sum(weights.values())
    if whole <= 0 or min(weights.values()) < 0:
        raise ValueError("weights must be numbers from 0, at least one above 0")
    members = sum(counted.values())
    drawn = [name for name, weight in weights.items() if weight > 0]
    counts = {name: counted.get(name, 0) for name in [*weights, *(name for name in counted if name not in weights)]}
    expected = {name: members * weights.get(name, 0) / whole for name in counts}
    if any(count and name not in drawn for name, count in counts.items()):
        p_value = 0.0
    elif len(drawn) == 2:
        first, second = drawn
        found = sample_ratio_check(counts[first], counts[second], weights[second] / whole).p_value
        p_value = 1.0 if found is None else found
    else:
        p_value = goodness_of_fit([counts[name] for name in drawn], [weights[name] / whole for name in drawn])
    return GroupSizes(counts, expected, p_value)
