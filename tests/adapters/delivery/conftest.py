"""The three tables, empty, and one account."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import pytest
from botocore.client import BaseClient
from moto import mock_aws

from local.tables import new_table
from winback.accounts import (
    Account,
    ChannelCaps,
    FrequencyCap,
    FrequencyCaps,
    QuietHours,
    Sender,
    SendWindow,
)
from winback.aws import keys
from winback.aws.tables import table
from winback.identifiers import AccountId, CustomerKey
from winback.instants import format_instant

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Tables:
    campaigns: Any
    customers: Any
    performance: Any

    def add_customer(self, account: Account, customer: CustomerKey, **profile: Any) -> None:
        consent = {"email": {"state": "granted", "at": format_instant(NOW), "source": "import"}}
        self.customers.put_item(Item={**keys.profile(account.account_id, customer), "consent": consent, **profile})


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tables]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    _one_call_at_a_time(monkeypatch)
    with mock_aws():
        for name in ("campaigns", "customers", "performance"):
            new_table(name)
        yield Tables(table("campaigns"), table("customers"), table("performance"))


def _one_call_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB checks a condition and writes in one go, the mock does not: threads interleave between calls only."""
    lock, call = threading.Lock(), BaseClient._make_api_call

    def locked(*arguments: Any) -> Any:
        with lock:
            return call(*arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", locked)


@pytest.fixture
def account() -> Account:
    return Account(
        account_id=AccountId("fjord"),
        name="Fjord Records",
        currency="EUR",
        key_salt="0" * 32,
        sender=Sender(name="Fjord Records", email="hello@mail.example.com", postal_address="1 Harbour Street, Bergen"),
        public_url="https://mail.example.com",
        frequency_caps=FrequencyCaps(
            channels=ChannelCaps(email=FrequencyCap(sends=2, days=7)), overall=FrequencyCap(sends=3, days=7)
        ),
        quiet_hours=QuietHours(start=time(0), end=time(0)),
        unknown_zone=SendWindow(from_=time(0), until=time(0)),
    )
