"""Hides figures of few customers from tables that leave the account, so that nobody can be made out in them.

A row of fewer customers than the configured count is hidden; a row of none is not, for it is about nobody. Where a
hidden figure could be computed from a total that is shown, further rows are hidden too, the smallest first
(complementary suppression: Hundepool et al., "Statistical Disclosure Control" (2012), section 4.3).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from winback.segmentation.behaviours import Behaviour
from winback.segmentation.grid import ValueTier
from winback.segmentation.names import Family, Segment
from winback.segmentation.organic_return import OrganicReturn, SegmentReturn
from winback.segmentation.priorities import Priority
from winback.segmentation.summary import Summary
from winback.segmentation.totals import BandTotals, BehaviourTotals, Figures, SegmentTotals, Totals

SHOW_ALL = 1
"""The fewest customers of a shown row by default: every row is shown."""

_ONCE = "Once"
_FIRST_TIMERS = (Segment.NEW_STARTERS, Segment.PROMISING)
_SIDES = {
    Family.HEROES: "active",
    Family.CLIMBERS: "active",
    Family.SLIPPING: "lapsed",
    Family.ALREADY_LOST: "lapsed",
}
"""The total tells how many are lapsed: the sum of two families, where nobody is in the Trend Audience."""

_Key = TypeVar("_Key", bound=Hashable)
_Row = TypeVar("_Row", bound=Figures)


def hidden_cells(
    counts: Mapping[_Key, int],
    margins: Iterable[Collection[_Key]],
    fewest: int,
    *,
    always: Collection[_Key] = (),
    late: Collection[_Key] = (),
) -> frozenset[_Key]:
    """Which cells of a table to hide: those of 1 to `fewest` - 1, those of `always`, and as many more as it takes.

    `margins` are the groups of cells whose sum is shown elsewhere. In none of them may the hidden cells that are not
    empty be one alone, or sum up to less than `fewest`, unless every cell of it that is not empty is hidden. Smaller
    ones are taken before larger ones, and those of `late` after all others.
    """
    hidden = {key for key, count in counts.items() if 0 < count < fewest} | {key for key in always if counts[key]}
    groups = [tuple(group) for group in margins]
    changed = True
    while changed:
        changed = False
        for group in groups:
            inside = [key for key in group if key in hidden]
            shown = sorted(
                (key for key in group if counts[key] and key not in hidden), key=lambda key: (key in late, counts[key])
            )
            while inside and shown and (len(inside) < 2 or sum(counts[key] for key in inside) < fewest):
                key = shown.pop(0)
                hidden.add(key)
                inside.append(key)
                changed = True
    return frozenset(hidden)


def suppress(summary: Summary, fewest: int) -> Summary:
    """The summary with the figures of small rows hidden: null as JSON, with `hidden`; the total stays.

    With `fewest` 1 nothing is. Raises ValueError below. Rows with few lapsed customers, or all but few, count as small
    too, because the lapsed are told apart beside them. Each table is protected against its own totals, and against what
    other tables say of the same customers; two summaries of different moments can still be compared.
    """
    if fewest < SHOW_ALL:
        raise ValueError(f"the fewest customers of a shown row are at least 1, not {fewest}")
    if fewest == SHOW_ALL:
        return summary
    # One-off Buyers in their rhythm are the New Starters and the Promising; their row tells how many.
    segments = _hide(
        summary.segments, fewest, lambda row: row.family, lambda row: (row.family, row.segment in _FIRST_TIMERS)
    )
    families = _hide(
        summary.families,
        fewest,
        _whole_table,
        lambda row: _SIDES.get(row.family, row.family),
        also=lambda row: _tells_only_hidden(row.family, segments),
    )
    hidden_families = {row.family for row in families if row.hidden}
    # A hidden family could be added up again from its segments.
    segments = [row.hide() if row.family in hidden_families and row.customers else row for row in segments]
    gone = {row.segment for row in segments if row.hidden}
    # Who is Gone or Long is of the tier Hibernating, and mostly of the lost segments.
    grid = _hide(summary.grid, fewest, _whole_table, lambda row: row.value_tier is ValueTier.HIBERNATING)
    behaviours, bands = _behaviours_and_bands(summary, fewest)
    if gone or any(row.hidden for row in grid):
        # The bands say the same by other names: they would fill the gaps of either table.
        bands = [row.hide() for row in bands]
    overlays = _hide(
        summary.overlays,
        fewest,
        lambda row: (row.overlay, row.segment),
        lambda row: (row.overlay, row.tier, "tier"),
        also=lambda row: row.segment in gone,
    )
    once = any(row.hidden for row in behaviours if row.behaviour is Behaviour.ONE_OFF)
    return summary.model_copy(
        update={
            "segments": segments,
            "families": families,
            "grid": grid,
            "overlays": overlays,
            "behaviours": behaviours,
            "bands": bands,
            # The lowest score of purchases is mostly that of one.
            "scores": _hide(
                summary.scores, fewest, lambda row: row.score, also=lambda row: once and row.score == "frequency"
            ),
            "priorities": [
                _without_figures(row) if row.segment in gone else _without_few_returns(row, fewest)
                for row in summary.priorities
            ],
            "returns_only": (
                summary.returns_only.hide() if _is_small(summary.returns_only, fewest) else summary.returns_only
            ),
        }
    )


def suppress_returns(organic: OrganicReturn, fewest: int) -> OrganicReturn:
    """The organic return without the segments of fewer customers, or of fewer who did or did not return.

    Their figures are zero and their share null, as of a segment that nobody was in.
    """
    return organic.model_copy(
        update={
            "segments": [row if not _few_returns(row, fewest) else _nobody(row.segment) for row in organic.segments]
        }
    )


def _whole_table(_: Figures) -> Hashable:
    """All rows add up to the total."""
    return "all"


def _hide(
    rows: Sequence[_Row],
    fewest: int,
    *groups: Callable[[_Row], Hashable],
    also: Callable[[_Row], bool] | None = None,
) -> list[_Row]:
    margins: dict[Hashable, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        for group in groups:
            margins[group(row)].append(number)
    small = [
        number
        for number, row in enumerate(rows)
        if row.customers and (_is_small(row, fewest) or (also is not None and also(row)))
    ]
    hidden = frozenset(small)
    measures = [dict(enumerate(measure)) for measure in zip(*map(_measures, rows), strict=True)]
    while True:
        more = hidden.union(*(hidden_cells(each, margins.values(), fewest, always=hidden) for each in measures))
        if more == hidden:
            return [row.hide() if number in hidden else row for number, row in enumerate(rows)]
        hidden = more


def _measures(row: Figures) -> tuple[int, ...]:
    """Customers, and where they are told apart the lapsed and the others: of each the sums are known."""
    lapsed = (row.lapsed, row.customers - row.lapsed) if isinstance(row, Totals) else ()
    return (row.customers, *lapsed)


def _tells_only_hidden(family: Family, segments: Sequence[SegmentTotals]) -> bool:
    """Whether the family's figures are those of hidden segments alone."""
    filled = [row for row in segments if row.family == family and (row.customers or row.hidden)]
    return any(row.hidden for row in filled) and all(row.hidden for row in filled)


def _behaviours_and_bands(summary: Summary, fewest: int) -> tuple[list[BehaviourTotals], list[BandTotals]]:
    """One-off Buyers and the band Once are the same customers: both are shown or none. Segments nearly tell them, so
    that hiding them protects no other row.
    """
    groups = (_whole_table, lambda row: row.behaviour is Behaviour.ONE_OFF)
    behaviours = _hide(summary.behaviours, fewest, *groups)
    hidden = any(row.hidden for row in behaviours if row.behaviour is Behaviour.ONE_OFF)
    bands = _hide(summary.bands, fewest, lambda row: row.kind, also=lambda row: hidden and row.band == _ONCE)
    if not hidden and any(row.hidden for row in bands if row.band == _ONCE):
        behaviours = _hide(summary.behaviours, fewest, *groups, also=lambda row: row.behaviour is Behaviour.ONE_OFF)
    return behaviours, bands


def _is_small(row: Figures, fewest: int) -> bool:
    return any(0 < part < fewest for part in _measures(row))


def _without_figures(row: Priority) -> Priority:
    empty = {"customers": None, "net_minor": None, "average_net_minor": None, "score_minor": None}
    return row.model_copy(update={**empty, "expected": None, "organic": None})


def _without_few_returns(row: Priority, fewest: int) -> Priority:
    """What the returning customers purchased is in what is expected, too."""
    if row.organic is None or not _few_returns(row.organic, fewest):
        return row
    return row.model_copy(update={"organic": None, "expected": None})


def _few_returns(row: SegmentReturn, fewest: int) -> bool:
    return any(0 < part < fewest for part in (row.customers, row.returned, row.customers - row.returned))


def _nobody(segment: Segment) -> SegmentReturn:
    return SegmentReturn(segment=segment, customers=0, returned=0, share=None, low=None, high=None)
