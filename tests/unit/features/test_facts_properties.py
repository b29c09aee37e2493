"""What holds of facts for any orders, touches and profiles whatever."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from duckdb import ColumnExpression, ConstantExpression
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.features.orders import AS_OF, Relations, Row, at, facts_of, line, order, touch
from winback.features import PRIOR
from winback.features.premium import PremiumCuts
from winback.features.rhythm import CEILING_DAYS, FLOOR_DAYS

CUSTOMERS = st.sampled_from(["ann", "bob", "cy", "dee", "eve"])
FROZEN = PRIOR.model_copy(update={"premium": PremiumCuts(unit_minor=900, amount_minor=20_000)})

_lines = st.none() | st.lists(
    st.builds(
        line,
        st.sampled_from([None, "tea", "pots"]),
        st.integers(-200, 5_000),
        st.sampled_from([0, 0.333, 1, 3]),
        st.none() | st.integers(0, 900),
    ),
    max_size=3,
)


def _orders(days_ago: st.SearchStrategy[float]) -> st.SearchStrategy[Row]:
    return st.builds(
        order,
        CUSTOMERS,
        days_ago,
        st.integers(-5_000, 50_000),
        discount=st.none() | st.integers(0, 500),
        cost=st.none() | st.integers(-3_000, 9_000),
        lines=_lines,
    )


def _touches(days_ago: st.SearchStrategy[float]) -> st.SearchStrategy[Row]:
    kinds = st.sampled_from(["sent", "delivered", "opened", "clicked", "unsubscribed", "visited", "carted"])
    return st.builds(touch, CUSTOMERS, kinds, days_ago, by_machine=st.none() | st.booleans())


def _profiles(days_ago: st.SearchStrategy[float]) -> st.SearchStrategy[list[Row]]:
    consent = st.sampled_from([None, "granted", "denied", "unknown"])
    one = st.tuples(CUSTOMERS, consent, consent, consent, st.sampled_from([None, "shop"]), days_ago.map(at))
    return st.lists(one, max_size=3, unique_by=lambda row: row[0])


PAST = st.floats(0.001, 2_000)
FUTURE = st.floats(-400, 0)
_any_data = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_relations = st.builds(
    Relations,
    st.lists(_orders(PAST), max_size=40),
    st.none() | st.lists(_touches(PAST), max_size=20),
    st.none() | _profiles(PAST),
)


@given(
    known=_relations,
    orders=st.lists(_orders(FUTURE), max_size=9),
    touches=st.lists(_touches(FUTURE), max_size=9),
    profiles=_profiles(FUTURE),
)
@_any_data
def test_nothing_at_or_after_as_of_leaks_in(
    connection: duckdb.DuckDBPyConnection, known: Relations, orders: list[Row], touches: list[Row], profiles: list[Row]
) -> None:
    stated = {row[0] for row in known.profiles or ()}
    later = Relations(
        [*known.orders, *orders],
        [*(known.touches or ()), *touches],
        [*(known.profiles or ()), *(row for row in profiles if row[0] not in stated)],
    )
    assert facts_of(connection, later) == facts_of(connection, known)


@given(known=_relations, seed=st.randoms())
@_any_data
def test_the_order_of_rows_does_not_matter(connection: duckdb.DuckDBPyConnection, known: Relations, seed: Any) -> None:
    shuffled = list(known.orders)
    seed.shuffle(shuffled)
    assert facts_of(connection, Relations(shuffled, known.touches, known.profiles)) == facts_of(connection, known)


@given(known=_relations)
@_any_data
def test_figures_are_within_their_bounds(connection: duckdb.DuckDBPyConnection, known: Relations) -> None:
    facts, _ = facts_of(connection, known, trend_category="tea")
    assert facts.keys() == {row[0] for row in known.orders}
    for row in facts.values():
        assert row["net_minor"] == row["gross_minor"] - row["returns_minor"]
        assert row["gap_count"] == max(row["purchases"] - 1, 0)
        assert row["purchases"] <= row["purchase_orders"] <= row["orders"]
        assert row["purchases_last_91_days"] <= row["purchases_last_182_days"] <= row["purchases"]
        assert FLOOR_DAYS <= row["lapse_days"] <= CEILING_DAYS
        for share in ("discount_share", "premium_share", "season_share", "engagement"):
            assert row[share] is None or 0 <= row[share] <= 1
        for counted in ("discounted_orders", "premium_orders"):
            assert (row[counted] or 0) <= row["purchase_orders"]
        if row["median_gap_days"] is not None:
            assert 1 <= row["median_gap_days"] <= row["span_days"]
        if row["gap_log_spread"] is not None:
            assert row["gap_log_spread"] >= 0
        if not row["seasonal"]:
            gaps = (row["gap_log_mean"] or 0.0) * row["gap_count"]
            assert row["lapse_days"] == PRIOR.lapse_days(row["gap_count"], gaps)


@given(
    known=_relations,
    fresh=st.lists(_orders(st.floats(-60, 0.001)), max_size=6),
    days=st.floats(0, 60),
    trend=st.sampled_from([None, "tea"]),
)
@_any_data
def test_carried_histories_of_untouched_customers_give_the_facts_of_all_orders(
    connection: duckdb.DuckDBPyConnection, known: Relations, fresh: list[Row], days: float, trend: str | None
) -> None:
    later = AS_OF + timedelta(days=days)
    arguments: dict[str, Any] = {"calibration": FROZEN, "trend_category": trend}
    whole = Relations([*known.orders, *fresh], known.touches, known.profiles)
    expected = facts_of(connection, whole, as_of=later, **arguments)

    touched = {row[0] for row in fresh}
    theirs = Relations([row for row in whole.orders if row[0] in touched], known.touches, known.profiles)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "histories.parquet"
        facts_of(connection, whole, as_of=AS_OF, histories_to=path, **arguments)
        before = connection.read_parquet(str(path))
        before.filter(ColumnExpression("customer_id").isnotin(*map(ConstantExpression, ["", *touched]))).create(
            "carried_histories"
        )
    try:
        assert facts_of(connection, theirs, as_of=later, **arguments) == expected
    finally:
        connection.execute("DROP TABLE carried_histories")
