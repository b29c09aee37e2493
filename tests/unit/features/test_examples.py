"""The CSV files that a training job gets."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from winback.features import SCORED
from winback.features.examples import TooLittleHistory, choose_cuts, training_cuts, write_examples

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
UNTIL = datetime(2025, 3, 1, tzinfo=UTC)


@pytest.fixture
def orders() -> duckdb.DuckDBPyConnection:
    """300 customers who purchase every 20 to 60 days from the first day on."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(
        """CREATE TABLE orders AS
        SELECT
            'c' || customer AS customer_id,
            TIMESTAMP '2024-01-01' + to_days((number * (20 + customer % 41))::INTEGER) AS ordered_at,
            1000 + customer AS amount_minor
        FROM range(300) AS customers (customer), range(30) AS numbers (number)"""
    )
    return connection


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_training_knows_nothing_of_the_tests_window() -> None:
    cuts = choose_cuts(FIRST, UNTIL)
    window = timedelta(days=91)
    assert cuts.test + window == UNTIL
    assert all(cut + window <= cuts.test for cut in cuts.train)
    assert all(cut >= FIRST + window for cut in cuts.train)
    assert cuts.train[0] == cuts.test - window


def test_too_short_a_history_says_how_long_it_has_to_be() -> None:
    with pytest.raises(TooLittleHistory, match="takes 182, and 91 days of orders after them"):
        training_cuts(FIRST, FIRST + timedelta(days=181))
    assert training_cuts(FIRST, FIRST + timedelta(days=182)) == [FIRST + timedelta(days=91)]


def test_the_files_hold_a_line_a_customer_and_cut(orders: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    train, test = tmp_path / "train" / "examples.csv", tmp_path / "test" / "examples.csv"
    written = write_examples(orders, until=UNTIL, train=train, test=test, scratch=tmp_path)
    rows, held_out = read(train), read(test)
    assert (written.train_rows, written.test_rows) == (len(rows), len(held_out))
    assert len(held_out) == 300
    assert written.customer_share == 1
    assert tuple(rows[0]) == ("cut", "standing", *SCORED, "churned")
    assert {row["cut"] for row in rows} == {f"{cut:%Y-%m-%d}" for cut in written.cuts.train}
    assert {row["engagement"] for row in rows} == {""}
    assert {row["churned"] for row in rows} == {"0"}
    tables = orders.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert tables == [("orders",)], "the caller's connection is only read"


def test_the_same_orders_give_the_same_files(orders: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        write_examples(orders, until=UNTIL, train=folder / "1.csv", test=folder / "2.csv", scratch=folder)
        texts.append([(folder / file).read_bytes() for file in ("1.csv", "2.csv")])
    assert texts[0] == texts[1]


def test_a_large_account_gives_the_same_share_of_customers_at_every_cut(
    orders: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    written = write_examples(orders, until=UNTIL, train=train, test=test, scratch=tmp_path, most_rows=1000)
    by_cut: dict[str, int] = {}
    for row in [*read(train), *read(test)]:
        by_cut[row["cut"]] = by_cut.get(row["cut"], 0) + 1
    assert len(set(by_cut.values())) == 1
    assert sum(by_cut.values()) == pytest.approx(1000, rel=0.25)
    assert written.customer_share == pytest.approx(1000 / 300 / len(by_cut))


def test_orders_after_the_end_are_not_there(orders: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    before = write_examples(orders, until=UNTIL, train=tmp_path / "a.csv", test=tmp_path / "b.csv", scratch=tmp_path)
    orders.execute("INSERT INTO orders SELECT 'late' || range, TIMESTAMP '2025-03-01', 1 FROM range(50)")
    after = write_examples(orders, until=UNTIL, train=tmp_path / "c.csv", test=tmp_path / "d.csv", scratch=tmp_path)
    assert before == after
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "d.csv").read_bytes()
    early = datetime(2023, 1, 1, tzinfo=UTC)
    with pytest.raises(TooLittleHistory, match="no purchase"):
        write_examples(orders, until=early, train=tmp_path / "e.csv", test=tmp_path / "f.csv", scratch=tmp_path)
