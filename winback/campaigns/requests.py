"""Bodies of the campaign API's requests, and what it answers of a campaign or launch."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Instant, Launch
from winback.identifiers import CampaignId
from winback.instants import format_instant


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class NewLaunch(_Body):
    starts_at: Instant
    snapshot_id: str | None = Field(default=None, pattern=r"^snp-[0-9a-f]{12}$")


class Approval(_Body):
    approved_by: str = Field(min_length=1, max_length=200, description="who answers for it")
    dry_run_fingerprint: str = Field(pattern=r"^[0-9a-f]{16}$", description="of the dry run that was read")


class CampaignsQuery(_Body):
    limit: int = Field(default=50, ge=1, le=100)
    cursor: CampaignId | None = Field(default=None, pattern=r"^cmp-[0-9a-f]{12}$", description="of the page before")


class NoBody(_Body):
    """Pause, resume, start and cancel take nothing."""


def outline(definition: CampaignDefinition) -> dict[str, Any]:
    """The definition as a list shows it: of a message of the campaign's own, name and subject only."""
    shown: dict[str, Any] = _outlined(definition.model_dump(mode="json", exclude_none=True))
    return shown


def _outlined(value: Any) -> Any:
    if isinstance(value, list):
        return [_outlined(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: {part: inner[part] for part in ("name", "subject") if part in inner}
        if name == "template" and isinstance(inner, dict)
        else _outlined(inner)
        for name, inner in value.items()
    }


def describe(launch: Launch) -> dict[str, Any]:
    """The launch without its definition, which its campaign shows; instants as text, absent ones left out."""
    shown = launch.model_dump(
        mode="json",
        exclude_none=True,
        exclude={"account_id", "definition", "prefix", "dry_run", "chunks", "moves_done", "continuation", "judged"},
    )
    return {**shown, "evaluation_ends_at": format_instant(launch.evaluation_ends_at)}


def without_pages(dry_run: dict[str, Any]) -> dict[str, Any]:
    """The dry run as an answer shows it: its definition and the samples' HTML stay in the file."""
    samples = [{name: value for name, value in sample.items() if name != "html"} for sample in dry_run["samples"]]
    return {**{name: value for name, value in dry_run.items() if name != "definition"}, "samples": samples}
