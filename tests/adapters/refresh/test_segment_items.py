from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from moto import mock_aws

from local.tables import new_table
from winback.aws import segment_items
from winback.aws.segment_items import SegmentItems
from winback.aws.snapshots import Snapshot, SnapshotState
from winback.aws.tables import Throttled
from winback.identifiers import AccountId, SnapshotId
from winback.segmentation.state import SegmentState

ACME = AccountId("acme")
SNAPSHOT = Snapshot(
    snapshot_id=SnapshotId("snp-000000000001"),
    as_of="2026-01-01T00:00:00Z",
    state=SnapshotState.PUBLISHED,
    prefix="snapshots/account=acme/snp-000000000001/",
)
STATE = SegmentState(
    customer_key="k0",
    segment="Slipping VIPs",
    family="Slipping",
    value_tier="Elite",
    status="At Risk",
    lapsed=True,
    churn_probability=0.4321,
    score_source="endpoint",
    churn_reasons=[{"feature": "silence_ratio", "effect": 0.412}],
    premium_tier="none",
    discount_tier="occasional",
    breadth_tier="wide",
    engagement_tier="n/a",
    behaviour="Regular Frequency Buyer",
    net_minor=-241_000,
    purchase_orders=9,
    last_purchase_at=datetime(2025, 6, 12, 9, 30),
    median_gap_days=41,
    lapse_days=96,
    seasonal=False,
    season_month=None,
    predicted_value_minor=12_300,
    value_source="model",
)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield new_table("customers")


def item(table: Any, customer: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = table.get_item(Key={"pk": f"acme#{customer}", "sk": "segment"}).get("Item")
    return found


def test_an_item_says_the_place_and_what_explains_it_and_leaves_out_what_is_unknown(table: Any) -> None:
    SegmentItems("customers").write(ACME, SNAPSHOT, [STATE], [])
    assert item(table, "k0") == {
        "pk": "acme#k0",
        "sk": "segment",
        "snapshot_id": "snp-000000000001",
        "as_of": "2026-01-01T00:00:00Z",
        "segment": "Slipping VIPs",
        "family": "Slipping",
        "value_tier": "Elite",
        "status": "At Risk",
        "lapsed": True,
        "churn_probability": Decimal("0.4321"),
        "score_source": "endpoint",
        "churn_reasons": [{"feature": "silence_ratio", "effect": Decimal("0.412")}],
        "premium_tier": "none",
        "discount_tier": "occasional",
        "breadth_tier": "wide",
        "engagement_tier": "n/a",
        "behaviour": "Regular Frequency Buyer",
        "net_minor": -241_000,
        "purchase_orders": 9,
        "last_purchase_at": "2025-06-12T09:30:00Z",
        "median_gap_days": 41,
        "lapse_days": 96,
        "seasonal": False,
        "predicted_value_minor": 12_300,
        "value_source": "model",
    }


def test_more_than_a_batch_is_written_and_those_gone_are_deleted(table: Any) -> None:
    items = SegmentItems("customers")
    items.write(ACME, SNAPSHOT, [replace(STATE, customer_key=f"k{number}") for number in range(60)], [])
    items.write(ACME, SNAPSHOT, [], ["k0", "k59", "never-was"])
    table.reload()
    assert table.item_count == 58


def test_what_the_table_refuses_is_sent_again(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_items.time, "sleep", lambda seconds: None)
    busy = _Busy(refusals=3)
    SegmentItems("customers", busy).write(ACME, SNAPSHOT, [STATE], [])
    assert busy.calls == 4
    with pytest.raises(Throttled, match="1 items still unwritten"):
        SegmentItems("customers", _Busy(refusals=99)).write(ACME, SNAPSHOT, [STATE], [])


class _Busy:
    """Refuses everything so many times."""

    def __init__(self, refusals: int) -> None:
        self.calls, self._refusals = 0, refusals

    def batch_write_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        return {"UnprocessedItems": RequestItems if self.calls <= self._refusals else {}}
