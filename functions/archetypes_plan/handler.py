"""First state of the archetypes workflow: which accounts to cluster, under which run ids. Asked again at its end:
how many of them failed."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.account_lists import count_failed, write_list
from winback.aws.archetype_runs import RunStore
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.tables import Accounts, table
from winback.identifiers import AccountId, new_id

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
    """Without `account_id` every account; a `run_id` that the caller chose is kept. Raises UnknownAccount."""
    campaigns, lake = table(settings().campaigns_table), Lake(settings().lake_bucket)
    if "ended" in event:
        return _ended(RunStore(campaigns), lake.read_rows(event["ended"]))
    accounts = Accounts(campaigns)
    if event.get("account_id"):
        chosen = accounts.get(AccountId(event["account_id"])).account_id
        plan = [(chosen, str(event.get("run_id") or new_id("arc")))]
    else:
        plan = [(account_id, new_id("arc")) for account_id in accounts.ids()]
    logger.info("archetypes start", extra={"accounts": len(plan)})
    lines = ({"account_id": account_id, "run_id": run_id} for account_id, run_id in plan)
    return write_list(lake, "archetypes", new_id("lst"), lines)


def _ended(runs: RunStore, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Failed is whatever run neither finished nor had nothing to do, however its execution ended."""
    failed = runs.undone((AccountId(line["account_id"]), str(line["run_id"])) for line in lines)
    return count_failed(logger, "archetypes", of=len(lines), failed=failed)
