"""What holds for any orders whatever."""

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.segmentation.customers import order, rubric_with, ruled, segmented
from winback.segmentation.behaviours import Behaviour
from winback.segmentation.grid import CELLS
from winback.segmentation.names import FAMILY_OF, Segment
from winback.segmentation.overlays import TIERS
from winback.segmentation.rubric import Bands
from winback.segmentation.summary import summarise

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
RANK = {"Already Lost": 0, "Slipping": 1, "Climbers": 2, "Heroes": 3}

_orders = st.lists(
    st.builds(
        order,
        st.sampled_from(["ann", "bob", "cy", "dee", "eve", "fay", "gus", "hal", "ida", "jo", "kim", "lea"]),
        st.integers(min_value=-1200 * 86_400, max_value=40 * 86_400).map(lambda s: AS_OF + timedelta(seconds=s)),
        st.integers(min_value=-5_000, max_value=50_000),
        st.sampled_from([None, "posters", "frames"]),
        st.sampled_from([0, 0, 500]),
    ),
    max_size=80,
)
_any_data = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@given(orders=_orders, trend=st.sampled_from([None, "posters"]))
@_any_data
def test_every_customer_with_a_purchase_is_in_exactly_one_segment_family_cell_tier_and_behaviour(
    connection: duckdb.DuckDBPyConnection, orders: list[Any], trend: str | None
) -> None:
    snapshot, rubric = segmented(connection, orders, AS_OF, trend_category=trend)
    before = [one for one in orders if one[1] < AS_OF.replace(tzinfo=None)]
    buyers = {customer for customer, _, amount, *_ in before if amount >= 0}
    assert snapshot.keys() == buyers
    assert connection.execute("SELECT count(*) FROM snapshot").fetchall() == [(len(buyers),)]
    for row in snapshot.values():
        assert FAMILY_OF[Segment(row["segment"])] == row["family"]
        assert (row["value_tier"], row["status"]) in CELLS
        assert row["lapsed"] == (row["silence_days"] > row["lapse_days"])
        assert all(row[overlay.column] in tiers for overlay, tiers in TIERS.items())
        assert row["behaviour"] in set(Behaviour)
        assert all(row[f"{score}_score"] in range(1, 6) for score in ("recency", "frequency", "monetary"))

    summary = summarise(connection, as_of=AS_OF, currency="EUR", rubric=rubric)
    for parts in (summary.segments, summary.families, summary.grid, summary.behaviours):
        for name in ("customers", "orders", "purchases", "net_minor", "lapsed"):
            assert sum(getattr(part, name) for part in parts) == getattr(summary.total, name)
    for table, kind in ((summary.overlays, "overlay"), (summary.bands, "kind"), (summary.scores, "score")):
        for one in {getattr(row, kind) for row in table}:
            rows = [row for row in table if getattr(row, kind) == one]
            assert sum(row.customers for row in rows) == summary.total.customers
            assert sum(row.net_minor for row in rows) == summary.total.net_minor
    assert {row.segment for row in summary.priorities} == set(Segment)
    assert summary.total.customers + summary.returns_only.customers == len({customer for customer, *_ in before})
    assert summary.total.net_minor + summary.returns_only.net_minor == sum(amount for _, _, amount, *_ in before)


@given(orders=_orders)
@_any_data
def test_orders_at_or_after_as_of_do_not_exist(connection: duckdb.DuckDBPyConnection, orders: list[Any]) -> None:
    moment = AS_OF.replace(tzinfo=None)
    known = [one for one in orders if one[1] < moment]
    assert segmented(connection, [*orders, ("ann", moment, 100, None, 0)], AS_OF) == segmented(connection, known, AS_OF)


@given(orders=_orders)
@_any_data
def test_names_of_customers_and_orders_do_not_matter(connection: duckdb.DuckDBPyConnection, orders: list[Any]) -> None:
    snapshot, _ = segmented(connection, orders, AS_OF)
    renamed, _ = segmented(connection, [(f"x{ord(name[0]) * 7919 % 101}", *rest) for name, *rest in orders], AS_OF)
    for name, row in snapshot.items():
        other = renamed[f"x{ord(name[0]) * 7919 % 101}"]
        assert {**row, "customer_id": ""} == {**other, "customer_id": ""}


@given(orders=_orders, factor=st.sampled_from([2, 10, 1000]))
@_any_data
def test_the_unit_of_amounts_does_not_matter(
    connection: duckdb.DuckDBPyConnection, orders: list[Any], factor: int
) -> None:
    places = (
        *("segment", "family", "value_tier", "status", "lapsed", "lapse_days", "behaviour"),
        *(f"{name}_{kind}" for name in ("recency", "frequency", "monetary") for kind in ("band", "score")),
        *(overlay.column for overlay in TIERS),
    )
    snapshot, _ = segmented(connection, orders, AS_OF)
    scaled, _ = segmented(connection, [_scaled(one, factor) for one in orders], AS_OF)
    assert {name: [row[place] for place in places] for name, row in snapshot.items()} == {
        name: [row[place] for place in places] for name, row in scaled.items()
    }


def _scaled(one: tuple[Any, ...], factor: int) -> tuple[Any, ...]:
    customer, at, amount, lines, discount = one
    more = [{**line, "price_minor": factor * line["price_minor"]} for line in lines] if lines else lines
    return (customer, at, factor * amount, more, factor * discount)


_silence = st.integers(min_value=0, max_value=900)


_pairs: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    lapse_days=st.integers(min_value=14, max_value=400),
    base_lapse_days=st.integers(min_value=14, max_value=400),
    silences=st.tuples(_silence, _silence).map(sorted),
    purchases=st.tuples(st.integers(1, 9), st.integers(1, 9)).map(sorted),
    values=st.tuples(st.integers(-500, 9_000), st.integers(-500, 9_000)).map(sorted),
    since_first=st.integers(min_value=0, max_value=900),
)


@given(pairs=st.lists(_pairs, min_size=1, max_size=60))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_with_thresholds_fixed_less_silence_more_purchases_or_more_value_never_lower_the_family(
    connection: duckdb.DuckDBPyConnection, pairs: list[dict[str, Any]]
) -> None:
    customers = [
        {
            "purchases": pair["purchases"][place],
            "gap_count": pair["purchases"][place] - 1,
            "net_minor": pair["values"][place],
            "silence_days": pair["silences"][1 - place],
            "tenure_days": pair["silences"][1 - place] + pair["since_first"],
            "lapse_days": pair["lapse_days"],
            "base_lapse_days": pair["base_lapse_days"],
        }
        for pair in pairs
        for place in (0, 1)
    ]
    rows = ruled(connection, rubric_with(AS_OF, _BANDS), *customers)
    for low, high in zip(rows[::2], rows[1::2], strict=True):
        assert RANK[high["family"]] >= RANK[low["family"]]
        for score in ("recency_score", "frequency_score", "monetary_score"):
            assert high[score] >= low[score]


@given(orders=_orders, amount=st.integers(min_value=0, max_value=9_000))
@_any_data
def test_with_thresholds_fixed_an_order_just_before_as_of_never_lowers_the_family(
    connection: duckdb.DuckDBPyConnection, orders: list[Any], amount: int
) -> None:
    rubric = rubric_with(AS_OF, _BANDS)
    before, _ = segmented(connection, orders, AS_OF, rubric)
    fresh = [order(customer, AS_OF - timedelta(seconds=1), amount) for customer in before]
    after, _ = segmented(connection, [*orders, *fresh], AS_OF, rubric)
    for customer, row in before.items():
        assert RANK[after[customer]["family"]] >= RANK[row["family"]]


_BANDS = Bands(
    high_value_minor=5_000,
    frequent_purchases=4,
    premium_above_minor=6_000,
    elite_above_minor=7_500,
    vip_above_minor=8_500,
)
