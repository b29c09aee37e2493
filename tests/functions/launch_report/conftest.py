"""The tables, the lake and one small launch of two steps, in moto."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws

from local.invocation import Invocation
from local.tables import new_table
from winback.accounts import Account
from winback.aws import keys
from winback.aws.clock import TableClock
from winback.aws.lake import Lake, orders_key
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchStore
from winback.aws.tables import Accounts
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch, LaunchState
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId
from winback.instants import format_instant
from winback.offers.offer import Offer
from winback.orders import Order, ReceivedOrder

EVENT = json.loads(Path("events/launch_report.json").read_text())
START = datetime(1997, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ACCOUNT, LAUNCH = AccountId(EVENT["account_id"]), LaunchId(EVENT["launch_id"])


def at(day: float) -> str:
    return format_instant(START + day * DAY)


class World:
    """What the function finds in AWS, and a way to call it."""

    def __init__(self) -> None:
        self.campaigns, self.performance = new_table("campaigns"), new_table("performance")
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket="lake")
        self.lake = Lake("lake")
        self.launches = LaunchStore(self.campaigns)
        Accounts(self.campaigns).put(
            Account.model_validate(
                {
                    "account_id": ACCOUNT,
                    "name": "CDNOW",
                    "currency": "USD",
                    "key_salt": "0" * 32,
                    "sender": {"name": "CDNOW", "email": "hello@example.com", "postal_address": "1 Main Street"},
                    "public_url": "https://example.com",
                }
            )
        )

    def has_launch(
        self, state: LaunchState = LaunchState.RUNNING, chunks: int = 2, offer: Offer | None = None
    ) -> Launch:
        offers = {"offers": [offer.offer_id], "budget_minor": 100_000} if offer else None
        definition = CampaignDefinition.model_validate(
            {
                "name": "Slipping, autumn",
                "audience": {"families": ["Slipping"]},
                "steps": [
                    {"template": "we-miss-you", "after_days": 0, "offer": offer is not None},
                    {"template": "last-call", "after_days": 7},
                ],
                "offers": offers,
            }
        )
        launch = Launch(
            account_id=ACCOUNT,
            launch_id=LAUNCH,
            campaign_id="cmp-0123456789ab",
            definition=definition,
            snapshot_id="snp-0123456789ab",
            state=state,
            starts_at=START,
            evaluation_ends_at=START + 91 * DAY,
            prefix=f"launches/account={ACCOUNT}/{LAUNCH}/",
            steps=[{"step": 1, "planned_at": START}, {"step": 2, "planned_at": START + 7 * DAY}],
            created_at=START,
            chunks=chunks,
            offers=(offer,) if offer else (),
            approved_at=START,
        )
        self.launches.create(launch)
        files = LaunchFiles(self.lake, launch)
        self.lake.write_rows(files.manifest_key, [{"chunk": chunk} for chunk in range(chunks)])
        return launch

    def has_run(self, customers: int = 100, offer: Offer | None = None) -> None:
        """Two chunks of customers: every fifth is held out, every tenth buys, and so does held-out number 5.

        With an offer each treated customer gets its code, such as BACK-7.
        """
        launch = self.has_launch(offer=offer)
        files = LaunchFiles(self.lake, launch)
        per_chunk = customers // 2
        for chunk in range(2):
            numbers = range(chunk * per_chunk, (chunk + 1) * per_chunk)
            arms = {f"{n:032x}": "treatment" if n % 5 else "holdout" for n in numbers}
            self.lake.write_rows(files.audience_key(chunk), [_member(key, arm) for key, arm in arms.items()])
            for step in (1, 2):
                rows = [_planned(key, arm, step) for key, arm in arms.items()]
                self.lake.write_rows(files.plan_key("live", step, chunk), rows)
            for key, arm in arms.items():
                if arm == "treatment":
                    code = {"offer_id": offer.offer_id, "code": f"BACK-{int(key, 16)}"} if offer else {}
                    self.has_sent(key, 1, delivered_at=at(0), opened_at=at(1), accepted_at=at(0), **code)
        self._has_orders([(n, 3) for n in range(0, customers, 10)], [(5, 4)])

    def has_sent(self, key: str, step: int, state: str = "accepted", **events: str) -> None:
        send = SendId(ACCOUNT, LAUNCH, step, CustomerKey(key))
        self.performance.put_item(Item={**keys.send(send), "state": state, **events})

    def has_order(self, number: int, day: float, **more: Any) -> None:
        """One through the API, of a store that says which codes it was paid with."""
        order = Order.of(
            ReceivedOrder.model_validate(
                {"order_id": f"a{number}", "customer_id": "personal", "ordered_at": at(day), "amount": "12.50", **more}
            ),
            default_currency="USD",
            now=START + 91 * DAY,
        )
        row = order.row(CustomerKey(f"{number:032x}"), START + 91 * DAY)
        self.lake.write_rows(orders_key(ACCOUNT, "1997-10-06", f"bat-{number:012d}.jsonl.gz"), [row])

    def report(self, now: datetime = START + 91 * DAY) -> dict[str, Any]:
        from functions.launch_report.handler import handler

        TableClock(self.campaigns).set(now)
        context = Invocation(memory_limit_in_mb=1)
        return handler(EVENT, context)

    def written(self) -> dict[str, Any]:
        return self.lake.read_json(f"launches/account={ACCOUNT}/{LAUNCH}/report.json")

    def _has_orders(self, imported: list[tuple[int, int]], received: list[tuple[int, int]]) -> None:
        """Some from a file (Parquet), some from the API (JSON Lines)."""
        path = Path(self._scratch) / "imp-000000000001.parquet"
        values = ", ".join(
            f"('o{n}', 'personal', '{n:032x}', TIMESTAMP '{at(day)[:-1]}', 1250::BIGINT, 'USD', 0::BIGINT, [], 'f', "
            f"TIMESTAMP '{at(day)[:-1]}')"
            for n, day in imported
        )
        duckdb.sql(
            f"COPY (SELECT * FROM (VALUES {values}) AS t(order_id, customer_id, customer_key, ordered_at, "
            f"amount_minor, currency, discount_minor, lines, fingerprint, received_at)) TO '{path}' (FORMAT parquet)"
        )
        self.lake.upload(path, orders_key(ACCOUNT, "1997-10-04", path.name))
        self.lake.write_rows(
            orders_key(ACCOUNT, "1997-10-05", "bat-000000000001.jsonl.gz"),
            [
                {
                    "order_id": f"r{n}",
                    "customer_id": "personal",
                    "customer_key": f"{n:032x}",
                    "ordered_at": at(day),
                    "amount_minor": 900,
                    "currency": "USD",
                    "discount_minor": 0,
                    "lines": [],
                    "fingerprint": "f",
                    "received_at": at(day),
                }
                for n, day in received
            ],
        )

    _scratch: str = ""


def _member(key: str, arm: str) -> dict[str, Any]:
    return {
        "customer_key": key,
        "segment": "Slipping Regulars",
        "family": "Slipping",
        "value_tier": "Mass",
        "status": "At Risk",
        "lapsed": True,
        "eligible": True,
        "reasons": [],
        "arm": arm,
        "variant": "a",
    }


def _planned(key: str, arm: str, step: int) -> dict[str, Any]:
    return {
        "customer_key": key,
        "send_id": str(SendId(ACCOUNT, LAUNCH, step, CustomerKey(key))),
        "arm": arm,
        "variant": "a",
        "send_at": at((step - 1) * 7),
        "verdict": "allow" if arm == "treatment" else "deny",
        "reasons": [] if arm == "treatment" else ["held_out"],
    }


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "CAMPAIGNS_TABLE": "campaigns",
        "PERFORMANCE_TABLE": "performance",
        "LAKE_BUCKET": "lake",
        "CLOCK_SOURCE": "table",
        "POWERTOOLS_SERVICE_NAME": "launch_report",
        "POWERTOOLS_METRICS_NAMESPACE": "Winback",
    }.items():
        monkeypatch.setenv(name, value)
    from functions.launch_report.handler import parts

    parts.cache_clear()
    with mock_aws():
        there = World()
        there._scratch = str(tmp_path)
        yield there
    parts.cache_clear()


@pytest.fixture
def days() -> Callable[[float], datetime]:
    return lambda number: START + number * DAY
