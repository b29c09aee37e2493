"""First state of the prepare workflow: the snapshot's customers of the launch's audience, as chunks and a manifest."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.candidates import CHUNK_ROWS, candidate_chunks, reachable_customers, write_candidates
from winback.aws.environment import read_settings
from winback.aws.holdout_sizes import read_standing, size_holdout
from winback.aws.lake import Lake, snapshot_prefix
from winback.aws.launch_files import manifest_key
from winback.aws.launches import LaunchStore
from winback.aws.lifts import LiftStore
from winback.aws.selections import fetch_touches
from winback.aws.tables import Accounts, table
from winback.campaigns.launch import Launch
from winback.identifiers import AccountId, LaunchId
from winback.instants import parse_instant

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    lake_bucket: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """A snapshot never changes and the order is fixed, so a repeated attempt writes the same bytes."""
    account_id, launch_id = AccountId(event["account_id"]), LaunchId(event["launch_id"])
    lake = Lake(settings().lake_bucket)
    campaigns = table(settings().campaigns_table)
    launch = LaunchStore(campaigns).get(account_id, launch_id)
    with TemporaryDirectory() as folder:
        source = f"{snapshot_prefix(account_id, launch.snapshot_id)}customers.parquet"
        snapshot = lake.download(source, Path(folder) / "customers.parquet")
        touches = _touches(launch, lake, Path(folder))
        launch = _sized(campaigns, lake, launch, snapshot, touches)
        found = candidate_chunks(snapshot, launch.definition.audience, CHUNK_ROWS, frozen=launch.slice, touches=touches)
        lines = write_candidates(lake, launch, found)
    logger.info("candidates found", extra={"launch_id": launch_id, "chunks": len(lines)})
    return {
        "account_id": account_id,
        "launch_id": launch_id,
        "manifest": manifest_key(launch),
        "chunks": len(lines),
        "steps": [planned.step for planned in launch.steps],
        "offers": len(launch.offers),
    }


def _sized(campaigns: Any, lake: Lake, launch: Launch, snapshot: Path, touches: Path | None) -> Launch:
    """With as large a holdout as the audience needs."""
    definition = launch.definition
    reachable = reachable_customers(
        snapshot,
        definition.audience,
        definition.used_channels,
        definition.holdout.exclude_tiers,
        frozen=launch.slice,
        touches=touches,
    )
    standing = read_standing(lake, LiftStore(campaigns), launch)
    return size_holdout(LaunchStore(campaigns), launch, Accounts(campaigns).get(launch.account_id), reachable, standing)


def _touches(launch: Launch, lake: Lake, folder: Path) -> Path | None:
    """A file of the touches that the launch's slice asks for; None when it asks for none."""
    if launch.slice is None or (since := launch.slice.touches_since) is None:
        return None
    as_of = parse_instant(launch.slice.as_of)
    return fetch_touches(lake, launch.account_id, since, as_of, folder / "touches.parquet")
