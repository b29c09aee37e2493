"""First state of the archetypes workflow: which accounts to cluster, under which run ids."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.environment import read_settings
from winback.aws.tables import Accounts, table
from winback.identifiers import AccountId, new_id

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """Without `account_id` every account; a `run_id` that the caller chose is kept. Raises UnknownAccount."""
    accounts = Accounts(table(settings().campaigns_table))
    if event.get("account_id"):
        chosen = accounts.get(AccountId(event["account_id"])).account_id
        plan = [(chosen, str(event.get("run_id") or new_id("arc")))]
    else:
        plan = [(account_id, new_id("arc")) for account_id in accounts.ids()]
    logger.info("archetypes start", extra={"accounts": len(plan)})
    return {"accounts": [{"account_id": account_id, "run_id": run_id} for account_id, run_id in plan]}
