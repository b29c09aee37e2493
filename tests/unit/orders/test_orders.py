from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from winback.imports.files import load_orders
from winback.orders import Order, OrderProblem, ReceivedOrder, latest_order_times

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PLAIN = {"customer_id": "ann", "order_id": "o1", "ordered_at": "2026-01-02T03:04:05+01:00", "amount": 12.5}


def order(**changes: Any) -> Order:
    return Order.of(ReceivedOrder.model_validate(PLAIN | changes), default_currency="EUR", now=NOW)


def test_an_order_is_in_minor_units_and_utc() -> None:
    found = order(discount="0.10", currency="usd")
    assert (found.amount_minor, found.discount_minor, found.currency) == (1250, 10, "USD")
    assert found.ordered_at == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "change",
    [
        {"customer_id": " "},
        {"customer_id": None},
        {"order_id": "x" * 129},
        {"order_id": "a\nb"},
        {"ordered_at": "yesterday"},
        {"ordered_at": 20260101},
        {"ordered_at": "1969-12-31"},
        {"amount": "NaN"},
        {"amount": float("inf")},
        {"amount": True},
        {"amount": "1,5"},
        {"amount": "1e12"},
        {"amount": "0." + "1" * 60},
        {"currency": "Euro"},
        {"discount": -1},
        {"lines": [{"price": 1, "quantity": "0.0001"}]},
        {"lines": [{"price": 1, "quantity": "1e-99999"}]},
        {"lines": [{"sku": "s"}]},
        {"cost": "four"},
        {"lines": [{"price": 1, "cost": True}]},
        {"discount_codes": "SUMMER"},
        {"discount_codes": [7]},
        {"discount_codes": [{"id": 7}]},
        {"discount_codes": [None]},
        {"discount_codes": ["x" * 256]},
        {"discount_codes": ["a\nb"]},
        {"discount_codes": [str(number) for number in range(21)]},
        {"colour": "red"},
    ],
)
def test_a_field_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReceivedOrder.model_validate(PLAIN | change)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": "1.001"}, "amount"),
        ({"amount": "1.5", "currency": "JPY"}, "amount"),
        ({"discount": "0.001"}, "discount"),
        ({"lines": [{"price": 1}, {"price": "0.001"}]}, "lines[1].price"),
        ({"ordered_at": "2026-11-23"}, "ordered_at"),
        ({"cost": "0.001"}, "cost"),
        ({"cost": -1}, "cost"),
        ({"amount": 0, "cost": "-0.01"}, "cost"),
        ({"lines": [{"price": 1, "cost": 1}, {"price": 0, "cost": -1}]}, "lines[1].cost"),
    ],
)
def test_what_does_not_fit_the_rest_of_the_order_names_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(OrderProblem) as refused:
        order(**change)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("change", "fingerprint"),
    [
        ({}, "ca59f969c61bb7ea"),
        ({"discount": "0.10", "currency": "usd"}, "4229033ebdb64c19"),
        (
            {"lines": [{"sku": "s1", "category": "hats", "quantity": 2, "price": "7.50"}, {"price": 5}]},
            "1f9d7ca2f5a641d3",
        ),
    ],
)
def test_an_order_without_a_cost_keeps_the_fingerprint_of_before_costs_were_taken(
    change: dict[str, Any], fingerprint: str
) -> None:
    assert order(**change).fingerprint() == fingerprint


def test_a_cost_makes_an_order_another_one() -> None:
    with_lines = {"lines": [{"price": 5}, {"price": 7}]}
    prints = [
        order(**change).fingerprint()
        for change in (
            {},
            {"cost": 0},
            {"cost": 5},
            with_lines,
            with_lines | {"cost": 5},
            {"lines": [{"price": 5, "cost": 5}, {"price": 7}]},
            {"lines": [{"price": 5, "cost": 5}, {"price": 7, "cost": 0}]},
        )
    ]
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize(
    ("change", "minor"),
    [
        ({}, None),
        ({"cost": "3.50"}, 350),
        ({"amount": -5, "cost": "-3.50"}, -350),
        ({"lines": []}, None),
        ({"lines": [{"price": 5, "cost": "1.25"}, {"price": 7, "cost": 2}]}, 325),
        ({"lines": [{"price": 5, "cost": "1.25"}, {"price": 7}]}, None),
        ({"cost": 4, "lines": [{"price": 5, "cost": "1.25"}, {"price": 7, "cost": 2}]}, 400),
    ],
)
def test_the_cost_of_an_order_is_its_own_or_that_of_all_its_lines(change: dict[str, Any], minor: int | None) -> None:
    assert order(**change).cost_minor == minor


def test_discount_codes_are_taken_as_shopify_and_woocommerce_state_them() -> None:
    shopify = [
        {"code": " SPRING30", "amount": "30.00", "type": "fixed_amount"},
        {"code": "FREESHIP", "type": "shipping"},
    ]
    woocommerce = [{"id": 71, "code": "spring30", "discount": "30", "discount_tax": "0"}]
    assert order(discount_codes=shopify).discount_codes == ("FREESHIP", "SPRING30")
    assert order(discount_codes=woocommerce).discount_codes == ("spring30",)
    assert order(discount_codes=["B", " ", "A", "B "]).discount_codes == ("A", "B")
    assert order(discount_codes=[]).discount_codes == ()
    assert order().discount_codes is None


def test_a_code_makes_an_order_another_one_and_that_there_is_none_does_not() -> None:
    assert order(discount_codes=[]).fingerprint() == order().fingerprint()
    prints = {order(discount_codes=codes).fingerprint() for codes in (["A"], ["a"], ["A", "B"], ["AB"], [])}
    assert len(prints) == 5
    assert order(discount_codes=["B", "A"]).fingerprint() == order(discount_codes=["A", "B", "A"]).fingerprint()


ids = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=6)
lines = st.lists(
    st.fixed_dictionaries(
        {"sku": ids, "category": st.one_of(st.none(), ids), "price": st.integers(-500, 500)},
        optional={"quantity": st.decimals(0, 99, places=3), "cost": st.integers(0, 500)},
    ),
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(
    ids,
    ids,
    st.datetimes(datetime(1971, 1, 1), datetime(2026, 1, 1)),
    st.decimals(-1000, 1000, places=2),
    st.fixed_dictionaries({}, optional={name: st.decimals(0, 10, places=2) for name in ("discount", "cost")}),
)
def test_the_api_and_a_file_fingerprint_an_order_alike(
    customer: str, order_id: str, at: datetime, amount: Any, more: dict[str, Any]
) -> None:
    fields = {"customer_id": customer, "order_id": order_id, "ordered_at": at.isoformat(), "amount": str(amount)}
    fields |= {name: str(value) for name, value in more.items()}
    assert order(**fields).fingerprint() == _in_file([fields])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(categories=("L", "N", "Pd")), min_size=1, max_size=5), max_size=4))
def test_the_api_and_a_file_fingerprint_codes_alike(codes: list[str]) -> None:
    stated = {**PLAIN, "discount_codes": codes}
    assert order(**stated).fingerprint() == _in_file([{**PLAIN, "discount_codes": ";".join(codes)}])


@settings(max_examples=25, deadline=None)
@given(lines.filter(lambda found: len({str(sorted(line.items())) for line in found}) == len(found) > 0))
def test_the_api_and_a_file_fingerprint_order_lines_alike(found: list[dict[str, Any]]) -> None:
    plain = PLAIN | {"amount": sum(line["price"] for line in found)}
    rows = [
        {**PLAIN, "amount": line["price"], **{name: line.get(name) or "" for name in ("sku", "category")}}
        | {name: line.get(name, "") for name in ("quantity", "cost")}
        for line in found
    ]
    stated = [{**line, "quantity": line.get("quantity")} for line in found]
    assert order(**plain, lines=stated).fingerprint() == _in_file(rows)


def _in_file(rows: list[dict[str, Any]]) -> str:
    import tempfile

    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        path = Path(folder) / "orders.csv"
        names = list(rows[0])
        path.write_text(
            "\n".join([",".join(names), *[",".join(str(row[name]) for name in names) for row in rows]]) + "\n"
        )
        account = load_orders(connection, path, mapping={}, default_currency="EUR")
        assert account.accepted == len(rows), connection.execute("FROM rejects").fetchall()
        ((fingerprint,),) = connection.execute("SELECT fingerprint FROM orders").fetchall()
    return str(fingerprint)


def test_returns_are_no_purchases() -> None:
    bought, returned = order(), order(order_id="o2", amount=-3, ordered_at="2026-05-05")
    assert latest_order_times([bought, returned]) == {"ann": bought.ordered_at}


def test_order_of_lines_does_not_matter() -> None:
    first = order(lines=[{"sku": "a", "price": 1}, {"sku": "b", "price": 2}])
    second = order(lines=[{"sku": "b", "price": 2}, {"sku": "a", "price": 1}])
    assert first.fingerprint() == second.fingerprint()
