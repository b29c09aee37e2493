"""First state of the training workflow: which kinds of model to train, on which accounts, as of when."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.account_lists import write_list
from winback.aws.clock import SystemClock, clock_of
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.model_runs import Run, RunState, RunStore
from winback.aws.tables import Accounts, table
from winback.identifiers import repeatable_id
from winback.instants import format_instant, parse_instant
from winback.predictions.kinds import Kind

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
    """Without `kind` every kind; `as_of` is the data's time, by default now. A repeated attempt names the same runs.

    Raises ValueError for a kind or an instant that is none.
    """
    request, execution = event["request"], str(event["execution"]).rpartition(":")[2]
    campaigns = table(settings().campaigns_table)
    kinds = [Kind(request["kind"])] if request.get("kind") else list(Kind)
    as_of = parse_instant(request["as_of"]) if request.get("as_of") else clock_of(campaigns).now()
    store, lines = RunStore(campaigns), [{"account_id": account_id} for account_id in Accounts(campaigns).ids()]
    accounts = write_list(Lake(settings().lake_bucket), "train", execution, lines)
    runs = [
        store.begin(
            Run(
                run_id=repeatable_id("trn", execution, kind),
                kind=kind,
                state=RunState.TRAINING,
                started_at=format_instant(SystemClock().now()),
                as_of=format_instant(as_of),
                execution=execution,
            )
        )
        for kind in kinds
    ]
    logger.info("training starts", extra={"kinds": kinds, "accounts": len(lines), "as_of": format_instant(as_of)})
    return {
        "runs": [
            {"kind": run.kind, "run_id": run.run_id, "as_of": run.as_of, **accounts, "reverts": False} for run in runs
        ]
    }
