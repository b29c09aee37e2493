from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch
from winback.identifiers import AccountId, CampaignId, LaunchId, SnapshotId

DEFINITION = {
    "name": "Come back",
    "audience": {"families": ["Slipping"]},
    "steps": [
        {"template": "we-miss-you", "after_days": 0},
        {"template": "still-thinking", "after_days": 7, "send_at": "09:30"},
    ],
}


@pytest.fixture
def definition() -> Callable[..., CampaignDefinition]:
    def build(**changes: Any) -> CampaignDefinition:
        return CampaignDefinition.model_validate({**DEFINITION, **changes})

    return build


@pytest.fixture
def launch(definition: Callable[..., CampaignDefinition]) -> Launch:
    return Launch.prepare(
        AccountId("acme"),
        LaunchId("lau-000000000001"),
        CampaignId("cmp-000000000001"),
        definition(),
        SnapshotId("snp-000000000001"),
        prefix="launches/account=acme/lau-000000000001/",
        starts_at=datetime(2026, 3, 27, 8, tzinfo=UTC),
        now=datetime(2026, 3, 26, 8, tzinfo=UTC),
        zone=ZoneInfo("Europe/Berlin"),
    )
