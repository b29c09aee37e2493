"""One chunk of candidates -> audience: eligibility, then holdout and variant. Written once."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchStore
from winback.aws.recipients import RecipientStore
from winback.aws.tables import Accounts, table
from winback.campaigns.planning import enrol
from winback.identifiers import AccountId, CustomerKey, LaunchId

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    lake_bucket: str


@dataclass(frozen=True)
class Parts:
    accounts: Accounts
    launches: LaunchStore
    recipients: RecipientStore
    lake: Lake


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    return Parts(
        accounts=Accounts(campaigns),
        launches=LaunchStore(campaigns),
        recipients=RecipientStore(table(settings.customers_table)),
        lake=Lake(settings.lake_bucket),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    account = parts().accounts.get(AccountId(event["account_id"]))
    launch = parts().launches.get(account.account_id, LaunchId(event["launch_id"]))
    candidates = parts().lake.read_rows(event["key"])
    recipients = parts().recipients.load(
        account,
        [CustomerKey(row["customer_key"]) for row in candidates],
        launch.definition.channel,
        with_contacts=False,
    )
    facts = {customer: recipient.facts for customer, recipient in recipients.items()}
    files = LaunchFiles(parts().lake, launch)
    files.keep_first(files.audience_key(event["chunk"]), enrol(launch, candidates, facts))
    return {"chunk": event["chunk"]}
