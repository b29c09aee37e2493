"""What the texts of a dry run's plan will be charged by: each is written as its sender would write it, and measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.aws.composing import Composer
from winback.aws.lake import Row
from winback.aws.recipients import Recipient
from winback.campaigns.launch import Launch
from winback.campaigns.messages import sample_code
from winback.campaigns.offer_steps import first_carrier
from winback.campaigns.planning import ALLOW
from winback.delivery.ledger import Description
from winback.delivery.message_cost import country_and_parts
from winback.delivery.messages import RenderingFailed
from winback.delivery.unsubscribing import unsubscribe_url
from winback.identifiers import CustomerKey, SendId
from winback.instants import parse_instant

_ANY_KEY = "any"  # links signed by any key are of one length, and nothing of a measured text is kept


@dataclass(frozen=True)
class PlannedTexts:
    composer: Composer

    def measured(
        self,
        launch: Launch,
        step: int,
        account: Account,
        rows: Sequence[Row],
        recipients: Mapping[CustomerKey, Mapping[str, Recipient]],
    ) -> list[Row]:
        """The rows; those of allowed texts with `country`, the number's, and `text_parts`: 0 of one that cannot be
        written for its recipient, whose sending will fail. A code that nobody holds yet counts as ten characters."""
        return [
            {**row, **self._charge(launch, step, account, row, recipients[CustomerKey(row["customer_key"])])}
            if row["verdict"] == ALLOW and row["channel"] == ChannelName.SMS
            else row
            for row in rows
        ]

    def _charge(
        self, launch: Launch, step: int, account: Account, row: Row, recipient: Mapping[str, Recipient]
    ) -> dict[str, Any]:
        send_id = SendId.parse(row["send_id"])
        offer = next((one for one in launch.offers if one.offer_id == row["offer_id"]), None)
        brought_before = offer is not None and step != first_carrier(launch)
        try:
            text = self.composer.compose(
                launch,
                account,
                recipient[ChannelName.SMS],
                send_id,
                Description(
                    launch.campaign_id,
                    row["channel"],
                    variants=row["variants"],
                    offer_id=row["offer_id"],
                    code=sample_code(offer) if offer is not None else None,
                ),
                unsubscribe_url=unsubscribe_url(account.public_url, _ANY_KEY, send_id),
                now=parse_instant(row["send_at"]),
                offered_at=launch.planned_at(first_carrier(launch)) if brought_before else None,
            )
        except RenderingFailed:
            return {"country": None, "text_parts": 0}
        country, parts = country_and_parts(text)
        return {"country": country, "text_parts": parts}
