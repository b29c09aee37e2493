"""What the report of `winback segment` is made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from winback.imports.files import FileAccount
from winback.rates.conversion import Conversion
from winback.segment_report.history import History
from winback.segmentation.archetypes import Archetypes, Reconciliation
from winback.segmentation.data_quality import Gap
from winback.segmentation.organic_return import OrganicReturn
from winback.segmentation.summary import Summary
from winback.slices.preview import Preview
from winback.slices.recipes import Recipe


@dataclass(frozen=True)
class FoundSlice:
    """A shipped slice and whom it selects; or why it cannot be asked of these orders."""

    recipe: Recipe
    preview: Preview | None
    why_not: str = ""


@dataclass(frozen=True)
class ClusterTrack:
    archetypes: Archetypes
    reconciliation: Reconciliation


@dataclass(frozen=True)
class SegmentReport:
    """`hidden_below`: parts with fewer customers are not shown; 0 or 1 shows all."""

    summary: Summary
    rows: FileAccount
    organic: OrganicReturn
    history: History
    slices: Sequence[FoundSlice] = ()
    gaps: Sequence[Gap] = ()
    clusters: ClusterTrack | None = None
    conversion: Conversion | None = None
    hidden_below: int = 0
    notes: Sequence[str] = field(default_factory=tuple)
    """Sentences about what was read, such as rates that could not be used."""
