"""Plans one chunk of one step over the tables and the lake: what is known is read, the plan is written once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from winback.accounts import Account
from winback.aws.budgets import Budgets
from winback.aws.due import DueEntry, DueIndex
from winback.aws.handout import limits_of
from winback.aws.lake import Lake, Row, snapshot_prefix
from winback.aws.launch_files import LaunchFiles, Mode
from winback.aws.launches import LaunchStore
from winback.aws.offer_decisions import record_decisions
from winback.aws.planned_texts import PlannedTexts
from winback.aws.recipients import Recipient, RecipientStore
from winback.aws.rivals import Rivals
from winback.aws.rubrics import settings_of_snapshot
from winback.aws.tables import Accounts
from winback.campaigns.contexts import reactions_of
from winback.campaigns.launch import Launch
from winback.campaigns.offer_steps import first_carrier
from winback.campaigns.planning import ALLOW, Planned, longest_days, plan_step, stretches
from winback.campaigns.priorities import Span, is_on_path
from winback.campaigns.steps import Step, Touch
from winback.campaigns.timeline import can_meet
from winback.delivery.contacts import Contact, ContactPolicy, contact_name
from winback.delivery.gate import RecipientFacts
from winback.identifiers import AccountId, CustomerKey, LaunchId
from winback.instants import parse_instant
from winback.offers.budget import Spend
from winback.offers.choice import leaves_alone


class Advisor(Protocol):
    """Says of each customer (key -> segment) how its 168 hours of the week answer, by what is known at a moment."""

    def __call__(
        self, account: Account, customers: Mapping[CustomerKey, str | None], as_of: datetime
    ) -> Mapping[CustomerKey, Sequence[float]]: ...


@dataclass(frozen=True)
class Planner:
    """`advise`: asked for steps with a window only. `texts`: in a dry run only."""

    accounts: Accounts
    launches: LaunchStore
    recipients: RecipientStore
    due: DueIndex
    lake: Lake
    rivals: Rivals
    advise: Advisor
    budgets: Budgets
    texts: PlannedTexts

    def plan(self, account_id: AccountId, launch_id: LaunchId, step: int, chunk: int, mode: Mode) -> list[Row]:
        """The chunk's plan rows; live, their entries are in the due index too.

        The first attempt to write the plan wins: later ones give what it wrote. Chunk first, entries second: an
        attempt that dies in between is repeated, keeps the chunk and adds the entries.
        """
        account = self.accounts.get(account_id)
        launch = self.launches.get(account_id, launch_id)
        files = LaunchFiles(self.lake, launch)
        rows = files.keep_first(files.plan_key(mode, step, chunk), self._rows(account, launch, step, chunk, mode))
        if mode == "live":
            if launch.offers and step == first_carrier(launch):
                record_decisions(self.lake, launch, chunk)
            for channel, send_at, from_row, to_row in stretches(rows):
                self.due.put(
                    DueEntry(
                        channel=channel,
                        account_id=account_id,
                        launch_id=launch_id,
                        step=step,
                        chunk=chunk,
                        key=files.plan_key(mode, step, chunk),
                        from_row=from_row,
                        to_row=to_row,
                        send_at=parse_instant(send_at),
                    )
                )
        return rows

    def _rows(self, account: Account, launch: Launch, number: int, chunk: int, mode: Mode) -> list[Row]:
        files, touch = LaunchFiles(self.lake, launch), launch.definition.touch(number)
        members = [row for row in self.lake.read_rows(files.audience_key(chunk)) if row["eligible"]]
        if mode == "live":
            ways = files.ways(touch.conditions, chunk)
            members = [row for row in members if is_on_path(touch.conditions, row["customer_key"], ways)]
        if not members:
            return []
        steps = _steps(launch, number, members)
        customers = [CustomerKey(row["customer_key"]) for row in members]
        recipients = self._recipients(account, launch, number, customers, steps)
        facts = {
            customer: {channel: recipient.facts for channel, recipient in by_channel.items()}
            for customer, by_channel in recipients.items()
        }
        policies = self._policies(launch)
        offers = self.lake.read_rows(files.offers_key(chunk)) if any(step.offer for step in steps) else []
        known = Planned(
            policies=policies,
            offers={CustomerKey(row["customer_key"]): row["offer_id"] for row in offers if row["offer_id"] is not None},
            left_alone={CustomerKey(row["customer_key"]) for row in offers if leaves_alone(row)},
            hours=self._hours(account, launch, number, members, mode)
            if any(step.send_within for step in steps)
            else {},
            contacts_before=self._contacts_before(files, launch, touch, chunk) if mode == "dry_run" else {},
            reserved=self._reserved(launch, number, facts, longest_days(account, policies.values()), mode),
            budget_left=mode == "dry_run" or self._budget_left(launch),
        )
        rows = plan_step(launch, number, members, facts, account=account, known=known)
        return rows if mode == "live" else self.texts.measured(launch, number, account, rows, recipients)

    def _budget_left(self, launch: Launch) -> bool:
        """Whether one message more may be sent by what is spent so far; the sender takes of the budget for each."""
        limits = limits_of(launch)
        if limits.sends is None and limits.messages_hundredths is None:
            return True
        spent = self.budgets.spent(launch.account_id, launch.launch_id)
        return limits.hold(spent + Spend(sends=1, messages_hundredths=1))

    def _recipients(
        self, account: Account, launch: Launch, number: int, customers: Sequence[CustomerKey], steps: Iterable[Step]
    ) -> dict[CustomerKey, dict[str, Recipient]]:
        channels = list(dict.fromkeys(str(channel) for step in steps for channel in step.channels or ()))
        return self.recipients.load_channels(
            account,
            customers,
            channels,
            exclude_send=(launch.launch_id, number),
            reactions=reactions_of(launch, number),
        )

    def _policies(self, launch: Launch) -> dict[str, ContactPolicy]:
        """Of the rubric that the launch's snapshot was cut by."""
        settings = settings_of_snapshot(self.lake, snapshot_prefix(launch.account_id, launch.snapshot_id))
        return {
            str(segment): ContactPolicy(policy.at_most, policy.days, policy.channels)
            for segment, policy in settings.segments.items()
        }

    def _hours(
        self, account: Account, launch: Launch, number: int, members: Sequence[Row], mode: Mode
    ) -> Mapping[CustomerKey, Sequence[float]]:
        segments: dict[CustomerKey, str | None] = {CustomerKey(row["customer_key"]): row["segment"] for row in members}
        return self.advise(account, segments, _as_of(launch, number, mode))

    def _contacts_before(
        self, files: LaunchFiles, launch: Launch, touch: Touch, chunk: int
    ) -> dict[CustomerKey, list[Contact]]:
        """What the launch's earlier steps will have sent by then: in a dry run nothing of it is booked."""
        contacts: dict[CustomerKey, list[Contact]] = defaultdict(list)
        at = launch.planned_at(touch.number)
        for earlier in launch.definition.touches:
            before = earlier.number < touch.number and launch.planned_at(earlier.number) <= at
            if not before or not can_meet(earlier.conditions, touch.conditions):
                continue
            name = contact_name(launch.launch_id, earlier.number)
            for row in self.lake.read_rows(files.plan_key("dry_run", earlier.number, chunk)):
                if row["verdict"] == ALLOW:
                    contact = Contact(parse_instant(row["send_at"]), row["channel"], name, row["offer_id"])
                    contacts[row["customer_key"]].append(contact)
        return contacts

    def _reserved(
        self,
        launch: Launch,
        number: int,
        facts: Mapping[CustomerKey, Mapping[str, RecipientFacts]],
        apart: timedelta,
        mode: Mode,
    ) -> dict[CustomerKey, list[Contact]]:
        at = launch.planned_at(number)
        found = self.rivals.expected(launch, sorted(facts), Span(at - apart, at + apart), _as_of(launch, number, mode))
        left = {}
        for customer, contacts in found.items():
            booked = {one.send for known in facts[customer].values() for one in known.contacts}
            if coming := [contact for contact in contacts if contact.send not in booked]:
                left[customer] = coming
        return left


def _as_of(launch: Launch, number: int, mode: Mode) -> datetime:
    """By what is known when the step is planned; in a dry run, which is to stay the same, when it was prepared."""
    return launch.planned_at(number) if mode == "live" else launch.created_at


def _steps(launch: Launch, number: int, members: Iterable[Row]) -> list[Step]:
    """The step in every form that it takes for these customers."""
    forms = {tuple(sorted(row["variants"].items())) for row in members}
    return [launch.definition.step_for(number, dict(variants)) for variants in sorted(forms)]
