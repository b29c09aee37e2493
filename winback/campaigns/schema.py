"""The published JSON Schema of a definition: docs/campaign.schema.json is what `winback campaign schema` prints."""

import json
from typing import Any

from winback.campaigns.definition import CampaignDefinition

_TIME_OF_DAY = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


def campaign_schema() -> dict[str, Any]:
    """JSON Schema 2020-12. What must fit together across fields (order in time, names, offers) is checked beyond it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Campaign definition",
        "description": "Whom a campaign addresses, with which steps, offers and tests, within which bounds.",
        **_with_times_of_day(
            {
                name: value
                for name, value in CampaignDefinition.model_json_schema().items()
                if name not in ("title", "description")
            }
        ),
    }


def _with_times_of_day(value: Any) -> Any:
    """Pydantic describes every time as RFC 3339's, with seconds and offset."""
    if isinstance(value, list):
        return [_with_times_of_day(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("format") == "time":
        value = {name: part for name, part in value.items() if name != "format"} | {"pattern": _TIME_OF_DAY}
    return {name: _with_times_of_day(item) for name, item in value.items()}


def campaign_schema_text() -> str:
    return json.dumps(campaign_schema(), indent=1, ensure_ascii=False) + "\n"
