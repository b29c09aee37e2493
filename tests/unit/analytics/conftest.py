"""A small launch made of a few lines: audience, plan, ledger and orders, measured over files as in the cloud."""

import gzip
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from winback.analytics.database import Sources
from winback.analytics.fates import fate
from winback.analytics.measurement import measure
from winback.analytics.report import LaunchReport
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch, LaunchState
from winback.identifiers import AccountId, CampaignId, CustomerKey, LaunchId, SendId, SnapshotId
from winback.instants import format_instant

START = datetime(1997, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def a_launch(state: LaunchState = LaunchState.RUNNING, holdout: float = 0.2, attribution_days: int = 14) -> Launch:
    definition = CampaignDefinition.model_validate(
        {
            "name": "Slipping, autumn",
            "audience": {"families": ["Slipping"]},
            "steps": [{"template": "we-miss-you", "after_days": 0}, {"template": "last-call", "after_days": 7}],
            "holdout": {"share": holdout},
            "evaluation_days": 91,
            "attribution_days": attribution_days,
        }
    )
    return Launch(
        account_id=AccountId("cdnow"),
        launch_id=LaunchId("lau-0123456789ab"),
        campaign_id=CampaignId("cmp-0123456789ab"),
        definition=definition,
        snapshot_id=SnapshotId("snp-0123456789ab"),
        state=state,
        starts_at=START,
        evaluation_ends_at=START + 91 * DAY,
        prefix="launches/account=cdnow/lau-0123456789ab/",
        steps=[{"step": 1, "planned_at": START}, {"step": 2, "planned_at": START + 7 * DAY}],
        created_at=START,
    )


@dataclass
class Story:
    """Collects what happened, then measures it."""

    folder: Path
    launch: Launch = field(default_factory=a_launch)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    audience: list[dict[str, Any]] = field(default_factory=list)
    fates: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    paths: list[dict[str, Any]] = field(default_factory=list)
    offers: list[dict[str, Any]] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def customer(
        self,
        arm: str | None = "treatment",
        *,
        segment: str = "Slipping Regulars",
        lapsed: bool = True,
        reasons: tuple[str, ...] = (),
        measured: bool = True,
        variants: dict[str, str] | None = None,
    ) -> str:
        key = f"{next(self.numbers):032x}"
        self.audience.append(
            {
                "customer_key": key,
                "segment": segment,
                "family": "Slipping",
                "value_tier": "Mass",
                "status": "At Risk",
                "lapsed": lapsed,
                "eligible": arm is not None,
                "reasons": list(reasons),
                "arm": arm,
                "measured": measured and arm is not None,
                "variants": variants or {},
            }
        )
        return key

    def planned(
        self,
        key: str,
        row: dict[str, Any] | None = None,
        *,
        step: int = 1,
        reasons: tuple[str, ...] = (),
        channel: str = "email",
    ) -> None:
        """A plan row and, unless None, its ledger row; reasons deny it."""
        arm = next(member["arm"] for member in self.audience if member["customer_key"] == key)
        send_id = SendId(self.launch.account_id, self.launch.launch_id, step, CustomerKey(key))
        plan = {
            "customer_key": key,
            "send_id": str(send_id),
            "arm": arm,
            "variants": {},
            "channel": None if reasons else channel,
            "send_at": format_instant(START),
            "verdict": "deny" if reasons else "allow",
            "reasons": list(reasons),
        }
        self.fates.append(fate(plan, row, self.launch.state))

    def plan_the_rest(self) -> None:
        """Every assigned customer in every step that has no plan row for them yet."""
        planned = {(row["customer_key"], row["step"]) for row in self.fates}
        for member in self.audience:
            for step in (1, 2):
                if member["arm"] and (member["customer_key"], step) not in planned:
                    held_out = member["arm"] == "holdout"
                    self.planned(member["customer_key"], step=step, reasons=("held_out",) if held_out else ())

    def order(
        self,
        key: str,
        day: float,
        amount: int = 1000,
        *,
        order_id: str | None = None,
        currency: str = "USD",
        version: int = 0,
        codes: list[str] | None = None,
        discount: int | None = 0,
    ) -> str:
        order_id = order_id or f"o{next(self.numbers)}"
        self.orders.append(
            {
                "order_id": order_id,
                "customer_id": "personal",
                "customer_key": key,
                "ordered_at": format_instant(START + day * DAY),
                "amount_minor": amount,
                "currency": currency,
                "discount_minor": discount,
                "discount_codes": codes,
                "lines": [],
                "fingerprint": f"f{version}",
                "received_at": format_instant(START + 100 * DAY + version * DAY),
            }
        )
        return order_id

    def measured(self, computed_at: datetime | None = None, **more: Any) -> LaunchReport:
        sources = Sources(
            audience=[self._written("audience", self.audience)],
            fates=[self._written("fates", self.fates)],
            orders=[self._written("orders", self.orders)],
            paths=[self._written("paths", self.paths)],
            offers=[self._written("offers", self.offers)],
        )
        until = computed_at or self.launch.evaluation_ends_at
        return measure(self.launch, sources, currency="USD", zone=self.zone, computed_at=until, **more)

    def _written(self, name: str, rows: list[dict[str, Any]]) -> Path:
        path = self.folder / f"{name}.jsonl.gz"
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
        return path


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


@pytest.fixture
def new_story(tmp_path: Path) -> Callable[..., Story]:
    """For properties: a fresh story for each example; `new_story(state=..., holdout=...)`."""
    return lambda **launch: Story(tmp_path, a_launch(**launch))


@pytest.fixture
def at() -> Callable[[float], str]:
    """The text of an instant so many days after assignment, as a ledger row holds it."""
    return lambda day: format_instant(START + day * DAY)
