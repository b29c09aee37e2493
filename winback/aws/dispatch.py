"""Wires the sender's ports to the tables, the lake and SES, for one release after another."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from winback.accounts import Account
from winback.aws.clock import Clock
from winback.aws.contacts import ContactBook
from winback.aws.due import DueIndex
from winback.aws.lake import Lake, Row
from winback.aws.launches import LaunchStore
from winback.aws.ledger import Ledger
from winback.aws.recipients import Recipient, RecipientStore
from winback.aws.tables import Accounts
from winback.campaigns.contexts import send_context
from winback.campaigns.launch import Launch, LaunchState
from winback.campaigns.messages import template_of
from winback.campaigns.planning import ALLOW
from winback.campaigns.schedule import latest_time
from winback.delivery.channels import CHANNELS, ChannelName, Outgoing, Provider
from winback.delivery.feeding import Permit
from winback.delivery.gate import RecipientFacts
from winback.delivery.ledger import Description
from winback.delivery.messages import MessageValues
from winback.delivery.messages.compiler import CompiledTemplate, compile_template
from winback.delivery.release import Release
from winback.delivery.sending import PlannedSend, Report, Sending
from winback.delivery.unsubscribing import unsubscribe_url
from winback.identifiers import CustomerKey, LaunchId, SendId

AGAIN_AFTER = timedelta(minutes=1)
_KEPT_CHUNKS = 8  # of at most 500 rows each
_KEPT_TEMPLATES = 32


def permit_of(state: LaunchState) -> Permit:
    """Only a running launch sends; what is over never will; anything else waits."""
    if state is LaunchState.RUNNING:
        return Permit.SEND
    return Permit.DROP if state.over else Permit.WAIT


class Dispatch:
    """Kept between invocations: plan chunks and templates of a launch never change."""

    def __init__(
        self,
        *,
        campaigns_table: Any,
        customers_table: Any,
        performance_table: Any,
        lake: Lake,
        providers: Mapping[ChannelName, Provider],
        signing_key: Callable[[], str],
        clock: Clock,
        wall: Callable[[], datetime],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._accounts = Accounts(campaigns_table)
        self._launches = LaunchStore(campaigns_table)
        self._due = DueIndex(campaigns_table)
        self._recipients = RecipientStore(customers_table, performance_table)
        self._ledger = Ledger(performance_table)
        self._contacts = ContactBook(performance_table)
        self._lake, self._providers, self._signing_key = lake, providers, signing_key
        self._clock, self._wall, self._pause = clock, wall, pause
        self._chunks: OrderedDict[str, list[Row]] = OrderedDict()
        self._templates: OrderedDict[tuple[LaunchId, int], CompiledTemplate] = OrderedDict()

    def send(self, release: Release, seconds_left: Callable[[], float]) -> Report:
        """Sends the release's rows; those that must wait go back into the due index a minute later.

        The launch is read anew each time. When it is paused nothing is claimed; when it is over each row is skipped.
        """
        now = self._clock.now()
        launch = self._launches.get(release.account_id, release.launch_id)
        if permit_of(launch.state) is Permit.WAIT:
            report = Report(due_again_from=release.from_row)
            report.outcomes["waiting"] = release.to_row - release.from_row
        else:
            report = self._send(release, launch, now, seconds_left)
        if report.due_again_from is not None:
            self._due.put(release.due_again(report.due_again_from, now + AGAIN_AFTER))
        return report

    def _send(self, release: Release, launch: Launch, now: datetime, seconds_left: Callable[[], float]) -> Report:
        account = self._accounts.get(release.account_id)
        latest_at = latest_time([step.planned_at for step in launch.steps], release.step, launch.evaluation_ends_at)
        planned = [
            _planned(number, row, launch, account, latest_at)
            for number, row in enumerate(self._chunk(release.key)[release.from_row : release.to_row], release.from_row)
            if row["verdict"] == ALLOW
        ]
        sending = Sending(
            ledger=self._ledger,
            contacts=self._contacts,
            recipients=_Recipients(
                self._recipients,
                account,
                release,
                [one.send_id.customer_key for one in planned],
                template=lambda: self._template(launch, release.step),
                signing_key=self._signing_key,
            ),
            deliver=self._providers[ChannelName(release.channel)].deliver,
            now=now,
            wall=self._wall,
            seconds_left=seconds_left,
            new_claim=lambda: secrets.token_hex(8),
            pause=self._pause,
        )
        return sending.send(planned)

    def _chunk(self, key: str) -> list[Row]:
        if key not in self._chunks:
            self._chunks[key] = self._lake.read_rows(key)
            if len(self._chunks) > _KEPT_CHUNKS:
                self._chunks.popitem(last=False)
        return self._chunks[key]

    def _template(self, launch: Launch, step: int) -> CompiledTemplate:
        place = (launch.launch_id, step)
        if place not in self._templates:
            self._templates[place] = compile_template(template_of(launch.definition.touch(step).step))
            if len(self._templates) > _KEPT_TEMPLATES:
                self._templates.popitem(last=False)
        return self._templates[place]


class _Recipients:
    """The release's customers: read together once, and each one's profile and suppression again before its claim."""

    def __init__(
        self,
        store: RecipientStore,
        account: Account,
        release: Release,
        customers: list[CustomerKey],
        *,
        template: Callable[[], CompiledTemplate],
        signing_key: Callable[[], str],
    ) -> None:
        self._store, self._account, self._channel = store, account, ChannelName(release.channel)
        self._template, self._signing_key = template, signing_key
        self._known: dict[CustomerKey, Recipient] = store.load(
            account, customers, release.channel, exclude_send=(release.launch_id, release.step)
        )

    def facts(self, customer: CustomerKey) -> RecipientFacts:
        self._known[customer] = self._store.refresh(self._account, self._known[customer], self._channel)
        return self._known[customer].facts

    def outgoing(self, send_id: SendId) -> Outgoing:
        recipient, account = self._known[send_id.customer_key], self._account
        address = CHANNELS[self._channel].deliverable(recipient.address or "", recipient.country)
        if address is None:
            raise ValueError("a recipient without a deliverable address passed the gate")
        link = unsubscribe_url(account.public_url, self._signing_key(), send_id)
        values = MessageValues(
            shop_name=account.name,
            shop_url=account.website,
            postal_address=account.sender.postal_address,
            unsubscribe_url=link,
            first_name=recipient.first_name,
            last_name=recipient.last_name,
            country=recipient.country,
        )
        return Outgoing(
            send_id=send_id,
            account=account,
            to=address,
            message=self._template().render(values),
            unsubscribe_url=link,
            country=recipient.country,
        )


def _planned(number: int, row: Row, launch: Launch, account: Account, latest_at: datetime) -> PlannedSend:
    context = send_context(
        launch,
        account,
        {"channel": launch.definition.channels[0], **row},
        latest_at=latest_at,
        cancelled=permit_of(launch.state) is Permit.DROP,
    )
    return PlannedSend(
        row=number,
        send_id=SendId.parse(row["send_id"]),
        context=context,
        described=Description(
            launch.campaign_id,
            context.channel,
            variants=row.get("variants") or {},
            segment=row.get("segment"),
            offer_id=row.get("offer_id"),
            hour_propensity=row.get("hour_propensity"),
            possible_hours=row.get("possible_hours"),
        ),
    )
