"""What each fact says of single customers."""

import math
from typing import Any

import duckdb
import pytest

from tests.unit.features.orders import AS_OF, Relations, Row, at, facts_of, line, order, touch
from winback.features import FEATURES, PRIOR
from winback.features.premium import PremiumCuts


def _ann(connection: duckdb.DuckDBPyConnection, *orders: Row, **arguments: Any) -> dict[str, Any]:
    return facts_of(connection, Relations(orders), **arguments)[0]["ann"]


def test_the_margin_counts_orders_of_known_cost_and_the_returns_of_goods(connection: duckdb.DuckDBPyConnection) -> None:
    known = [order("ann", 9, 1_000, cost=600), order("ann", 5, -500, cost=-300)]
    assert _ann(connection, *known)["margin_minor"] == 200
    some = _ann(connection, *known, order("ann", 3, 9_000))
    assert some["margin_minor"] == 200
    assert some["costed_net_minor"] == some["net_minor"] - 9_000
    assert _ann(connection, order("ann", 3, 9_000))["margin_minor"] is None
    assert _ann(connection, order("ann", 3, 9_000))["costed_net_minor"] is None


def test_an_order_costs_what_its_lines_cost_when_each_is_known(connection: duckdb.DuckDBPyConnection) -> None:
    priced, free = line("tea", 400, cost=150), line("tea", 600, cost=250)
    unknown = line("tea", 600)
    assert _ann(connection, order("ann", 3, lines=[priced, free]))["margin_minor"] == 600
    assert _ann(connection, order("ann", 3, lines=[priced, unknown]))["margin_minor"] is None
    assert _ann(connection, order("ann", 3, cost=900, lines=[priced, free]))["margin_minor"] == 100
    assert _ann(connection, order("ann", 3, lines=[]))["margin_minor"] is None


def test_averages_and_the_return_rate(connection: duckdb.DuckDBPyConnection) -> None:
    ann = _ann(connection, order("ann", 9, 1_000), order("ann", 9, 500), order("ann", 5, 0), order("ann", 4, -300))
    assert (ann["orders"], ann["purchase_orders"], ann["purchases"]) == (4, 3, 2)
    assert (ann["average_order_minor"], ann["average_purchase_minor"]) == (500, 750)
    assert ann["return_rate"] == 0.2
    assert _ann(connection, order("ann", 4, -300))["return_rate"] is None


def test_the_rhythm_is_that_of_days_with_a_purchase(connection: duckdb.DuckDBPyConnection) -> None:
    ann = _ann(connection, *(order("ann", days) for days in (100, 99.9, 90, 70, 30)), order("ann", 80, -5))
    logs = [math.log(gap) for gap in (10, 20, 40)]
    mean = sum(logs) / 3
    assert ann["gap_count"] == 3
    assert ann["median_gap_days"] == 20
    assert ann["gap_log_mean"] == pytest.approx(mean, abs=1e-6)
    assert ann["gap_log_spread"] == pytest.approx(math.sqrt(sum((one - mean) ** 2 for one in logs) / 2), abs=1e-6)
    once = _ann(connection, order("ann", 100))
    assert (once["median_gap_days"], once["gap_log_mean"], once["gap_log_spread"]) == (None, None, None)


def test_the_median_gap_is_one_that_occurs(connection: duckdb.DuckDBPyConnection) -> None:
    assert _ann(connection, *(order("ann", days) for days in (100, 90, 50)))["median_gap_days"] == 10


def test_discounts_are_unknown_until_the_account_has_one(connection: duckdb.DuckDBPyConnection) -> None:
    without, _ = facts_of(connection, Relations([order("ann", 9), order("bob", 9, discount=None)]))
    assert {row["discounted_orders"] for row in without.values()} == {None}
    assert {row["first_order_discounted"] for row in without.values()} == {None}
    found, _ = facts_of(
        connection,
        Relations([order("ann", 9, discount=5), order("ann", 3), order("bob", 9), order("bob", 3, discount=1)]),
    )
    ann, bob = found["ann"], found["bob"]
    assert (ann["discounted_orders"], ann["discount_share"], ann["first_order_discounted"]) == (1, 0.5, True)
    assert (bob["discounted_orders"], bob["discount_share"], bob["first_order_discounted"]) == (1, 0.5, False)


def test_an_order_is_premium_by_the_price_of_its_dearest_piece(connection: duckdb.DuckDBPyConnection) -> None:
    cuts = PRIOR.model_copy(update={"premium": PremiumCuts(unit_minor=500, amount_minor=10_000)})
    pieces = {
        "ann": line("tea", 1_000, 2),
        "bob": line("tea", 999, 2),
        "cy": line("tea", 900, 0),
        "dee": line("tea", 250, 0.5),
    }
    orders = [order(name, 9, lines=[line("tea", 100), piece]) for name, piece in pieces.items()]
    plain = [order("eve", 9, 10_000), order("fay", 9, 9_999), order("gus", 9, 10_000, lines=[])]
    found, _ = facts_of(connection, Relations([*orders, *plain]), calibration=cuts)
    assert {name for name, row in found.items() if row["premium_orders"]} == {"ann", "dee", "eve", "gus"}
    assert {row["premium_share"] for row in found.values()} == {0, 1}
    assert found["ann"]["last_premium_at"] == at(9).replace(hour=0)
    assert found["bob"]["last_premium_at"] is None


def test_without_cuts_nothing_is_known_of_premium_orders(connection: duckdb.DuckDBPyConnection) -> None:
    ann = _ann(connection, order("ann", 9), calibration=PRIOR)
    assert (ann["premium_orders"], ann["premium_share"]) == (None, None)


def test_the_cuts_are_quantiles_of_orders_that_occur(connection: duckdb.DuckDBPyConnection) -> None:
    dear = [order("ann", n, 100 * n, lines=[line("tea", 10), line("tea", 100 * n, 3)]) for n in range(1, 11)]
    _, found = facts_of(connection, Relations([*dear, order("ann", 0.5, -9_999), order("bob", -3, 99_999)]))
    assert found.premium == PremiumCuts(unit_minor=266, amount_minor=800)
    assert facts_of(connection, Relations([order("bob", -3, 99_999)]))[1].premium == PremiumCuts()


def test_breadth_and_attach_rate_are_of_purchases_that_have_lines(connection: duckdb.DuckDBPyConnection) -> None:
    orders = [
        order("ann", 9, lines=[line("tea", 100), line("pots", 100), line(None, 100)]),
        order("ann", 8, lines=[line("tea", 100)]),
        order("ann", 7, -100, lines=[line("cups", 100)]),
        order("ann", 6),
        order("bob", 6),
        order("cy", 6, lines=[line(None, 100)]),
    ]
    found, _ = facts_of(connection, Relations(orders))
    assert (found["ann"]["categories"], found["ann"]["lines_per_order"]) == (2, 2)
    assert (found["bob"]["categories"], found["bob"]["lines_per_order"]) == (None, None)
    assert (found["cy"]["categories"], found["cy"]["lines_per_order"]) == (None, 1)


def test_touches_of_people_count_for_half_a_year(connection: duckdb.DuckDBPyConnection) -> None:
    touches = [
        touch("ann", "sent", 400),
        touch("ann", "sent", 182),
        touch("ann", "sent", 20.5),
        touch("ann", "delivered", 20.4),
        touch("ann", "opened", 20),
        touch("ann", "opened", 19, by_machine=True),
        touch("ann", "clicked", 19, by_machine=True),
        touch("ann", "visited", 5),
        touch("ann", "carted", 5),
        touch("ann", "visited", 183),
        touch("bob", "sent", 200, by_machine=None),
        touch("nobody", "sent", 20),
    ]
    found, _ = facts_of(connection, Relations([order("ann", 9), order("bob", 9), order("cy", 9)], touches))
    ann, bob, cy = found["ann"], found["bob"], found["cy"]
    names = ("sends_182_days", "opens_182_days", "clicks_182_days", "visits_182_days")
    assert [ann[name] for name in names] == [2, 1, 0, 1]
    assert [bob[name] for name in names] == [cy[name] for name in names] == [0, 0, 0, 0]
    assert (ann["days_since_last_send"], bob["days_since_last_send"], cy["days_since_last_send"]) == (21, 200, None)
    assert (ann["engagement"], bob["engagement"], cy["engagement"]) == ((0.5 + 1 + 0.5) / 4, None, None)
    assert set(found) == {"ann", "bob", "cy"}


@pytest.mark.parametrize(
    ("kinds", "engagement"),
    [
        (["sent"], 0.25),
        (["sent"] * 4, 0.1),
        (["sent", "opened"], 0.5),
        (["sent", "opened", "clicked"], 0.75),
        (["sent", "clicked"], 0.75),
        (["clicked", "clicked"], 2.5 / 3),
    ],
)
def test_engagement_is_the_share_of_contacts_taken_up(
    connection: duckdb.DuckDBPyConnection, kinds: list[str], engagement: float
) -> None:
    found, _ = facts_of(connection, Relations([order("ann", 9)], [touch("ann", kind, 9) for kind in kinds]))
    assert found["ann"]["engagement"] == engagement


def test_consent_and_acquisition_are_the_profiles(connection: duckdb.DuckDBPyConnection) -> None:
    profiles = [
        ("ann", "granted", "denied", None, "shop", at(50)),
        ("bob", "granted", None, None, None, at(5)),
        ("cy", "granted", None, None, "fair", None),
        ("eve", "granted", None, None, "fair", at(0)),
    ]
    orders = [order(name, 9) for name in ("ann", "bob", "cy", "dee", "eve")]
    found, _ = facts_of(connection, Relations(orders, None, profiles))
    consents = ("email_consent", "sms_consent", "push_consent")
    assert [found["ann"][name] for name in consents] == ["granted", "denied", "unknown"]
    assert [found["dee"][name] for name in consents] == ["unknown"] * 3
    assert {name: row["acquisition_channel"] for name, row in found.items()} == {
        "ann": "shop", "bob": None, "cy": "fair", "dee": None, "eve": None,
    }  # fmt: skip
    assert {name: row["acquired_at"] for name, row in found.items()} == {
        "ann": at(50), "bob": at(9), "cy": at(9), "dee": at(9), "eve": at(9),
    }  # fmt: skip


def test_columns_that_a_store_does_not_send_may_be_missing(connection: duckdb.DuckDBPyConnection) -> None:
    missing = ("discount_minor", "cost_minor", "lines")
    found, _ = facts_of(connection, Relations([order("ann", 9), order("ann", 3)], missing=missing))
    full, _ = facts_of(connection, Relations([order("ann", 9), order("ann", 3)]))
    assert found == full


def test_every_fact_is_there_and_of_its_type_whatever_the_account_has(connection: duckdb.DuckDBPyConnection) -> None:
    rich = Relations(
        [order("ann", 900 - 30 * n, discount=n, cost=3, lines=[line("tea", 100 + n, cost=1)]) for n in range(30)],
        [touch("ann", kind, 3) for kind in ("sent", "opened", "clicked", "visited")],
        [("ann", "granted", "denied", "granted", "shop", at(2_000))],
    )
    poor = Relations([order("ann", 9, -5)], missing=("lines", "cost_minor", "discount_minor"))
    for relations in (rich, poor, Relations()):
        relations.put(connection)
        facts_of(connection, relations, as_of=AS_OF)
        description = connection.execute("FROM facts").description or []
        assert [(column[0], str(column[1])) for column in description] == [(one.name, one.type) for one in FEATURES]
    found, _ = facts_of(connection, rich)
    assert [name for name, value in found["ann"].items() if value is None] == []
    nullable = {feature.name for feature in FEATURES if feature.nullable}
    assert {name for name, value in facts_of(connection, poor)[0]["ann"].items() if value is None} <= nullable


def test_carried_histories_without_their_calibration_are_refused(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE carried_histories (customer_id VARCHAR)")
    try:
        with pytest.raises(ValueError, match="calibration"):
            _ann(connection, order("ann", 9))
    finally:
        connection.execute("DROP TABLE carried_histories")
