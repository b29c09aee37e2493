"""First state of the refresh workflow: which accounts, as of when, under which snapshot ids. Asked again at its end:
how many of them failed."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.account_lists import count_failed, write_list
from winback.aws.clock import clock_of
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.snapshots import SnapshotStore
from winback.aws.tables import Accounts, table
from winback.identifiers import AccountId, SnapshotId, new_id
from winback.instants import format_instant, parse_instant

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
    """Without `account_id` every account is refreshed; a `snapshot_id` that the caller chose is kept.

    Raises UnknownAccount, and ValueError for an `as_of` that is not an instant.
    """
    campaigns, lake = table(settings().campaigns_table), Lake(settings().lake_bucket)
    if "ended" in event:
        return _ended(SnapshotStore(campaigns), lake.read_rows(event["ended"]))
    accounts = Accounts(campaigns)
    as_of = parse_instant(event["as_of"]) if event.get("as_of") else clock_of(campaigns).now(event)
    if event.get("account_id"):
        chosen = accounts.get(AccountId(event["account_id"])).account_id
        plan = [(chosen, str(event.get("snapshot_id") or new_id("snp")))]
    else:
        plan = [(account_id, new_id("snp")) for account_id in accounts.ids()]
    logger.info("refresh starts", extra={"accounts": len(plan), "as_of": format_instant(as_of)})
    lines = (
        {"account_id": account_id, "snapshot_id": snapshot_id, "as_of": format_instant(as_of)}
        for account_id, snapshot_id in plan
    )
    return write_list(lake, "refresh", new_id("lst"), lines)


def _ended(snapshots: SnapshotStore, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Failed is whatever account has no published snapshot, however its execution ended."""
    failed = snapshots.unpublished((AccountId(line["account_id"]), SnapshotId(line["snapshot_id"])) for line in lines)
    return count_failed(logger, "refresh", of=len(lines), failed=failed)
