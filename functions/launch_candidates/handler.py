"""First state of the prepare workflow: the snapshot's customers of the launch's audience, as chunks and a manifest."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.candidates import CHUNK_ROWS, candidate_chunks
from winback.aws.environment import read_settings
from winback.aws.lake import Lake, snapshot_prefix
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchStore
from winback.aws.selections import fetch_touches
from winback.aws.tables import table
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
    launch = LaunchStore(table(settings().campaigns_table)).get(account_id, launch_id)
    files = LaunchFiles(lake, launch)
    lines = []
    with TemporaryDirectory() as folder:
        source = f"{snapshot_prefix(account_id, launch.snapshot_id)}customers.parquet"
        snapshot = lake.download(source, Path(folder) / "customers.parquet")
        found = candidate_chunks(
            snapshot,
            launch.definition.audience,
            CHUNK_ROWS,
            frozen=launch.slice,
            touches=_touches(launch, lake, Path(folder)),
        )
        for chunk, rows in enumerate(found):
            key = files.candidates_key(chunk)
            lake.write_rows(key, rows)
            lines.append(
                {
                    "account_id": account_id,
                    "launch_id": launch_id,
                    "chunk": chunk,
                    "key": key,
                    "rows": len(rows),
                    "first": rows[0]["customer_key"],
                    "last": rows[-1]["customer_key"],
                }
            )
    lake.write_rows(files.manifest_key, lines)
    logger.info("candidates found", extra={"launch_id": launch_id, "chunks": len(lines)})
    return {
        "account_id": account_id,
        "launch_id": launch_id,
        "manifest": files.manifest_key,
        "chunks": len(lines),
        "steps": [planned.step for planned in launch.steps],
    }


def _touches(launch: Launch, lake: Lake, folder: Path) -> Path | None:
    """A file of the touches that the launch's slice asks for; None when it asks for none."""
    if launch.slice is None or (since := launch.slice.touches_since) is None:
        return None
    as_of = parse_instant(launch.slice.as_of)
    return fetch_touches(lake, launch.account_id, since, as_of, folder / "touches.parquet")
