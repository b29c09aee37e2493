"""Adds a launch's chunks up to its dry run, beside what the launch meets: quotas, history, offers, prices."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.aws.code_pools import CodePools
from winback.aws.holdout_sizes import read_standing
from winback.aws.lake import Lake, Row
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchStore
from winback.aws.lifts import LiftStore
from winback.aws.tables import Accounts
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.dry_run import (
    AudienceTally,
    Rate,
    StepTally,
    Surroundings,
    dry_run,
)
from winback.campaigns.dry_run.page import dry_run_page
from winback.campaigns.launch import Launch
from winback.campaigns.messages import sample_messages
from winback.campaigns.planning import ALLOW
from winback.delivery.gate import Reason
from winback.delivery.preflight import Check, Need, Reach
from winback.delivery.warm_up import daily_limit
from winback.identifiers import AccountId, LaunchId
from winback.instants import parse_instant
from winback.offers.exposure import ExposureTally, exposure

READERS = 8  # chunks read and held at a time; their order stays
PAGE_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True)
class _Chunk:
    audience: list[Row]
    plans: dict[int, list[Row]]  # by step
    offers: list[Row]

    def offered(self, definition: CampaignDefinition) -> set[str]:
        """Customers of whom some message is allowed that carries an offer to who has one."""

        @cache
        def carries(step: int, variants: tuple[tuple[str, str], ...]) -> bool:
            return definition.step_for(step, dict(variants)).offer

        return {
            row["customer_key"]
            for step, plan in self.plans.items()
            for row in plan
            if row["verdict"] == ALLOW and carries(step, tuple(sorted(row["variants"].items())))
        }


@dataclass(frozen=True)
class DryRuns:
    """`ses` answers GetAccount as boto3's sesv2 client does; `rates`: messages a second of every other channel;
    `preflight` is winback.aws.preflight's check."""

    accounts: Accounts
    launches: LaunchStore
    lifts: LiftStore
    pools: CodePools
    lake: Lake
    ses: Any
    rates: Mapping[str, float]
    preflight: Callable[[Account, Mapping[ChannelName, Need]], Sequence[Check]] = lambda _, __: ()

    def summarise(self, account_id: AccountId, launch_id: LaunchId) -> Launch:
        """Writes dry_run.json and dry_run.html; the launch awaits approval. A repeated attempt writes the same files
        and fingerprint."""
        launch, account = self.launches.get(account_id, launch_id), self.accounts.get(account_id)
        files, shown = LaunchFiles(self.lake, launch), launch.shown_as(account)
        chunks = [line["chunk"] for line in files.manifest()]
        audience, offers = AudienceTally(), ExposureTally()
        steps = {planned.step: StepTally(planned.step) for planned in launch.steps}
        for chunk in self._chunks(launch, files, chunks):
            audience.add(chunk.audience)
            for step, rows in chunk.plans.items():
                steps[step].add(rows)
            offers.add(chunk.offers, among=chunk.offered(launch.definition) if chunk.offers else set())
        around = self._around(
            launch,
            account,
            preflight=self.preflight(account, needs_of(launch, audience, steps.values())),
            exposure=self._exposure(launch, offers),
            samples=[
                sample
                for step in steps
                for sample in sample_messages(launch.definition, step, shown, launch.offers, launch.starts_at)
            ],
        )
        result = dry_run(launch, audience, list(steps.values()), around)
        self.lake.write_bytes(files.dry_run_page_key, dry_run_page(result).encode(), content_type=PAGE_TYPE)
        self.lake.write_json(files.dry_run_key, result)
        return self.launches.save(launch.summarised(result["fingerprint"], len(chunks)))

    def _around(
        self,
        launch: Launch,
        account: Account,
        *,
        preflight: Sequence[Check],
        exposure: Mapping[str, Any] | None,
        samples: Sequence[Mapping[str, Any]],
    ) -> Surroundings:
        others = {channel: Rate(per_second) for channel, per_second in self.rates.items()}
        return Surroundings(
            currency=account.currency,
            standing=read_standing(self.lake, self.lifts, launch),
            rates={**others, ChannelName.EMAIL: email_rate(self.ses, account)},
            exposure=exposure,
            preflight=[check.as_json() for check in preflight],
            texts=account.channels.sms,
            samples=samples,
        )

    def _exposure(self, launch: Launch, tally: ExposureTally) -> dict[str, Any] | None:
        policy = launch.definition.offers
        if policy is None:
            return None
        pools = {
            offer.offer_id: self.pools.state(launch.account_id, offer) for offer in launch.offers if offer.codes.unique
        }
        return exposure(tally, launch.offers, policy.budget_minor, pools)

    def _chunks(self, launch: Launch, files: LaunchFiles, chunks: Sequence[int]) -> Iterator[_Chunk]:
        def read(chunk: int) -> _Chunk:
            return _Chunk(
                self.lake.read_rows(files.audience_key(chunk)),
                {
                    planned.step: self.lake.read_rows(files.plan_key("dry_run", planned.step, chunk))
                    for planned in launch.steps
                },
                self.lake.read_rows(files.offers_key(chunk)) if launch.definition.offers is not None else [],
            )

        with ThreadPoolExecutor(READERS) as readers:
            for start in range(0, len(chunks), READERS):
                yield from readers.map(read, chunks[start : start + READERS])


def needs_of(launch: Launch, audience: AudienceTally, steps: Iterable[StepTally]) -> dict[ChannelName, Need]:
    """What the launch asks of each of its channels. Whom a channel reaches is told apart only where it is the one."""
    hours: dict[ChannelName, Counter[datetime]] = {channel: Counter() for channel in launch.definition.used_channels}
    for step in steps:
        for channel, planned in step.hours.items():
            counted = hours.setdefault(ChannelName(channel), Counter())
            counted.update({parse_instant(hour): messages for hour, messages in planned.items()})
    only = len(hours) == 1
    reach = Reach(audience.candidates, audience.candidates - audience.reasons[Reason.NO_CONSENT]) if only else None
    return {channel: Need(counted, reach) for channel, counted in hours.items()}


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
