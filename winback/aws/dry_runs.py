"""Adds a launch's chunks up to its dry run, beside what the launch meets: quotas, history, offers, prices."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.aws.lake import Lake, Row, snapshot_prefix
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchStore
from winback.aws.lifts import LiftStore
from winback.aws.tables import Accounts
from winback.campaigns.dry_run import (
    AudienceTally,
    Rate,
    Standing,
    StepTally,
    Surroundings,
    TextPrices,
    dry_run,
    standing_of,
)
from winback.campaigns.dry_run.page import dry_run_page
from winback.campaigns.launch import Launch
from winback.campaigns.messages import SAMPLES_PER_STEP, sample_messages
from winback.campaigns.planning import ALLOW
from winback.delivery.warm_up import daily_limit
from winback.identifiers import AccountId, CustomerKey, LaunchId
from winback.segmentation.rubric import read_rubric
from winback.segmentation.rubric_file import default_settings

READERS = 8  # chunks read and held at a time; their order stays
PAGE_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True)
class DryRuns:
    """`ses` answers GetAccount as boto3's sesv2 client does; `rates` has what the stage knows of other channels."""

    accounts: Accounts
    launches: LaunchStore
    lifts: LiftStore
    lake: Lake
    ses: Any
    rates: Mapping[str, Rate]

    def summarise(self, account_id: AccountId, launch_id: LaunchId) -> Launch:
        """Writes dry_run.json and dry_run.html; the launch awaits approval. A repeated attempt writes the same files
        and fingerprint."""
        launch, account = self.launches.get(account_id, launch_id), self.accounts.get(account_id)
        files = LaunchFiles(self.lake, launch)
        chunks = [line["chunk"] for line in files.manifest()]
        audience = AudienceTally()
        for rows in self._read([files.audience_key(chunk) for chunk in chunks]):
            audience.add(rows)
        tallies, samples = [], []
        for planned in launch.steps:
            tally, shown = StepTally(planned.step), list[CustomerKey]()
            for rows in self._read([files.plan_key("dry_run", planned.step, chunk) for chunk in chunks]):
                tally.add(rows)
                allowed = (row["customer_key"] for row in rows if row["verdict"] == ALLOW)
                shown += [customer for customer, _ in zip(allowed, range(SAMPLES_PER_STEP - len(shown)), strict=False)]
            tallies.append(tally)
            step = launch.definition.touch(planned.step).step
            samples += sample_messages(step, planned.step, account, shown)
        result = dry_run(launch, audience, tallies, self._around(launch, account, samples))
        self.lake.write_bytes(files.dry_run_page_key, dry_run_page(result).encode(), content_type=PAGE_TYPE)
        self.lake.write_json(files.dry_run_key, result)
        return self.launches.save(launch.summarised(result["fingerprint"], len(chunks)))

    def _around(self, launch: Launch, account: Account, samples: Sequence[Mapping[str, Any]]) -> Surroundings:
        return Surroundings(
            currency=account.currency,
            standing=self._standing(launch),
            rates={**self.rates, ChannelName.EMAIL: email_rate(self.ses, account)},
            text_prices=TextPrices(Decimal(account.channels.sms.max_price_cents) / 100),
            samples=samples,
        )

    def _standing(self, launch: Launch) -> Standing:
        prefix = snapshot_prefix(launch.account_id, launch.snapshot_id)
        kept = self.lake.find_json(f"{prefix}rubric.json")
        rubric = None if kept is None else read_rubric(kept)
        return standing_of(
            self.lake.find_json(f"{prefix}summary.json") or {},
            default_settings() if rubric is None else rubric.settings,
            self.lifts.of_account(launch.account_id),
        )

    def _read(self, keys: Sequence[str]) -> Iterator[list[Row]]:
        with ThreadPoolExecutor(READERS) as readers:
            for start in range(0, len(keys), READERS):
                yield from readers.map(self.lake.read_rows, keys[start : start + READERS])


def email_rate(ses: Any, account: Account) -> Rate:
    """SES's limits as they are now, and the ramp of an account whose domain is warmed up. A quota of -1 is unlimited
    (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendQuota.html)."""
    quota = ses.get_account()["SendQuota"]
    daily = int(quota["Max24HourSend"])
    return Rate(float(quota["MaxSendRate"]), None if daily < 0 else daily, _ramp(account))


def _ramp(account: Account) -> Callable[[date], int | None]:
    if account.warm_up is None:
        return lambda _: None
    started_on = account.warm_up.started_on
    return lambda day: daily_limit(started_on, day)
