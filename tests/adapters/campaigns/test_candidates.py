from pathlib import Path

import duckdb
import pytest

from winback.aws.candidates import CHUNK_ROWS, candidate_chunks
from winback.campaigns.definition import Audience
from winback.segmentation.names import FAMILY_OF, Family, Segment


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """1,300 customers, a hundred of each segment."""
    path = tmp_path / "customers.parquet"
    places = list(FAMILY_OF.items())
    rows = [(f"{number * 7919 % 1300:032x}", *places[number % 13]) for number in range(1300)]
    columns = [[str(value) for value in column] for column in zip(*rows, strict=True)]
    with duckdb.connect() as db:
        db.execute(
            "create table s as select unnest(?) customer_key, unnest(?) segment, unnest(?) family, 'VIP' value_tier, "
            "'Active' status, false lapsed",
            columns,
        )
        db.execute(f"copy s to '{path}' (format parquet)")
    return path


def test_everybody_comes_once_in_order_in_chunks_of_five_hundred_at_most(snapshot: Path) -> None:
    chunks = list(candidate_chunks(snapshot, Audience(families=tuple(Family)), CHUNK_ROWS))
    assert [len(chunk) for chunk in chunks] == [500, 500, 300]
    keys = [row["customer_key"] for chunk in chunks for row in chunk]
    assert keys == sorted(set(keys))


def test_an_audience_is_the_union_of_segments_and_families_without_repetition(snapshot: Path) -> None:
    audience = Audience(segments=(Segment.LOYAL, Segment.LOST_VIPS), families=(Family.HEROES,))
    rows = [row for chunk in candidate_chunks(snapshot, audience, 64) for row in chunk]
    assert len(rows) == 400
    assert {row["segment"] for row in rows} == {"Champions", "Loyal", "Big Spenders", "Lost VIPs"}
    assert rows[0]["lapsed"] is False


def test_a_segment_without_customers_gives_no_chunk(snapshot: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.parquet"
    with duckdb.connect() as db:
        db.execute(f"copy (from '{snapshot}' where segment <> 'Loyal') to '{empty}' (format parquet)")
    assert list(candidate_chunks(empty, Audience(segments=(Segment.LOYAL,)), 64)) == []
