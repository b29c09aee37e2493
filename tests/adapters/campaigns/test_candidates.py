from pathlib import Path
from typing import Any

import duckdb
import pytest

from winback.aws.candidates import CHUNK_ROWS, candidate_chunks, reachable_customers
from winback.campaigns.audience import Audience
from winback.segmentation.grid import Status, ValueTier
from winback.segmentation.names import FAMILY_OF, Family, Segment
from winback.slices.condition import Condition, GridCell
from winback.slices.problems import ConditionRefused, parse_condition
from winback.slices.saved import FrozenSlice

SLICE = "slc-00000000000a"


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


def test_everybody_comes_once_in_order_in_chunks_of_a_thousand_at_most(snapshot: Path) -> None:
    chunks = list(candidate_chunks(snapshot, Audience(families=tuple(Family)), CHUNK_ROWS))
    assert [len(chunk) for chunk in chunks] == [1000, 300]
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


def frozen(tree: Any, **slices: Condition) -> FrozenSlice:
    return FrozenSlice(
        slice_id=SLICE,
        name="VIPs",
        version=3,
        as_of="2026-03-26T00:00:00Z",
        currency="EUR",
        condition=parse_condition(tree),
        slices=slices,
    )


def found(snapshot: Path, audience: Audience, **options: Any) -> set[str]:
    return {row["segment"] for chunk in candidate_chunks(snapshot, audience, 64, **options) for row in chunk}


def test_a_slice_narrows_the_segments(snapshot: Path) -> None:
    vips = frozen({"column": "segment", "operator": "in", "value": ["Slipping VIPs", "Lost VIPs"]})
    assert found(snapshot, Audience(slice=SLICE), frozen=vips) == {"Slipping VIPs", "Lost VIPs"}
    slipping = Audience(families=(Family.SLIPPING,), slice=SLICE)
    assert found(snapshot, slipping, frozen=vips) == {"Slipping VIPs"}


def test_cells_narrow_the_segments(snapshot: Path) -> None:
    active = GridCell(value_tier=ValueTier.VIP, status=Status.ACTIVE)
    at_risk = GridCell(value_tier=ValueTier.VIP, status=Status.AT_RISK)
    assert found(snapshot, Audience(segments=(Segment.LOYAL,), cells=(active,))) == {"Loyal"}
    assert found(snapshot, Audience(segments=(Segment.LOYAL,), cells=(at_risk,))) == set()
    assert len(found(snapshot, Audience(cells=(active, at_risk)))) == 13


def test_a_frozen_slice_brings_those_that_it_names(snapshot: Path) -> None:
    other = "slc-00000000000b"
    named = parse_condition({"column": "family", "operator": "=", "value": "Slipping"})
    regular = {"not": {"column": "segment", "operator": "=", "value": "Slipping VIPs"}}
    both = frozen({"all": [{"slice": other}, regular]}, **{other: named})
    assert found(snapshot, Audience(slice=SLICE), frozen=both) == {"Slipping Regulars"}
    assert FrozenSlice.model_validate_json(both.model_dump_json(exclude_none=True)) == both


def test_touches_come_from_a_file(snapshot: Path, tmp_path: Path) -> None:
    touches = tmp_path / "touches.parquet"
    with duckdb.connect() as db:
        db.execute(
            f"copy (select customer_key customer_id, 'opened' kind, 'email' channel, timestamp '2026-03-20' as \"at\", "
            f"false by_machine from '{snapshot}' where segment = 'Loyal') to '{touches}' (format parquet)"
        )
    readers = frozen({"event": "opened", "within_days": 10})
    assert str(readers.touches_since) == "2026-03-16"
    assert found(snapshot, Audience(slice=SLICE), frozen=readers, touches=touches) == {"Loyal"}


def test_a_snapshot_without_the_column_says_so(snapshot: Path) -> None:
    with pytest.raises(ConditionRefused, match=r"newly_lapsed, which this snapshot does not have: .*refresh"):
        list(candidate_chunks(snapshot, Audience(newly_lapsed=True), 64))


def test_who_may_be_held_out_is_counted_by_segment_without_spared_tiers_and_without_consent(
    snapshot: Path, tmp_path: Path
) -> None:
    told = tmp_path / "told.parquet"
    with duckdb.connect() as db:
        db.execute(
            "copy (select * replace (if(customer_key like '%0', 'VIP', 'Mass') as value_tier), "
            "if(customer_key like '%1', 'denied', 'granted') as email_consent, 'unknown' as sms_consent "
            f"from '{snapshot}') to '{told}' (format parquet)"
        )
    audience = Audience(segments=(Segment.LOYAL, Segment.LOST_VIPS))
    everybody = reachable_customers(snapshot, audience, ["email"], [])
    assert everybody == {"Lost VIPs": 100, "Loyal": 100}  # of a snapshot without consents all are counted
    spared = reachable_customers(told, audience, ["email"], ["VIP"])
    reachable = reachable_customers(told, audience, ["email"], [])
    assert all(0 < spared[name] < reachable[name] < 100 for name in everybody)
    assert reachable_customers(told, audience, ["sms"], []) == {}
    assert reachable_customers(told, audience, ["email", "sms"], []) == reachable
