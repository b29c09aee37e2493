"""Boosted trees as plain arrays: scikit-learn's sums of leaves, bit by bit, without scikit-learn.

How a row finds its leaves: QuickScorer (Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive
ensembles of regression trees", SIGIR 2015). A tree has at most 8 leaves, numbered from the left, one bit each. A node
whose test a row fails clears the bits of the leaves to its left; the lowest bit left is the row's leaf. Which bits the
nodes of one input clear depends only on where the row's value lies among their thresholds, so they are tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bits = NDArray[np.uint8]

MOST_LEAVES = 8
_LOWEST = np.array([0, *((value & -value).bit_length() - 1 for value in range(1, 256))], dtype=np.intp)


@dataclass(frozen=True)
class _Split:
    """One input's thresholds over all trees, and the leaves that remain by the place of a value among them."""

    feature: int
    thresholds: Array
    remaining: Bits
    """Shape (places + 1, trees); the last row is for a missing value."""


@dataclass(frozen=True)
class Trees:
    """`leaves` (trees, 8): what a leaf adds. `shares` (trees, 8, inputs): how each input moved the expectation on the
    way to a leaf. `expectation`: the sum before any input is known."""

    base: float
    leaves: Array
    shares: Array
    expectation: float
    splits: tuple[_Split, ...]

    def sums(self, inputs: Array) -> Array:
        """(n, inputs) -> (n,): the base and every tree's leaf, added one after another as scikit-learn does."""
        parts = np.empty((len(self.leaves) + 1, len(inputs)))
        parts[0] = self.base
        parts[1:] = np.take_along_axis(self.leaves, self.places(inputs).T, axis=1)
        return np.asarray(np.add.accumulate(parts, axis=0)[-1])  # a plain sum would add in pairs

    def places(self, inputs: Array) -> NDArray[np.intp]:
        """(n, inputs) -> (n, trees): the number of each row's leaf."""
        left = np.full((len(inputs), len(self.leaves)), 255, dtype=np.uint8)
        for split in self.splits:
            values = inputs[:, split.feature]
            place = np.searchsorted(split.thresholds, values, side="left")
            place[np.isnan(values)] = len(split.remaining) - 1
            left &= split.remaining[place]
        return np.asarray(_LOWEST[left])

    def contributions(self, inputs: Array) -> Array:
        """(n, inputs) -> (n, inputs): how far each input moved the sum from `expectation`; they add up to the rest.

        The path method: a split moves the expectation from its node's to its child's, nodes weighted by the training
        rows in them (Saabas, "Interpreting random forests", 2014; for ensembles the path-dependent attribution that
        Lundberg et al. 2020, "From local explanations to global understanding with explainable AI", compare with).
        """
        moved = np.zeros((len(inputs), self.shares.shape[2]))
        for shares, leaf in zip(self.shares, self.places(inputs).T, strict=True):
            moved += shares[leaf]
        return moved


def load(stored: Mapping[str, Any], inputs: int) -> Trees:
    """From `{"base", "trees": [{"feature", "threshold", "missing_left", "left", "right", "value", "count"}, ...]}`, one
    entry a node in each list, the root first; a leaf has feature -1. Raises ValueError or KeyError for anything else.
    """
    trees = [_Tree.of(tree, inputs) for tree in stored["trees"]]
    size = len(trees)
    leaves, shares = np.zeros((size, MOST_LEAVES)), np.zeros((size, MOST_LEAVES, inputs))
    tests: dict[int, list[tuple[int, float, bool, int]]] = {}
    for number, tree in enumerate(trees):
        for leaf, (value, moved) in enumerate(tree.leaves):
            leaves[number, leaf] = value
            shares[number, leaf] = moved
        for feature, threshold, missing_left, cleared in tree.tests:
            tests.setdefault(feature, []).append((number, threshold, missing_left, cleared))
    base = float(stored["base"])
    return Trees(
        base=base,
        leaves=leaves,
        shares=shares,
        expectation=base + sum(tree.expectation for tree in trees),
        splits=tuple(_split(feature, found, size) for feature, found in sorted(tests.items())),
    )


def _split(feature: int, tests: Sequence[tuple[int, float, bool, int]], trees: int) -> _Split:
    thresholds = np.unique([threshold for _, threshold, _, _ in tests])
    remaining = np.full((len(thresholds) + 2, trees), 255, dtype=np.uint8)
    for tree, threshold, missing_left, cleared in tests:
        place = int(np.searchsorted(thresholds, threshold))
        remaining[place + 1 : len(thresholds) + 1, tree] &= ~np.uint8(cleared)  # values beyond the threshold
        if not missing_left:
            remaining[len(thresholds) + 1, tree] &= ~np.uint8(cleared)
    return _Split(feature, thresholds, remaining)


@dataclass(frozen=True)
class _Tree:
    expectation: float
    leaves: tuple[tuple[float, Array], ...]
    """What a leaf adds, and how each input moved the expectation on the way; from the left."""
    tests: tuple[tuple[int, float, bool, int], ...]
    """Input, threshold, whether a missing value goes left, bits of the leaves to the left."""

    @classmethod
    def of(cls, nodes: Mapping[str, Any], inputs: int) -> "_Tree":
        names = ("feature", "threshold", "missing_left", "left", "right", "value", "count")
        feature, threshold, missing_left, left, right, value, count = (list(nodes[name]) for name in names)
        if len({len(part) for part in (feature, threshold, missing_left, left, right, value, count)}) != 1:
            raise ValueError("the lists of a tree's nodes differ in length")
        if max(feature) >= inputs or sum(name < 0 for name in feature) > MOST_LEAVES:
            raise ValueError(f"a tree has more than {MOST_LEAVES} leaves or {inputs} inputs")
        expected: dict[int, float] = {}

        def expect(node: int) -> float:
            if feature[node] < 0:
                expected[node] = float(value[node])
            else:
                if min(left[node], right[node]) <= node:
                    raise ValueError("a node's children do not come after it")
                sides = (left[node], right[node])
                total = sum(count[side] for side in sides)
                expected[node] = sum(count[side] * expect(side) for side in sides) / total
            return expected[node]

        expect(0)
        leaves: list[tuple[float, Array]] = []
        tests: list[tuple[int, float, bool, int]] = []

        def walk(node: int, moved: Array) -> int:
            """Bits of the leaves below."""
            if feature[node] < 0:
                leaves.append((float(value[node]), moved))
                return 1 << (len(leaves) - 1)
            bits = []
            for side in (left[node], right[node]):
                step = np.zeros(inputs)
                step[feature[node]] = expected[side] - expected[node]
                bits.append(walk(side, moved + step))
            tests.append((feature[node], float(threshold[node]), bool(missing_left[node]), bits[0]))
            return bits[0] | bits[1]

        walk(0, np.zeros(inputs))
        return cls(expected[0], tuple(leaves), tuple(tests))
