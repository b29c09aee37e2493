"""Last state of the prepare workflow: adds the chunks up to the dry run, or records what failed."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.clock import Clock, clock_of
from winback.aws.environment import read_settings
from winback.aws.lake import Lake, Row
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchStore
from winback.aws.tables import Accounts, table
from winback.campaigns.dry_run import AudienceTally, StepTally, dry_run
from winback.campaigns.launch import Launch, LaunchState
from winback.campaigns.messages import SAMPLES_PER_STEP, sample_messages
from winback.campaigns.planning import ALLOW
from winback.identifiers import AccountId, CustomerKey, LaunchId

logger = Logger()
READERS = 8  # chunks read and held at a time; their order stays


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    lake_bucket: str


@dataclass(frozen=True)
class Parts:
    accounts: Accounts
    launches: LaunchStore
    clock: Clock
    lake: Lake


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    return Parts(Accounts(campaigns), LaunchStore(campaigns), clock_of(campaigns), Lake(settings.lake_bucket))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    launch = parts().launches.get(AccountId(event["account_id"]), LaunchId(event["launch_id"]))
    if launch.state is LaunchState.DRAFT:
        launch = _failed(launch, event["error"]) if "error" in event else _summarised(launch)
    logger.info("prepared", extra={"launch_id": launch.launch_id, "state": launch.state})
    return {"launch_id": launch.launch_id, "state": launch.state}


def _failed(launch: Launch, error: dict[str, str]) -> Launch:
    return parts().launches.save(launch.failed(error["step"], error["code"], parts().clock.now()))


def _summarised(launch: Launch) -> Launch:
    """A repeated attempt writes the same file and fingerprint."""
    files = LaunchFiles(parts().lake, launch)
    chunks = [line["chunk"] for line in files.manifest()]
    audience = AudienceTally()
    for rows in _read([files.audience_key(chunk) for chunk in chunks]):
        audience.add(rows)
    tallies, samples = [], []
    for planned in launch.steps:
        tally, shown = StepTally(planned.step), list[CustomerKey]()
        for rows in _read([files.plan_key("dry_run", planned.step, chunk) for chunk in chunks]):
            tally.add(rows)
            allowed = (row["customer_key"] for row in rows if row["verdict"] == ALLOW)
            shown += [customer for customer, _ in zip(allowed, range(SAMPLES_PER_STEP - len(shown)), strict=False)]
        tallies.append(tally)
        step = launch.definition.touch(planned.step).step
        samples += sample_messages(step, planned.step, parts().accounts.get(launch.account_id), shown)
    result = dry_run(launch, audience, tallies, samples)
    parts().lake.write_json(files.dry_run_key, result)
    return parts().launches.save(launch.summarised(result["fingerprint"], len(chunks)))


def _read(keys: Sequence[str]) -> Iterator[list[Row]]:
    with ThreadPoolExecutor(READERS) as readers:
        for start in range(0, len(keys), READERS):
            yield from readers.map(parts().lake.read_rows, keys[start : start + READERS])
