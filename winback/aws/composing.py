"""Composes a recipient's message of a launch; kept between invocations, for a launch's templates never change."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from winback.accounts import Account
from winback.aws.lake import Lake, snapshot_prefix
from winback.aws.recipients import Recipient
from winback.aws.recommendations import RecommendationBlocks
from winback.campaigns.launch import Launch
from winback.campaigns.message_values import Given, Person, message_values, utm_of
from winback.campaigns.messages import template_of
from winback.delivery.channels import CHANNELS, ChannelName, Outgoing
from winback.delivery.ledger import Description
from winback.delivery.messages import Template
from winback.delivery.messages.compiler import CompiledTemplate, compile_template
from winback.identifiers import SendId

_KEPT_TEMPLATES = 64
_KEPT_SNAPSHOTS = 4


@dataclass(frozen=True)
class _Made:
    compiled: CompiledTemplate
    names_products: bool


class Composer:
    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._templates: OrderedDict[tuple[Any, ...], Template] = OrderedDict()
        self._compiled: OrderedDict[tuple[Any, ...], _Made] = OrderedDict()
        self._blocks: OrderedDict[str, RecommendationBlocks] = OrderedDict()
        self._lock = Lock()

    def compose(
        self,
        launch: Launch,
        account: Account,
        recipient: Recipient,
        send_id: SendId,
        described: Description,
        *,
        unsubscribe_url: str,
        now: datetime,
        offered_at: datetime | None,
    ) -> Outgoing:
        """`offered_at`: when an earlier message brought the offer; None: none did. Raises RenderingFailed."""
        channel = ChannelName(described.channel)
        address = CHANNELS[channel].deliverable(recipient.address or "", recipient.country)
        if address is None:
            raise ValueError("a recipient without a deliverable address passed the gate")
        shown = launch.shown_as(account)
        made = self._made(launch, shown, recipient.locale, send_id.step, described)
        offer = next((one for one in launch.offers if one.offer_id == described.offer_id), None)
        given = None
        if offer is not None:
            given = Given(offer, described.code, offer.valid_until_for(offered_at or now, account.zone))
        values = message_values(
            shown,
            Person(
                recipient.first_name,
                recipient.last_name,
                recipient.country,
                recipient.locale,
                recipient.facts.last_order_at,
            ),
            unsubscribe_url=unsubscribe_url,
            utm=utm_of(launch.definition, channel),
            given=given,
            recommendations=self._recommendations(launch, recipient) if made.names_products else (),
            variants=described.variants,
            today=now.astimezone(account.zone).date(),
        )
        return Outgoing(
            send_id=send_id,
            account=account,
            to=address,
            message=made.compiled.render(values),
            unsubscribe_url=unsubscribe_url,
            country=recipient.country,
        )

    def _made(self, launch: Launch, account: Account, locale: str | None, step: int, described: Description) -> _Made:
        place = (launch.launch_id, step, tuple(sorted(described.variants.items())))
        with self._lock:
            if place not in self._templates:
                self._templates[place] = template_of(launch.definition.step_for(step, described.variants))
                _forget(self._templates, _KEPT_TEMPLATES)
            template = self._templates[place]
            language = template.language_for(described.channel, locale, account.locale)
            wanted = (*place, described.channel, language)
            if wanted not in self._compiled:
                self._compiled[wanted] = _Made(
                    compile_template(template, described.channel, locale, fallback=account.locale),
                    names_products=template.shows_recommendations,
                )
                _forget(self._compiled, _KEPT_TEMPLATES)
            return self._compiled[wanted]

    def _recommendations(self, launch: Launch, recipient: Recipient) -> list[dict[str, Any]]:
        """Of the snapshot that the launch was made of."""
        prefix = snapshot_prefix(launch.account_id, launch.snapshot_id)
        with self._lock:
            if prefix not in self._blocks:
                self._blocks[prefix] = RecommendationBlocks(self._lake, prefix)
                _forget(self._blocks, _KEPT_SNAPSHOTS)
            return self._blocks[prefix].of_customer(recipient.customer_key)


def _forget(kept: OrderedDict[Any, Any], most: int) -> None:
    if len(kept) > most:
        kept.popitem(last=False)
