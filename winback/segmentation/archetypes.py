"""The cluster track beside the rule track: where they agree, and how the clusters drift. It never reassigns anyone.

`ml/archetypes` finds the clusters; here are the features that it gets, the reconciliation of its assignments with the
segments of the same snapshot, and the comparison with the run before.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from winback.segmentation.names import FAMILY_OF, Family, Segment
from winback.segmentation.snapshot import read_sql

CLUSTERED = (
    "silence_days",
    "purchases",
    "net_minor",
    "average_order_minor",
    "premium_share",
    "discount_share",
    "categories",
    "engagement",
)
"""Columns of the snapshot that customers are clustered by, as ml/archetypes/clustering.py has them."""

CONCENTRATED = 0.6
"""From this share of a segment in one cluster on, the rule catches a behaviour that is there without it."""
FEWEST_CUSTOMERS = 30
"""Below this many customers a row of the matrix says nothing."""
ALARMING_SHIFT = 0.15


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Scaling(_Part):
    """A feature's mean and standard deviation, of its logarithm of one plus the value where it is skewed."""

    name: str
    mean: float
    scale: float = Field(gt=0)


class Candidate(_Part):
    clusters: int
    stability: float = Field(description="mean adjusted Rand index of partitions from subsamples")
    silhouette: float


class Agreement(_Part):
    method: str
    clusters: int
    noise_share: float
    adjusted_rand: float
    rows: int


class Cluster(_Part):
    cluster: int
    archetype: str
    customers: int
    centre: dict[str, float] = Field(description="feature -> standard deviations from the account's mean")


class Archetypes(_Part):
    """`archetypes.json` as the training job writes it."""

    model_id: str
    customers: int
    features: list[str]
    scalings: list[Scaling]
    candidates: list[Candidate]
    clusters: list[Cluster]
    agreements: list[Agreement]

    def share(self, cluster: Cluster) -> float:
        return cluster.customers / self.customers


class ReconciliationRow(_Part):
    segment: Segment
    family: Family
    customers: int
    shares: dict[str, float] = Field(description="archetype -> share of the segment's customers")
    strongest: str | None = Field(description="the archetype of most of them; null without customers")
    concentrated: bool = Field(description="at least 60 % are of one archetype")
    too_few: bool = Field(description="fewer than 30 customers: nothing can be said")

    @property
    def diffuse(self) -> bool:
        """The segment cuts across natural groups: a case for overlays, not for another segment."""
        return not self.concentrated and not self.too_few


class Reconciliation(_Part):
    archetypes: list[str]
    rows: list[ReconciliationRow]
    unassigned: int = Field(description="customers of the snapshot without a cluster")

    @property
    def diffuse(self) -> list[Segment]:
        return [row.segment for row in self.rows if row.diffuse]


class Shift(_Part):
    """A cluster of the run before and what became of it."""

    archetype: str
    became: str | None = Field(description="the archetype that holds most of its customers now; null: it dissolved")
    share_before: float
    share_now: float | None
    share_change: float | None = Field(description="relative change of its share of customers")
    centre_move: float | None = Field(description="move of its centre over its distance to the nearest other centre")
    kept: float | None = Field(description="share of its customers who are in it still, of those that are still here")
    alarming: bool


class Drift(_Part):
    """Shifts against the last run. A cluster drifts when its share or its centre shifts by more than 15 %."""

    before: str
    shifts: list[Shift]
    new: list[str] = Field(description="archetypes of now that no earlier cluster became")

    @property
    def alarming(self) -> bool:
        return bool(self.new) or any(shift.alarming for shift in self.shifts)


def write_features(connection: duckdb.DuckDBPyConnection, snapshot: Path, target: Path) -> int:
    """The training job's CSV: customer_key and CLUSTERED, empty where unknown. Returns its rows.

    Columns that an older snapshot lacks are unknown for everyone.
    """
    rows = connection.read_parquet(str(snapshot))
    columns = ", ".join(name if name in rows.columns else f"NULL AS {name}" for name in CLUSTERED)
    features = rows.project(f"customer_key, {columns}")
    features.order("customer_key").write_csv(str(target), header=True)
    return int(features.aggregate("count(*)").fetchall()[0][0])


def reconcile(
    connection: duckdb.DuckDBPyConnection, archetypes: Archetypes, *, snapshot: Path, assignments: Path
) -> Reconciliation:
    """Segments of the snapshot against clusters of `assignments` (CSV: customer_key, cluster, archetype)."""
    connection.read_parquet(str(snapshot)).project("customer_key, segment").create_view("snapshot_segments")
    _view_assignments(connection, assignments, "assignments")
    counts: dict[str, dict[str | None, int]] = {}
    for segment, archetype, customers in connection.execute(read_sql("reconciliation")).fetchall():
        counts.setdefault(segment, {})[archetype] = customers
    names = [cluster.archetype for cluster in archetypes.clusters]
    return Reconciliation(
        archetypes=names,
        rows=[_row(segment, family, names, counts.get(segment, {})) for segment, family in FAMILY_OF.items()],
        unassigned=sum(found.get(None, 0) for found in counts.values()),
    )


def _row(segment: Segment, family: Family, names: Sequence[str], counts: Mapping[str | None, int]) -> ReconciliationRow:
    assigned = {name: counts.get(name, 0) for name in names}
    customers = sum(assigned.values())
    shares = {name: count / customers if customers else 0.0 for name, count in assigned.items()}
    strongest = max(names, key=lambda name: assigned[name]) if customers else None
    too_few = customers < FEWEST_CUSTOMERS
    concentrated = not too_few and strongest is not None and shares[strongest] >= CONCENTRATED
    return ReconciliationRow(
        segment=segment,
        family=family,
        customers=customers,
        shares=shares,
        strongest=strongest,
        concentrated=concentrated,
        too_few=too_few,
    )


def count_moves(connection: duckdb.DuckDBPyConnection, *, before: Path, now: Path) -> dict[tuple[int, int], int]:
    """(cluster of the run before, cluster of now) -> customers who are in both runs. Both files: assignments.csv."""
    _view_assignments(connection, before, "assignments_before")
    _view_assignments(connection, now, "assignments_now")
    found = connection.execute(
        "SELECT b.cluster, n.cluster, count(*) FROM assignments_before AS b JOIN assignments_now AS n "
        "USING (customer_key) GROUP BY 1, 2"
    ).fetchall()
    return {(old, new): customers for old, new, customers in found}


def compare(now: Archetypes, before: Archetypes, moves: Mapping[tuple[int, int], int]) -> Drift:
    """`moves` as `count_moves` returns them.

    Clusters of the two runs are matched by the customers they share, the greatest Jaccard index first.
    """
    matched = _match(now, before, moves)
    shifts = [_shift(now, before, old, matched.get(old.cluster), moves) for old in before.clusters]
    taken = set(matched.values())
    return Drift(
        before=before.model_id,
        shifts=shifts,
        new=[cluster.archetype for cluster in now.clusters if cluster.cluster not in taken],
    )


def _match(now: Archetypes, before: Archetypes, moves: Mapping[tuple[int, int], int]) -> dict[int, int]:
    left = {old.cluster: sum(n for (a, _), n in moves.items() if a == old.cluster) for old in before.clusters}
    right = {new.cluster: sum(n for (_, b), n in moves.items() if b == new.cluster) for new in now.clusters}
    alike = {pair: shared / (left[pair[0]] + right[pair[1]] - shared) for pair, shared in moves.items()}
    matched: dict[int, int] = {}
    for old, new in sorted(alike, key=lambda pair: (-alike[pair], pair)):
        if old not in matched and new not in matched.values():
            matched[old] = new
    return matched


def _shift(
    now: Archetypes, before: Archetypes, old: Cluster, number: int | None, moves: Mapping[tuple[int, int], int]
) -> Shift:
    share_before = before.share(old)
    if number is None:
        return Shift(
            archetype=old.archetype,
            became=None,
            share_before=share_before,
            share_now=None,
            share_change=None,
            centre_move=None,
            kept=None,
            alarming=True,
        )
    new = next(cluster for cluster in now.clusters if cluster.cluster == number)
    change = (now.share(new) - share_before) / share_before
    move = _centre_move(now, before, old, new)
    here = sum(count for (source, _), count in moves.items() if source == old.cluster)
    return Shift(
        archetype=old.archetype,
        became=new.archetype,
        share_before=share_before,
        share_now=now.share(new),
        share_change=change,
        centre_move=move,
        kept=moves.get((old.cluster, number), 0) / here if here else None,
        alarming=abs(change) > ALARMING_SHIFT or move > ALARMING_SHIFT,
    )


def _centre_move(now: Archetypes, before: Archetypes, old: Cluster, new: Cluster) -> float:
    """How far the centre moved, in the earlier run's scale, over the distance to the nearest other centre of then."""
    scales_now = {scaling.name: scaling for scaling in now.scalings}
    scales_then = {scaling.name: scaling for scaling in before.scalings}
    common = [name for name in before.features if name in scales_now]

    def as_then(name: str) -> float:
        value = new.centre[name] * scales_now[name].scale + scales_now[name].mean
        return (value - scales_then[name].mean) / scales_then[name].scale

    moved = math.dist([old.centre[name] for name in common], [as_then(name) for name in common])
    others = [other for other in before.clusters if other.cluster != old.cluster]
    nearest = min(
        math.dist([old.centre[name] for name in common], [other.centre[name] for name in common]) for other in others
    )
    return moved / nearest if nearest else 0.0


def _view_assignments(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    columns = {"customer_key": "VARCHAR", "cluster": "INTEGER", "archetype": "VARCHAR"}
    connection.read_csv(str(path), header=True, columns=columns).create_view(name, replace=True)
