import csv
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from winback.identifiers import AccountId, CustomerKey
from winback.predictions.offers.contract import OFFER_FEATURES
from winback.predictions.offers.effects import NO_MESSAGE, NO_OFFER
from winback.predictions.offers.records import DecisionRecord, DecisionSource, RecordedArm
from winback.predictions.offers.training_rows import create_decisions, write_train_and_test, write_training_rows

DECIDED = datetime(2026, 5, 1, 9, tzinfo=UTC)
LATER = DECIDED + timedelta(days=40)


@pytest.fixture
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE orders (order_id VARCHAR, customer_id VARCHAR, ordered_at TIMESTAMP, amount_minor BIGINT, "
            "currency VARCHAR, cost_minor BIGINT)"
        )
        create_decisions(connection, [])
        yield connection


def test_the_reward_is_the_margin_within_the_window_in_purchase_margins(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    known(lake, tmp_path, decision("a"), decision("b"))
    order(lake, "a", DECIDED, 9_999)  # at the decision's moment: before it
    order(lake, "a", DECIDED + timedelta(seconds=1), 3000, cost=1000)
    order(lake, "a", DECIDED + timedelta(days=30), -500, cost=-300)
    order(lake, "a", DECIDED + timedelta(days=30, seconds=1), 9_999)
    first, second = rows(lake, tmp_path)
    assert float(first["reward"]) == (2000 - 200) / 1000
    assert float(second["reward"]) == 0
    assert (first["arm"], float(first["propensity"]), first["eligible"]) == (NO_OFFER, 0.98, f"{NO_MESSAGE}|{NO_OFFER}")
    assert float(first["cost"]) == 0.005
    assert set(OFFER_FEATURES) <= set(first)


def test_where_no_cost_is_known_a_share_of_the_amount_is_margin(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    known(lake, tmp_path, decision("a"))
    order(lake, "a", DECIDED + timedelta(days=1), 3000)
    (row,) = rows(lake, tmp_path, margin_share=0.4)
    assert float(row["reward"]) == pytest.approx(1.2)


def test_a_decision_whose_window_is_not_over_teaches_nothing_yet(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    known(lake, tmp_path, decision("a"))
    order(lake, "a", DECIDED + timedelta(days=1), 100)
    assert len(rows(lake, tmp_path, until=DECIDED + timedelta(days=30))) == 1
    assert rows(lake, tmp_path, until=DECIDED + timedelta(days=29)) == []
    assert rows(lake, tmp_path, since=DECIDED + timedelta(days=1)) == []


def test_nobody_is_named_and_a_repeated_decision_counts_once(lake: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    known(lake, tmp_path, decision("key-of-a"), decision("key-of-a"), decision("key-of-a", decision_id="other"))
    order(lake, "key-of-a", DECIDED + timedelta(days=1), 100)
    found = rows(lake, tmp_path)
    assert [row["customer"] for row in found] == ["1", "1"]
    assert "key-of" not in (tmp_path / "rows.csv").read_text()


def test_what_left_nothing_to_chance_or_is_in_another_currency_is_left_out(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    known(lake, tmp_path, decision("a", chance=0.0), decision("b", currency="USD"), decision("c", margin=0))
    order(lake, "a", DECIDED + timedelta(days=1), 100)
    assert rows(lake, tmp_path) == []


def test_later_decisions_are_the_test_and_no_order_rewards_both(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    days = [0, 29, 30, 59, 60, 61, 89, 90, 91]  # windows of 30 days; until day 120, so that the test begins on day 60
    known(lake, tmp_path, *(decision(f"c{day}", after_days=day) for day in days))
    order(lake, "c0", DECIDED + timedelta(days=1), 100)
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    written = write_train_and_test(lake, until=DECIDED + timedelta(days=120), train=train, test=test)
    assert (written.train_rows, written.test_rows) == (3, 4)
    assert len(train.read_text().splitlines()) == 4


def decision(
    customer: str,
    *,
    decision_id: str = "lau-1",
    chance: float = 0.02,
    currency: str = "EUR",
    margin: int = 1000,
    after_days: int = 0,
) -> DecisionRecord:
    nothing = RecordedArm(NO_MESSAGE, None, None, None, None, 0, 0, 0, chance)
    message = RecordedArm(NO_OFFER, 0.01, 0.01, "prior", None, 5, 5, 5, 1 - chance)
    return DecisionRecord(
        account_id=AccountId("shop"),
        decision_id=decision_id,
        customer_key=CustomerKey(customer),
        decided_at=DECIDED + timedelta(days=after_days),
        features=dict.fromkeys(OFFER_FEATURES, 1.0),
        currency=currency,
        margin_minor=margin,
        arms=(nothing, message),
        arm=NO_OFFER,
        propensity=1 - chance,
        source=DecisionSource.PRIOR,
        model_id=None,
        cost_minor=5,
        spend_minor=5,
    )


def known(lake: duckdb.DuckDBPyConnection, folder: Path, *decisions: DecisionRecord) -> None:
    path = folder / "decisions.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(each.row()) + "\n" for each in decisions).encode()))
    create_decisions(lake, [path])


def order(lake: duckdb.DuckDBPyConnection, customer: str, at: datetime, amount: int, cost: int | None = None) -> None:
    lake.execute(
        "INSERT INTO orders VALUES (?, ?, ?, ?, 'EUR', ?)", [str(at), customer, at.replace(tzinfo=None), amount, cost]
    )


def rows(
    lake: duckdb.DuckDBPyConnection,
    folder: Path,
    *,
    until: datetime = LATER,
    since: datetime | None = None,
    margin_share: float = 1.0,
) -> list[dict[str, str]]:
    path = folder / "rows.csv"
    number = write_training_rows(lake, path, until=until, since=since, margin_share=margin_share)
    with path.open(newline="") as lines:
        found = list(csv.DictReader(lines))
    assert len(found) == number
    return found
