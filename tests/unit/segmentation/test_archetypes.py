"""The cluster track is laid beside the segments and beside its last run; it reassigns nobody."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from winback.segmentation.archetypes import (
    Archetypes,
    Cluster,
    Scaling,
    compare,
    count_moves,
    reconcile,
    write_features,
)
from winback.segmentation.names import Segment


def run(*clusters: tuple[str, int, float], model_id: str = "archetypes-a", scale: float = 1.0) -> Archetypes:
    """Clusters as (archetype, customers, centre of the one feature)."""
    found = [
        Cluster(cluster=number, archetype=name, customers=customers, centre={"purchases": centre})
        for number, (name, customers, centre) in enumerate(clusters)
    ]
    return Archetypes(
        model_id=model_id,
        customers=sum(customers for _, customers, _ in clusters),
        features=["purchases"],
        scalings=[Scaling(name="purchases", mean=0.0, scale=scale)],
        candidates=[],
        clusters=found,
        agreements=[],
    )


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def snapshot(connection: duckdb.DuckDBPyConnection, path: Path, segments: dict[str, int]) -> Path:
    rows = [(f"{segment}-{number}", segment) for segment, count in segments.items() for number in range(count)]
    connection.execute("CREATE OR REPLACE TABLE made (customer_key VARCHAR, segment VARCHAR)")
    connection.executemany("INSERT INTO made VALUES (?, ?)", rows)
    connection.table("made").write_parquet(str(path))
    return path


def assignments(path: Path, rows: list[tuple[str, int, str]]) -> Path:
    path.write_text("customer_key,cluster,archetype\n" + "".join(f"{k},{c},{a}\n" for k, c, a in rows))
    return path


def test_the_matrix_says_where_rules_and_clusters_agree(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = snapshot(connection, tmp_path / "s.parquet", {"Champions": 40, "Loyal": 40, "Long Gone": 5})
    rows = [(f"Champions-{n}", 0, "Power Shoppers") for n in range(36)]
    rows += [(f"Champions-{n}", 1, "Core Shoppers") for n in range(36, 40)]
    rows += [(f"Loyal-{n}", n % 2, ("Power Shoppers", "Core Shoppers")[n % 2]) for n in range(40)]
    rows += [(f"Long Gone-{n}", 1, "Core Shoppers") for n in range(4)]
    found = reconcile(
        connection,
        run(("Power Shoppers", 56, 1.0), ("Core Shoppers", 28, 0.0)),
        snapshot=path,
        assignments=assignments(tmp_path / "a.csv", rows),
    )
    by_segment = {row.segment: row for row in found.rows}

    assert len(found.rows) == 13
    assert by_segment[Segment.CHAMPIONS].shares == {"Power Shoppers": 0.9, "Core Shoppers": 0.1}
    assert by_segment[Segment.CHAMPIONS].concentrated
    assert found.diffuse == [Segment.LOYAL]
    assert by_segment[Segment.LONG_GONE].too_few
    assert found.unassigned == 1


def test_an_unchanged_run_has_no_drift() -> None:
    same = run(("Core Shoppers", 60, 1.0), ("Casual Shoppers", 40, -1.0))
    drift = compare(same, same, {(0, 0): 60, (1, 1): 40})
    assert not drift.alarming
    assert [shift.share_change for shift in drift.shifts] == [0.0, 0.0]


def test_a_cluster_that_grows_by_more_than_15_percent_raises_the_alarm() -> None:
    before = run(("Core Shoppers", 60, 1.0), ("Casual Shoppers", 40, -1.0))
    now = run(("Core Shoppers", 50, 1.0), ("Casual Shoppers", 50, -1.0), model_id="archetypes-b")
    drift = compare(now, before, {(0, 0): 50, (0, 1): 10, (1, 1): 40})
    assert [round(shift.share_change or 0, 3) for shift in drift.shifts] == [-0.167, 0.25]
    assert [shift.alarming for shift in drift.shifts] == [True, True]
    assert drift.shifts[0].kept == pytest.approx(50 / 60)


def test_a_centre_is_compared_in_the_scale_of_the_earlier_run() -> None:
    before = run(("Core Shoppers", 60, 1.0), ("Casual Shoppers", 40, -1.0))
    rescaled = run(("Core Shoppers", 60, 0.5), ("Casual Shoppers", 40, -0.5), scale=2.0)
    assert not compare(rescaled, before, {(0, 0): 60, (1, 1): 40}).alarming
    moved = run(("Core Shoppers", 60, 1.4), ("Casual Shoppers", 40, -1.0))
    shift = compare(moved, before, {(0, 0): 60, (1, 1): 40}).shifts[0]
    assert shift.centre_move == pytest.approx(0.2)
    assert shift.alarming


def test_clusters_are_matched_by_their_customers_and_not_by_number_or_name() -> None:
    before = run(("Core Shoppers", 60, 1.0), ("Casual Shoppers", 40, -1.0))
    now = run(("Casual Shoppers", 60, 1.0), ("Core Shoppers", 40, -1.0), model_id="archetypes-b")
    drift = compare(now, before, {(0, 0): 60, (1, 1): 40})
    assert [shift.became for shift in drift.shifts] == ["Casual Shoppers", "Core Shoppers"]


def test_a_dissolved_and_a_new_cluster_are_named() -> None:
    before = run(("Core Shoppers", 60, 1.0), ("Casual Shoppers", 40, -1.0))
    one = run(("Core Shoppers", 100, 0.2), model_id="archetypes-b")
    drift = compare(one, before, {(0, 0): 60, (1, 0): 40})
    assert [shift.became for shift in drift.shifts] == ["Core Shoppers", None]
    assert drift.alarming
    three = run(("Core Shoppers", 60, 1.0), ("Casual Shoppers", 30, -1.0), ("Deal Seekers", 10, 0.0))
    assert compare(three, before, {(0, 0): 60, (1, 1): 30, (1, 2): 10}).new == ["Deal Seekers"]


def test_moves_are_counted_over_the_customers_of_both_runs(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    before = assignments(tmp_path / "b.csv", [("a", 0, "x"), ("b", 0, "x"), ("gone", 1, "y")])
    now = assignments(tmp_path / "n.csv", [("a", 0, "x"), ("b", 1, "y"), ("new", 1, "y")])
    assert count_moves(connection, before=before, now=now) == {(0, 0): 1, (0, 1): 1}


def test_features_of_a_snapshot_without_newer_columns_are_unknown(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    connection.sql("SELECT 'k' AS customer_key, 3 AS purchases").write_parquet(str(tmp_path / "s.parquet"))
    assert write_features(connection, tmp_path / "s.parquet", tmp_path / "c.csv") == 1
    heading, row = (tmp_path / "c.csv").read_text().split()
    assert dict(zip(heading.split(","), row.split(","), strict=True))["purchases"] == "3"
    assert row.split(",").count("") == 7
