"""Enrolment of a launch's candidates, chunk by chunk, over the tables and the lake."""

from dataclasses import dataclass

from winback.aws.lake import Lake, Row
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchStore
from winback.aws.recipients import RecipientStore
from winback.aws.tables import Accounts
from winback.campaigns.enrolment import enrol
from winback.identifiers import AccountId, CustomerKey, LaunchId


@dataclass(frozen=True)
class Enroller:
    accounts: Accounts
    launches: LaunchStore
    recipients: RecipientStore
    lake: Lake

    def enrol(self, account_id: AccountId, launch_id: LaunchId, chunk: int) -> list[Row]:
        """The chunk's audience rows. The first attempt to write them wins: later ones give what it wrote."""
        account = self.accounts.get(account_id)
        launch = self.launches.get(account_id, launch_id)
        files = LaunchFiles(self.lake, launch)
        candidates = self.lake.read_rows(files.candidates_key(chunk))
        customers = [CustomerKey(row["customer_key"]) for row in candidates]
        loaded = [
            self.recipients.load(account, customers, channel, with_contacts=False)
            for channel in launch.definition.used_channels
        ]
        facts = {customer: [known[customer].facts for known in loaded] for customer in customers}
        return files.keep_first(files.audience_key(chunk), enrol(launch, candidates, facts, account.global_holdout))
