"""Which parts of an answer about some customers are too small to show, so that no sum in it tells them after all."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from winback.segmentation.names import FAMILY_OF, Family
from winback.segmentation.overlays import Overlay
from winback.segmentation.suppression import hidden_cells

DIMENSIONS = ("segment", "family", *(overlay.column for overlay in Overlay), "behaviour")

Part = tuple[str, str | None]
"""A dimension and its value; null: not known."""
Crossed = tuple[str, str, str | None]
"""A segment, an overlay and the tier."""


Cell = Part | Crossed


@dataclass(frozen=True)
class Hidden:
    universe: frozenset[Cell]
    selected: frozenset[Cell]


def hide(
    parts: Mapping[Part, tuple[int, int]], fewest: int, *, crossings: Mapping[Crossed, int] | None = None
) -> Hidden:
    """`parts` have how many of the universe they are and how many of the selected, and `crossings` of the selected."""
    of_universe: dict[Cell, int] = {part: customers for part, (customers, _) in parts.items()}
    of_selected: dict[Cell, int] = {part: members for part, (_, members) in parts.items()}
    for crossed, members in (crossings or {}).items():
        of_selected[crossed] = members
    universe = _hidden(of_universe, fewest)
    selected = _hidden(of_selected, fewest, universe)
    if all(customers == members for customers, members in parts.values()):
        universe = selected & of_universe.keys()
    return Hidden(universe, selected)


def _hidden(counts: Mapping[Cell, int], fewest: int, always: Collection[Cell] = ()) -> frozenset[Cell]:
    """Each dimension adds up to everybody, segments to their family, and what is crossed to its segment and its tier:
    none may tell what another hides.
    """
    sums = list(_sums(counts))
    margins: list[list[Cell]] = [
        [key for key in counts if len(key) == 2 and key[0] == dimension] for dimension in DIMENSIONS
    ]
    margins += [parts for _, parts in sums]
    # One that makes up its sum alone protects nothing unless the sum is hidden too.
    alone = {parts[0] for _, parts in sums if len(parts) == 1}
    hidden = hidden_cells(counts, margins, fewest, always=always, late=alone)
    while True:
        more = set(hidden)
        for whole, parts in sums:
            if whole in hidden:
                more.update(parts)
            elif parts and hidden.issuperset(parts) and (len(parts) == 1 or whole[0] == "family"):
                more.add(whole)
        if more == hidden:
            return hidden
        hidden = hidden_cells(counts, margins, fewest, always=more, late=alone)


def _sums(counts: Mapping[Cell, int]) -> Iterator[tuple[Part, list[Cell]]]:
    """What is counted as a whole, with those of its parts that are not empty."""
    wholes: dict[tuple[Part, str], list[Cell]] = {}
    families: Mapping[str, Family] = {str(segment): family for segment, family in FAMILY_OF.items()}
    for key, count in counts.items():
        if not count:
            continue
        match key:
            case (segment, overlay, tier):
                wholes.setdefault((("segment", segment), overlay), []).append(key)
                wholes.setdefault(((Overlay(overlay).column, tier), "tier"), []).append(key)
            case ("segment", str(segment)) if segment in families:
                wholes.setdefault((("family", str(families[segment])), "family"), []).append(key)
    for (whole, _), parts in wholes.items():
        if whole in counts:
            yield whole, parts
