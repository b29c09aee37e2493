"""Scaled features -> clusters: how many, found how, and how far other methods agree.

The number of clusters is chosen by stability and silhouette. Stability: customers are clustered from two random
subsamples, everyone is assigned by both, and the adjusted Rand index says how alike the two partitions are (Ben-Hur,
Elisseeff and Guyon, "A stability based method for discovering structure in clustered data", Pacific Symposium on
Biocomputing 7 (2002) 6-17; index: Hubert and Arabie, Journal of Classification 2 (1985) 193-218). Silhouette:
Rousseeuw, Journal of Computational and Applied Mathematics 20 (1987) 53-65.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]

FEATURES: Mapping[str, Literal["log", "plain"]] = {
    "silence_days": "log",
    "purchases": "log",
    "net_minor": "log",
    "average_order_minor": "log",
    "premium_share": "plain",
    "discount_share": "plain",
    "categories": "log",
    "engagement": "plain",
}
"""Columns of the snapshot that customers are clustered by; skewed ones by the logarithm of one plus the value."""

CANDIDATES = (3, 4, 5, 6, 7, 8)
STABLE = 0.8
"""Mean adjusted Rand index from which a number of clusters counts as stable."""
FEWEST_CUSTOMERS = 100
"""Below this many customers clusters would be anecdotes."""
_SUBSAMPLES, _SHARE = 5, 0.8
_STABILITY_ROWS, _SILHOUETTE_ROWS, _PAIRWISE_ROWS = 10_000, 4_000, 3_000
_TAIL = 0.005  # values beyond these quantiles count as the quantile: one order of a million is no cluster


class TooFewCustomers(ValueError):
    """There are not enough customers, or no feature tells them apart."""


@dataclass(frozen=True)
class Scaling:
    """How a column becomes comparable: filled, transformed, clipped, centred, divided."""

    name: str
    fill: float
    low: float
    high: float
    mean: float
    scale: float

    def apply(self, values: Matrix) -> Matrix:
        """`values` (n,) as the snapshot has them, NaN where unknown -> (n,) in standard deviations."""
        known = np.where(np.isnan(values), self.fill, values)
        return (np.clip(_transform(self.name, known), self.low, self.high) - self.mean) / self.scale


@dataclass(frozen=True)
class Candidate:
    """One number of clusters and how well it does."""

    clusters: int
    stability: float
    silhouette: float


@dataclass(frozen=True)
class Agreement:
    """Another method on a sample of the same customers, against the clusters chosen."""

    method: Literal["agglomerative", "density"]
    clusters: int
    noise_share: float
    """Customers that the method leaves outside every cluster."""
    adjusted_rand: float
    rows: int


@dataclass(frozen=True)
class Clustering:
    scalings: tuple[Scaling, ...]
    candidates: tuple[Candidate, ...]
    labels: Labels
    """(n,): the cluster of each customer, 0 the largest."""
    centres: Matrix
    """(clusters, features) in standard deviations from the account's mean."""
    agreements: tuple[Agreement, ...]


def cluster(columns: Mapping[str, Matrix], *, seed: int, candidates: Sequence[int] = CANDIDATES) -> Clustering:
    """Clusters customers by `columns`: name -> (n,), NaN where unknown. The same rows and seed give the same answer.

    A column that is unknown for everyone, or the same for all, is left out. Raises TooFewCustomers.
    """
    scalings = [scaling for name in FEATURES if (scaling := _scaling(name, columns[name])) is not None]
    rows = len(next(iter(columns.values())))
    if rows < FEWEST_CUSTOMERS or len(scalings) < 2:
        raise TooFewCustomers(
            f"{rows} customers told apart by {len(scalings)} features: expected at least {FEWEST_CUSTOMERS} and 2"
        )
    points = np.column_stack([scaling.apply(columns[scaling.name]) for scaling in scalings])
    random = np.random.default_rng(seed)
    sample = points[random.permutation(rows)[:_STABILITY_ROWS]]
    distinct = len(np.unique(sample.round(6), axis=0))
    judged = tuple(_judge(sample, number, seed) for number in candidates if number < distinct)
    if not judged:
        raise TooFewCustomers(f"only {distinct} different customers: expected more than {min(candidates)}")
    labels, centres = _by_size(points, _kmeans(points, choose(judged).clusters, seed))
    few = random.permutation(rows)[:_PAIRWISE_ROWS]
    agreements = tuple(_agreements(points[few], labels[few]))
    return Clustering(tuple(scalings), judged, labels, centres, agreements)


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """The best silhouette among the stable ones; without a stable one, the most stable."""
    stable = [candidate for candidate in candidates if candidate.stability >= STABLE]
    if stable:
        return max(stable, key=lambda candidate: (candidate.silhouette, -candidate.clusters))
    return max(candidates, key=lambda candidate: (candidate.stability, -candidate.clusters))


def _transform(name: str, values: Matrix) -> Matrix:
    return np.log1p(np.maximum(values, 0)) if FEATURES[name] == "log" else values


def _scaling(name: str, values: Matrix) -> Scaling | None:
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    transformed = _transform(name, known)
    low, high = np.quantile(transformed, [_TAIL, 1 - _TAIL])
    clipped = np.clip(transformed, low, high)
    scale = float(clipped.std())
    if scale < 1e-9:
        return None
    fill = float(np.median(known))
    return Scaling(name, fill, float(low), float(high), float(clipped.mean()), scale)


def _kmeans(points: Matrix, clusters: int, seed: int) -> KMeans:
    return KMeans(clusters, n_init=5, random_state=seed).fit(points)


def _judge(points: Matrix, clusters: int, seed: int) -> Candidate:
    random = np.random.default_rng(seed)
    size = int(len(points) * _SHARE)
    partitions = [
        KMeans(clusters, n_init=2, random_state=seed + number).fit(points[random.permutation(len(points))[:size]])
        for number in range(_SUBSAMPLES)
    ]
    everyone = [model.predict(points) for model in partitions]
    stability = float(np.mean([adjusted_rand_score(one, other) for one, other in combinations(everyone, 2)]))
    silhouette = silhouette_score(
        points, everyone[0], sample_size=min(_SILHOUETTE_ROWS, len(points)), random_state=seed
    )
    return Candidate(clusters, round(stability, 4), round(float(silhouette), 4))


def _by_size(points: Matrix, model: KMeans) -> tuple[Labels, Matrix]:
    """Clusters numbered by size, so that the same customers get the same numbers."""
    sizes = np.bincount(model.labels_, minlength=model.n_clusters)
    order = np.lexsort((model.cluster_centers_[:, 0], -sizes))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    labels = number[model.labels_]
    centres = np.array([points[labels == label].mean(axis=0) for label in range(len(order))])
    return labels, centres


def _agreements(points: Matrix, labels: Labels) -> list[Agreement]:
    """Ward's hierarchy cut at the same number, and HDBSCAN, which finds its own number and leaves noise outside."""
    ward = AgglomerativeClustering(len(np.unique(labels)), linkage="ward").fit_predict(points)
    density = HDBSCAN(min_cluster_size=max(15, len(points) // 50), copy=True).fit_predict(points)
    inside = density >= 0
    return [
        Agreement(
            "agglomerative", len(np.unique(ward)), 0.0, round(float(adjusted_rand_score(labels, ward)), 4), len(points)
        ),
        Agreement(
            "density",
            len(np.unique(density[inside])),
            round(1 - float(inside.mean()), 4),
            round(float(adjusted_rand_score(labels[inside], density[inside])), 4) if inside.any() else 0.0,
            len(points),
        ),
    ]
