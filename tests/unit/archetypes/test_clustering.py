"""The cluster track finds groups that are there, says how sure it is, and names them by rules."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.archetypes import clustering, naming, train
from ml.archetypes.clustering import Candidate, TooFewCustomers, choose, cluster
from winback.segmentation.archetypes import CLUSTERED, Archetypes


def groups(sizes: tuple[int, ...] = (240, 120, 60), seed: int = 3) -> dict[str, clustering.Matrix]:
    """Customers of three kinds: silent ones who bought little, regulars, and a few who buy a lot."""
    random = np.random.default_rng(seed)
    centres = ((300.0, 1.5, 4_000.0), (60.0, 8.0, 40_000.0), (10.0, 40.0, 400_000.0))
    values = np.vstack(
        [
            np.array(centre) * np.exp(random.normal(0, 0.15, (size, 3)))
            for centre, size in zip(centres, sizes, strict=True)
        ]
    )
    unknown = np.full(len(values), np.nan)
    columns = dict.fromkeys(clustering.FEATURES, unknown)
    return {**columns, "silence_days": values[:, 0], "purchases": values[:, 1], "net_minor": values[:, 2]}


def test_it_finds_the_groups_that_are_there_and_their_number() -> None:
    found = cluster(groups(), seed=1)
    assert [int(size) for size in np.bincount(found.labels)] == [240, 120, 60]
    assert choose(found.candidates).stability > 0.99
    assert [scaling.name for scaling in found.scalings] == ["silence_days", "purchases", "net_minor"]


def test_other_methods_agree_where_the_groups_are_clear() -> None:
    agreements = {agreement.method: agreement for agreement in cluster(groups(), seed=1).agreements}
    assert agreements["agglomerative"].adjusted_rand == 1.0
    assert agreements["density"].clusters == 3
    assert agreements["density"].adjusted_rand > 0.99


def test_the_same_customers_give_the_same_clusters() -> None:
    one, other = cluster(groups(), seed=1), cluster(groups(), seed=1)
    assert (one.labels == other.labels).all()
    assert one.candidates == other.candidates


def test_one_extreme_customer_is_no_cluster_of_its_own() -> None:
    columns = groups()
    columns["net_minor"] = columns["net_minor"].copy()
    columns["net_minor"][0] = 1e12
    assert min(np.bincount(cluster(columns, seed=1).labels)) >= 50


def test_too_few_customers_are_refused_with_what_would_do() -> None:
    with pytest.raises(TooFewCustomers, match="at least 100"):
        cluster(groups((30, 20, 10)), seed=1)


def test_an_unstable_number_loses_against_a_stable_one_of_a_worse_silhouette() -> None:
    assert choose([Candidate(3, 0.95, 0.2), Candidate(5, 0.5, 0.6)]).clusters == 3
    assert choose([Candidate(3, 0.4, 0.6), Candidate(5, 0.5, 0.1)]).clusters == 5


@pytest.mark.parametrize(
    ("centre", "name"),
    [
        ({"purchases": 1.6, "net_minor": 1.2, "premium_share": 2.0}, "Power Shoppers"),
        ({"purchases": -0.1, "net_minor": 0.9, "premium_share": 2.0}, "Premium Lovers"),
        ({"purchases": 0.2, "discount_share": 0.9, "premium_share": 0.1}, "Deal Seekers"),
        ({"purchases": 0.4, "net_minor": -0.1, "premium_share": -0.9}, "Core Shoppers"),
        ({"purchases": -0.4, "net_minor": -0.6}, "Casual Shoppers"),
        ({"purchases": -0.4, "net_minor": -0.6, "average_order_minor": 0.7}, "Premium Lovers"),
    ],
)
def test_a_centre_is_named_by_what_sets_it_apart(centre: dict[str, float], name: str) -> None:
    assert naming.archetype(centre) == name


@given(st.lists(st.dictionaries(st.sampled_from(sorted(clustering.FEATURES)), st.floats(-5, 5)), max_size=8))
def test_every_cluster_has_a_name_of_its_own(centres: list[dict[str, float]]) -> None:
    names = naming.names(centres)
    assert len(set(names)) == len(centres)
    assert all(name.rstrip(" 2345678") in naming.ARCHETYPES for name in names)


def test_the_job_writes_what_the_refresh_reads_in_whatever_order_customers_come(tmp_path: Path) -> None:
    columns = groups()
    keys = [f"{number:032x}" for number in range(len(columns["purchases"]))]
    described = []
    for number, order in enumerate((keys, keys[::-1])):
        folder = tmp_path / f"train-{number}"
        folder.mkdir()
        at = {key: place for place, key in enumerate(keys)}
        with (folder / "customers.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow((train.KEY, *clustering.FEATURES))
            writer.writerows(
                (key, *("" if np.isnan(columns[name][at[key]]) else columns[name][at[key]] for name in columns))
                for key in order
            )
        train.main(["--train", str(folder), "--model-dir", str(tmp_path / f"model-{number}")])
        described.append((tmp_path / f"model-{number}" / "archetypes.json").read_bytes())
    assert described[0] == described[1]
    read = Archetypes.model_validate(json.loads(described[0]))
    assert [found.customers for found in read.clusters] == [240, 120, 60]
    with (tmp_path / "model-0" / "assignments.csv").open() as lines:
        assert sum(1 for _ in csv.DictReader(lines)) == 420


def test_a_file_without_a_column_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("customer_key,purchases\nk,1\n")
    with pytest.raises(ValueError, match=r"customers\.csv lacks the columns .*net_minor"):
        train.read_customers(tmp_path)


def test_the_job_and_the_refresh_name_the_same_features() -> None:
    assert tuple(clustering.FEATURES) == CLUSTERED
