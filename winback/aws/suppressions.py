"""Addresses that must not be contacted, in the customers table."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from winback.accounts import Account
from winback.aws import keys
from winback.aws.tables import conditionally, put_if
from winback.delivery.channels import CHANNELS, ChannelName
from winback.delivery.gate import Consent
from winback.identifiers import CustomerKey, SendId
from winback.instants import format_instant


class SuppressionReason(StrEnum):
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    ERASURE = "erasure"


class SuppressionList:
    def __init__(self, customers_table: Any) -> None:
        self._table = customers_table

    def add(
        self,
        account: Account,
        address: str,
        channel: str,
        reason: SuppressionReason,
        *,
        at: datetime,
        send_id: SendId | None = None,
    ) -> bool:
        """Keeps the first reason; False when the address was on the list already.

        `send_id`: of the message that it answers, where that is known.
        """
        item = {
            **keys.suppression(account.account_id, account.address_hash(address), channel),
            "reason": reason.value,
            "at": format_instant(at),
            **({"send_id": str(send_id)} if send_id is not None else {}),
        }
        return put_if(self._table, item, "attribute_not_exists(pk)")

    def unsubscribe(
        self, account: Account, customer: CustomerKey, channel: str, *, at: datetime, send_id: SendId
    ) -> bool:
        """Denies the customer's consent and puts the address on the list. False when there is no such customer."""
        key = keys.profile(account.account_id, customer)
        profile = self._table.get_item(Key=key, ConsistentRead=True).get("Item")
        if profile is None:
            return False
        address = CHANNELS[ChannelName(channel)].address(profile)
        if address:
            self.add(account, address, channel, SuppressionReason.UNSUBSCRIBE, at=at, send_id=send_id)
        denied = {"state": Consent.DENIED.value, "at": format_instant(at), "source": "unsubscribe"}
        if (profile.get("consent") or {}).get(channel) == denied:
            return True
        # A higher revision stops an import that read the profile before (winback/aws/customers.py).
        # The consent map may be missing; a nested attribute can only be set in a map that is there.
        within: dict[str, Any] = {
            "UpdateExpression": "SET consent.#channel = :denied ADD revision :one",
            "ConditionExpression": "attribute_exists(consent)",
            "ExpressionAttributeNames": {"#channel": channel},
            "ExpressionAttributeValues": {":denied": denied, ":one": 1},
        }
        whole: dict[str, Any] = {
            "UpdateExpression": "SET consent = :consent ADD revision :one",
            "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(consent)",
            "ExpressionAttributeValues": {":consent": {channel: denied}, ":one": 1},
        }
        return conditionally(self._table.update_item, Key=key, **within) or conditionally(
            self._table.update_item, Key=key, **whole
        )
