"""Figures of a preview, on a snapshot small enough to count by hand."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from tests.unit.slices.conftest import SNAPSHOT_TYPES, Fill
from winback.slices.condition import Condition
from winback.slices.preview import Preview, ground_of, preview

Build = Callable[..., Preview]


@pytest.fixture
def snapshot(fill: Fill) -> None:
    """100 customers: every fourth a Slipping VIP, and wide half of the time; one of the others is a Champion."""
    rows = [
        {
            "customer_key": f"{number * 7919 % 1000:032x}",
            "segment": "Slipping VIPs" if number % 4 == 0 else "Champions" if number == 1 else "Long Gone",
            "family": "Slipping" if number % 4 == 0 else "Heroes" if number == 1 else "Already Lost",
            "breadth_tier": "wide" if number % 8 == 0 or number % 10 == 1 else "narrow",
            "net_minor": 1_000 if number % 4 == 0 else 100,
        }
        for number in range(100)
    ]
    fill("customers", SNAPSHOT_TYPES, rows)


@pytest.fixture
def show(snapshot: None, connection: duckdb.DuckDBPyConnection, condition: Callable[[Any], Condition]) -> Build:
    def build(tree: Any, *, slices: dict[str, Any] | None = None, **options: Any) -> Preview:
        saved = {name: condition(other) for name, other in (slices or {}).items()}
        ground = ground_of(connection, as_of=datetime(2026, 1, 1, tzinfo=UTC), currency="EUR", slices=saved)
        others = {name: f"name of {name}" for name in saved}
        return preview(connection, condition(tree), ground, as_of="2026-01-01T00:00:00Z", others=others, **options)

    return build


VIPS = {"column": "segment", "operator": "=", "value": "Slipping VIPs"}
WIDE = {"column": "breadth_tier", "operator": "=", "value": "wide"}


def part(found: Preview, dimension: str, value: str | None) -> Any:
    return next(row for row in found.representation if (row.dimension, row.value) == (dimension, value))


def test_customers_value_and_shares_add_up(show: Build) -> None:
    found = show(VIPS)
    assert (found.selected.customers, found.universe.customers, found.share) == (25, 100, 0.25)
    assert (found.selected.net_minor, found.selected.average_minor) == (25_000, 1_000)
    assert found.net_share == pytest.approx(25_000 / 32_500)


def test_the_sample_is_stable_and_short(show: Build, connection: duckdb.DuckDBPyConnection) -> None:
    first = show(VIPS).sample
    connection.execute("CREATE OR REPLACE TABLE customers AS FROM customers ORDER BY customer_key DESC")
    assert show(VIPS).sample == first == sorted(first)
    assert len(first) == 20


def test_overlap_with_saved_slices_is_a_share_of_each(show: Build) -> None:
    (overlap,) = show(VIPS, slices={"slc-00000000000a": WIDE}).overlaps
    wide = show(WIDE).selected.customers
    assert overlap.name == "name of slc-00000000000a"
    assert overlap.customers == 13
    assert overlap.share == 13 / 25
    assert overlap.share_of_slice == 13 / wide


def test_parts_are_marked_where_they_are_over_or_under_represented(show: Build) -> None:
    found = show(VIPS, hidden_below=0)
    wide, narrow = part(found, "breadth_tier", "wide"), part(found, "breadth_tier", "narrow")
    assert wide.ratio == pytest.approx((13 / 25) / (23 / 100))
    assert wide.mark == "over"
    assert narrow.mark == "under"
    assert part(found, "segment", "Slipping VIPs").mark == "over"
    assert found.representation[0].dimension == "segment"


def test_small_parts_are_hidden_with_another_that_would_give_them_away(show: Build) -> None:
    found = show({"any": [VIPS, {"column": "net", "operator": "=", "value": 1}]}, hidden_below=5)
    champion = part(found, "segment", "Champions")
    assert champion.customers is champion.share is champion.ratio is champion.mark is None
    assert champion.universe_customers is None
    hidden = [row.value for row in found.representation if row.dimension == "segment" and row.customers is None]
    assert hidden == ["Slipping VIPs", "Champions"]  # all but one of the rest, or the total would tell


def test_a_family_does_not_tell_what_its_segments_hide(fill: Fill, show: Build) -> None:
    sizes = {"Champions": 3, "Loyal": 40, "Rising": 5, "Long Gone": 60}
    families = {"Champions": "Heroes", "Loyal": "Heroes", "Rising": "Climbers", "Long Gone": "Already Lost"}
    rows = [
        {"customer_key": f"{segment}{number}", "segment": segment, "family": families[segment], "net_minor": 1}
        for segment, size in sizes.items()
        for number in range(size)
    ]
    fill("customers", SNAPSHOT_TYPES, rows)
    found = show({"column": "net", "operator": ">", "value": 0}, hidden_below=5)
    shown = {(row.dimension, row.value): row.universe_customers for row in found.representation}
    assert shown["segment", "Champions"] is None
    heroes, loyal = shown["family", "Heroes"], shown["segment", "Loyal"]
    assert heroes is None or loyal is None
    for segment, family in families.items():
        if shown["family", family] is None:
            assert shown["segment", segment] is None


def test_a_few_that_are_expected_and_not_there_say_nothing(show: Build) -> None:
    tree = {"all": [VIPS, {"column": "breadth_tier", "operator": "=", "value": "narrow"}]}
    wide = part(show(tree, hidden_below=2), "breadth_tier", "wide")
    assert (wide.customers, wide.ratio, wide.mark) == (0, 0, "under")
    assert part(show(tree, hidden_below=5), "breadth_tier", "wide").mark is None


def test_nobody_is_a_sound_answer(show: Build) -> None:
    found = show({"all": [VIPS, {"not": VIPS}]})
    assert found.selected.customers == 0
    assert found.selected.average_minor is None
    assert found.sample == []
    assert all(row.share is None for row in found.representation)


def test_an_old_snapshot_is_previewed_without_the_dimensions_that_it_lacks(
    fill: Fill, connection: duckdb.DuckDBPyConnection, condition: Callable[[Any], Condition]
) -> None:
    types = {name: SNAPSHOT_TYPES[name] for name in ("customer_key", "segment", "family", "net_minor")}
    fill("customers", types, [{"customer_key": "a", "segment": "Loyal", "family": "Heroes", "net_minor": 5}])
    ground = ground_of(connection, as_of=datetime(2026, 1, 1, tzinfo=UTC), currency="EUR", slices={})
    tree = condition({"column": "segment", "operator": "=", "value": "Loyal"})
    found = preview(connection, tree, ground, as_of="2026-01-01T00:00:00Z", hidden_below=0)
    assert found.selected.customers == 1
    assert "premium_tier" in found.missing
    assert {row.dimension for row in found.representation} == {"segment", "family"}
