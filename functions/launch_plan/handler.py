"""One chunk of one step: the gate's verdict for each enrolled customer, written once; live, also its due entry."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.contacts import contact_name
from winback.aws.due import DueEntry, DueIndex
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchStore
from winback.aws.recipients import RecipientStore
from winback.aws.tables import Accounts, table
from winback.campaigns.launch import Launch
from winback.campaigns.planning import ALLOW, plan_step
from winback.delivery.contacts import Contact
from winback.identifiers import AccountId, CustomerKey, LaunchId
from winback.instants import parse_instant

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str
    lake_bucket: str


@dataclass(frozen=True)
class Parts:
    accounts: Accounts
    launches: LaunchStore
    recipients: RecipientStore
    due: DueIndex
    lake: Lake


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    return Parts(
        accounts=Accounts(campaigns),
        launches=LaunchStore(campaigns),
        recipients=RecipientStore(table(settings.customers_table), table(settings.performance_table)),
        due=DueIndex(campaigns),
        lake=Lake(settings.lake_bucket),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """Chunk first, entry second: an attempt that dies in between is repeated, keeps the chunk and adds the entry."""
    account = parts().accounts.get(AccountId(event["account_id"]))
    launch = parts().launches.get(account.account_id, LaunchId(event["launch_id"]))
    step, chunk, mode = int(event["step"]), int(event["chunk"]), event["mode"]
    files = LaunchFiles(parts().lake, launch)
    members = [row for row in parts().lake.read_rows(files.audience_key(chunk)) if row["eligible"]]
    recipients = parts().recipients.load(
        account,
        [CustomerKey(row["customer_key"]) for row in members],
        launch.definition.channels[0],
        exclude_send=(launch.launch_id, step),
    )
    planned = plan_step(
        launch,
        step,
        members,
        {customer: recipient.facts for customer, recipient in recipients.items()},
        account=account,
        contacts_before=_own_contacts(files, launch, step, chunk) if mode == "dry_run" else None,
    )
    key = files.plan_key(mode, step, chunk)
    kept = files.keep_first(key, planned)
    if mode == "live" and any(row["verdict"] == ALLOW for row in kept):
        parts().due.put(
            DueEntry(
                channel=launch.definition.channels[0],
                account_id=account.account_id,
                launch_id=launch.launch_id,
                step=step,
                chunk=chunk,
                key=key,
                from_row=0,
                to_row=len(kept),
                send_at=launch.planned_at(step),
            )
        )
    return {"chunk": chunk}


def _own_contacts(files: LaunchFiles, launch: Launch, step: int, chunk: int) -> dict[CustomerKey, list[Contact]]:
    """What the launch's earlier steps will have sent by then: in a dry run nothing of it is booked."""
    contacts: dict[CustomerKey, list[Contact]] = defaultdict(list)
    for earlier in range(1, step):
        for row in parts().lake.read_rows(files.plan_key("dry_run", earlier, chunk)):
            if row["verdict"] == ALLOW:
                name = contact_name(launch.launch_id, earlier)
                contacts[row["customer_key"]].append(
                    Contact(parse_instant(row["send_at"]), launch.definition.channels[0], name)
                )
    return contacts
