"""What is recommended, when it is due, and that nothing from after the moment is known."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta

import duckdb
import numpy as np
import pytest

from winback.recommendations.evaluation import Cut, compare, judge, scores
from winback.recommendations.learning import SETTINGS, Learner, Ranker, item_of
from winback.recommendations.reading import block_of, digits_for, rows_of, template_values
from winback.recommendations.writing import write_recommendations

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
START = date(2026, 1, 1)


def order(customer, day, *categories, amount=1000, quantity=1, price=500):
    lines = [
        {"sku": f"{category}-{number}", "category": category, "quantity": quantity, "price_minor": price}
        for number, category in enumerate(categories)
    ]
    return (customer, datetime.combine(START, datetime.min.time()) + timedelta(days=day, hours=9), amount, lines)


def opened(orders):
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE orders (customer_id VARCHAR, ordered_at TIMESTAMP, amount_minor BIGINT, "
        "lines STRUCT(sku VARCHAR, category VARCHAR, quantity DECIMAL(18, 3), price_minor BIGINT)[])"
    )
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", orders)
    return connection


def account():
    """Sixty customers buy coffee about every 20 days, each on its own days; some a grinder once, or filters."""
    orders = []
    for number in range(60):
        for round_ in range(9):
            day = number % 20 + 20 * round_ + number * round_ % 3
            bought = ["coffee"] + (["filters"] if number % 3 == 0 and round_ % 2 else [])
            bought += ["grinder"] if round_ == 1 and number % 2 else []
            orders.append(order(f"{number:032x}", day, *bought))
    return orders


def recommended(connection, folder, as_of=AS_OF, **options):
    written = write_recommendations(connection, folder, as_of=as_of, **options)
    rows = connection.read_parquet(str(written.files["recommendations.parquet"])).order("customer_key, rank")
    found = {}
    for row in rows.fetchall():
        one = dict(zip(rows.columns, row, strict=True))
        found.setdefault(one["customer_key"], []).append(one)
    return written, found


def test_a_habit_is_recommended_when_it_is_due_and_a_durable_thing_not_again(tmp_path):
    due = []
    _, found = recommended(opened(account()), tmp_path)
    for own in found.values():
        coffee = next((row for row in own if row["item"] == "coffee"), None)
        if coffee is not None:
            assert 17 <= coffee["usual_days"] <= 23
            assert coffee["due_on"] == coffee["last_bought_on"] + timedelta(days=coffee["usual_days"])
            assert coffee["due_from"] <= coffee["due_on"] <= coffee["due_until"]
            assert coffee["rank"] == 1
            due.append(coffee)
        grinder = next((row for row in own if row["item"] == "grinder"), None)
        assert grinder is None or (grinder["score"] < 0.1 and grinder["due_on"] is None)
    assert len(due) > 20


def test_what_was_bought_yesterday_is_not_due_yet(tmp_path):
    yesterday = order("f" * 32, 180, "coffee")
    history = [order("f" * 32, day, "coffee") for day in range(0, 161, 20)]
    _, found = recommended(opened([*account(), *history, yesterday]), tmp_path)
    assert "coffee" not in [row["item"] for row in found["f" * 32]]


def test_nothing_at_or_after_the_moment_is_known(tmp_path):
    later = [order(f"{number:032x}", 181 + number, "tea", "coffee", "grinder") for number in range(60)]
    at_once = (f"{1:032x}", datetime(2026, 7, 1), 1000, order("x", 0, "tea")[3])
    before = recommended(opened(account()), tmp_path / "before")[1]
    assert recommended(opened([*account(), *later, at_once]), tmp_path / "after")[1] == before


def test_returns_and_orders_without_lines_are_no_purchases(tmp_path):
    odd = [
        order(f"{1:032x}", 170, "tent", amount=-1000),
        order(f"{1:032x}", 171, "boat", quantity=-1),
        order(f"{1:032x}", 172, "rope", price=-500),
        (f"{2:032x}", datetime(2026, 6, 1), 1000, None),
    ]
    assert recommended(opened([*account(), *odd]), tmp_path / "odd")[1] == recommended(opened(account()), tmp_path)[1]


def test_buckets_of_customers_give_what_all_at_once_give(tmp_path):
    assert (
        recommended(opened(account()), tmp_path / "many", lines_at_once=40)[1]
        == recommended(opened(account()), tmp_path)[1]
    )


def test_what_goes_together_is_recommended_beside_what_is_bought(tmp_path):
    """Everybody buys bread; jam goes with butter only, tea with nothing."""
    orders = []
    for number in range(200):
        for round_ in range(4):
            beside = ("butter", "jam") if number % 4 == 0 else ("tea",) if number % 4 == 1 else ()
            orders.append(order(f"{number:032x}", number % 25 + 40 * round_, "bread", *beside))
    orders += [order("f" * 32, day, "bread", "butter") for day in (10, 50, 90, 130)]
    _, found = recommended(opened(orders), tmp_path)
    (jam,) = [row for row in found["f" * 32] if row["item"] == "jam"]
    assert (jam["kind"], jam["with_item"]) == ("together", "butter")
    assert jam["lift"] > 1
    tea = [row["score"] for row in found["f" * 32] if row["item"] == "tea"]
    assert not tea or tea[0] < jam["score"]


def test_a_pair_seen_a_few_times_has_no_lift():
    connection = opened([*account(), *[order(f"{n:032x}", 100, "salt", "pepper") for n in range(4)]])
    learner = Learner(connection, "category")
    learner.choose_sample(AS_OF)
    learner.statistics(AS_OF, segments=None)
    pairs = connection.execute("SELECT item, other, together, lift FROM item_partners").fetchall()
    assert not [pair for pair in pairs if "salt" in pair]
    assert all(together >= SETTINGS.support and lift > 1 for _, _, together, lift in pairs)


def test_a_segments_own_items_come_first_to_who_has_none(tmp_path):
    orders = [order(f"{n:032x}", n % 60, "red" if n < 50 else "blue", "base") for n in range(100)]
    orders += [order(key * 32, 100, "base") for key in "ef"]
    connection = opened(orders)
    connection.execute(
        "CREATE TABLE places AS SELECT DISTINCT customer_id, "
        "CASE WHEN customer_id = repeat('e', 32) OR customer_id < printf('%032x', 50) THEN 'warm' ELSE 'cold' END "
        "AS segment FROM orders"
    )
    _, found = recommended(connection, tmp_path, segments="places")
    first = {key: next(row["item"] for row in found[key * 32] if row["kind"] != "repeat") for key in "ef"}
    assert first == {"e": "red", "f": "blue"}


def test_products_are_recommended_where_lines_have_no_categories():
    plain = [(c, at, amount, [{**line, "category": None} for line in lines]) for c, at, amount, lines in account()]
    assert item_of(opened(plain), AS_OF)[0] == "sku"
    assert item_of(opened(account()), AS_OF)[0] == "category"
    assert item_of(opened([(c, at, amount, None) for c, at, amount, _ in account()]), AS_OF)[0] is None


def test_orders_without_lines_write_nothing(tmp_path):
    none = opened([(customer, at, amount, None) for customer, at, amount, _ in account()])
    assert write_recommendations(none, tmp_path / "out", as_of=AS_OF) is None
    assert not (tmp_path / "out").exists()


def test_one_customers_rows_are_read_from_their_block_alone(tmp_path):
    written, found = recommended(opened(account()), tmp_path)
    stored = written.files["recommendations.jsonl.gz"].read_bytes()
    for key, rows in found.items():
        start, end = block_of(written.summary, key)
        own = rows_of(stored[start:end], key)
        assert [row["item"] for row in own] == [row["item"] for row in rows]
        assert all(value is not None for row in own for value in row.values())
    assert len(gzip.decompress(stored).splitlines()) == sum(map(len, found.values()))
    assert rows_of(b"", "0" * 32) == []


@pytest.mark.parametrize(("customers", "digits"), [(0, 0), (250, 0), (251, 1), (1_000_000, 3), (10**9, 4)])
def test_blocks_stay_small(customers, digits):
    assert digits_for(customers) == digits


def test_every_block_has_its_place_also_an_empty_one(tmp_path):
    orders = [order(f"{n * 7:032x}"[::-1], n % 150, "coffee") for n in range(400)]
    written, found = recommended(opened(orders), tmp_path)
    offsets = written.summary["blocks"]["offsets"]
    assert (written.summary["blocks"]["digits"], len(offsets)) == (1, 17)
    assert offsets == sorted(offsets)
    stored = written.files["recommendations.jsonl.gz"].read_bytes()
    assert offsets[-1] == len(stored)
    for key in found:
        start, end = block_of(written.summary, key)
        assert {json.loads(line)["customer_key"][0] for line in gzip.decompress(stored[start:end]).splitlines()} == {
            key[0]
        }


def test_a_message_counts_the_days_on_the_day_it_is_sent():
    row = {
        "item": "coffee",
        "product": "c-1",
        "kind": "repeat",
        "purchases": 4,
        "last_bought_on": "2026-06-01",
        "usual_days": 30,
        "due_from": "2026-06-20",
        "due_until": "2026-07-15",
    }
    for on, days, due in ((2, 1, "not_due_yet"), (29, 28, "due")):
        (values,) = template_values([row], date(2026, 6, on))
        assert (values["days_since"], values["due"], values["usual_days"]) == (days, due, 30)
    assert template_values([row], date(2026, 7, 16))[0]["due"] == "overdue"
    assert template_values([{"item": "tea", "kind": "popular"}], date(2026, 7, 1))[0]["due"] is None


def test_the_model_is_judged_by_the_order_that_came_next():
    """Customers alternate between two things, so repeating the last order is always wrong, and both are enough."""
    orders = [
        order(f"{n:032x}", n % 7 + 7 * week, ("apples", "pears")[(week + n) % 2], *(["milk"] if week % 5 == 0 else []))
        for n in range(80)
        for week in range(26)
    ]
    cut = judge(opened(orders), datetime(2026, 5, 1, tzinfo=UTC), "category", SETTINGS)
    found = {score.ranker: score.hit_rate for score in scores([cut], SETTINGS)}
    assert len(cut.customers) == 80
    assert found[Ranker.MODEL] == 1
    against = compare([cut], Ranker.POPULAR, seed=1)
    assert against.low <= against.difference <= against.high
    assert against == compare([cut], Ranker.POPULAR, seed=1)


def test_a_baseline_that_hit_more_often_is_served(tmp_path, monkeypatch):
    monkeypatch.setattr(Learner, "hits", lambda self: (500, next(rates)))
    rates = iter((0.5, 0.6, 0.4))
    written, found = recommended(opened(account()), tmp_path)
    assert written.summary["ranker"] == "popular"
    assert written.summary["check"]["hit_rates"] == {"model": 0.5, "popular": 0.6, "last": 0.4}
    assert {tuple(row["item"] for row in rows) for rows in found.values()} == {("coffee", "filters", "grinder")}


def test_two_customers_show_nothing_to_be_better():
    hits = {ranker: np.full(2, int(ranker is Ranker.MODEL)) for ranker in Ranker}
    found = compare([Cut(AS_OF, ("a", "b"), hits, hits, 2)], Ranker.POPULAR, seed=1)
    assert (found.low, found.high) == (1, 1)
    assert not found.better
