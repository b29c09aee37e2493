"""What an account contributes to a training: rows of nobody in particular, and nothing when there is too little."""

import csv
import importlib
import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.functions.training.conftest import CONTEXT, World
from winback.accounts import Account
from winback.aws.lake import orders_key
from winback.aws.tables import Accounts

RUN = "trn-0123456789ab"


@pytest.fixture
def shop(world: World) -> Account:
    importlib.import_module("functions.train_examples.handler").settings.cache_clear()
    account = Account.model_validate(
        {
            "account_id": "demo-shop",
            "name": "Shop",
            "currency": "USD",
            "key_salt": "a" * 32,
            "sender": {"name": "Shop", "email": "hello@example.com", "postal_address": "1 High Street"},
            "public_url": "https://example.com",
        }
    )
    Accounts(world.campaigns).put(account)
    return account


def buy(world: World, account: Account, *, until: date, customers: int = 8, days: int = 420) -> None:
    """Customer n buys every 20 + 10 n days until a day."""
    rows = []
    for number in range(customers):
        day = until - timedelta(days=days)
        while day <= until:
            rows.append(
                {
                    "order_id": f"{number}-{day}",
                    "customer_id": f"person-{number}",
                    "customer_key": account.customer_key(f"person-{number}"),
                    "ordered_at": f"{day}T12:00:00Z",
                    "amount_minor": 1000,
                    "currency": "USD",
                    "discount_minor": 0,
                    "lines": None,
                    "fingerprint": "f",
                    "received_at": f"{until}T00:00:00Z",
                }
            )
            day += timedelta(days=20 + 10 * number)
    world.lake.write_rows(orders_key(account.account_id, str(until), "bat-1.jsonl.gz"), rows)


def write(world: World, kind: str = "churn") -> dict[str, Any]:
    event = json.loads(Path("events/train_examples.json").read_text())
    answer: dict[str, Any] = importlib.import_module("functions.train_examples.handler").handler(
        {**event, "kind": kind}, CONTEXT
    )
    return answer


def rows_of(world: World, channel: str, kind: str = "churn") -> list[dict[str, str]]:
    text = world.lake.read_bytes(f"training/{kind}/{RUN}/{channel}/demo-shop.csv").decode()
    return list(csv.DictReader(io.StringIO(text)))


def counted(world: World, kind: str = "churn") -> dict[str, int]:
    found: dict[str, int] = world.lake.read_json(f"training/{kind}/{RUN}/counts/demo-shop.json")
    return found


def test_churn_learns_from_cuts_before_the_test_and_from_nobodys_name(world: World, shop: Account) -> None:
    buy(world, shop, until=date(2026, 11, 21))
    assert write(world)["rows"] == sum(counted(world).values())
    train, test = rows_of(world, "train"), rows_of(world, "test")
    assert counted(world) == {"train": len(train), "test": len(test)}
    assert {row["cut"] for row in test} == {"2026-08-23"}
    assert max(row["cut"] for row in train) == "2026-05-24"
    assert not {"customer_id", "customer_key"} & train[0].keys()
    assert "person" not in world.lake.read_bytes(f"training/churn/{RUN}/train/demo-shop.csv").decode()


def test_a_store_that_stopped_sending_orders_does_not_teach_that_everybody_leaves(world: World, shop: Account) -> None:
    buy(world, shop, until=date(2026, 5, 1))
    write(world)
    assert {row["cut"] for row in rows_of(world, "test")} == {"2026-01-31"}
    assert "0" in {row["churned"] for row in rows_of(world, "test")}


def test_an_account_with_too_little_history_contributes_nothing(world: World, shop: Account) -> None:
    buy(world, shop, until=date(2026, 11, 21), days=100)
    assert write(world) == {"rows": 0}
    assert counted(world) == {"train": 0, "test": 0}
    listed = boto3.client("s3").list_objects_v2(Bucket="lake", Prefix=f"training/churn/{RUN}/train/")
    assert listed.get("KeyCount", 0) == 0


def test_without_decisions_there_is_nothing_to_learn_about_offers(world: World, shop: Account) -> None:
    buy(world, shop, until=date(2026, 11, 21))
    assert write(world, "offer") == {"rows": 0}


def test_send_times_are_learned_from_orders_before_the_last_four_weeks(world: World, shop: Account) -> None:
    buy(world, shop, until=date(2026, 11, 21))
    write(world, "send_time")
    train, test = rows_of(world, "train", "send_time"), rows_of(world, "test", "send_time")
    assert {row["kind"] for row in train} == {"ordered"}
    assert all(float(row["weeks_ago"]) >= 0 for row in train)
    assert all(float(row["weeks_ago"]) <= 0 for row in test)
    assert test
