"""The published JSON Schema of a definition: docs/campaign.schema.json is what `winback campaign schema` prints."""

import json
from typing import Any

from winback.campaigns.definition import CampaignDefinition


def campaign_schema() -> dict[str, Any]:
    """JSON Schema 2020-12. What must fit together across fields (order in time, names, offers) is checked beyond it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Campaign definition",
        "description": "Whom a campaign addresses, with which steps, offers and tests, within which bounds.",
        **{
            name: value
            for name, value in CampaignDefinition.model_json_schema().items()
            if name not in ("title", "description")
        },
    }


def campaign_schema_text() -> str:
    return json.dumps(campaign_schema(), indent=1, ensure_ascii=False) + "\n"
