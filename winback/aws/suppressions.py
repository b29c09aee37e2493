"""Addresses that must not be contacted, in the customers table."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from winback.accounts import Account
from winback.aws import keys
from winback.aws.tables import Item, conditionally
from winback.delivery.channels import CHANNELS, ChannelName
from winback.delivery.gate import Consent
from winback.fields import LEEWAY
from winback.identifiers import CustomerKey, SendId
from winback.instants import format_instant, parse_instant


class SuppressionReason(StrEnum):
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    ERASURE = "erasure"


def stands(suppression: Item | None, profile: Item | None, channel: str) -> bool:
    """Whether a suppression, if there is one, still keeps its address from this customer's messages.

    An unsubscribe yields to a consent that names a later moment: who signs up again is written to again. A consent
    without one yields to it. Nothing yields to a bounce, a complaint or an erasure, nor to "never call me again".
    """
    if suppression is None:
        return False
    consent = ((profile or {}).get("consent") or {}).get(channel, {})
    again = consent.get("state") == Consent.GRANTED and not consent.get("undated")
    lifted = (
        suppression["reason"] == SuppressionReason.UNSUBSCRIBE
        and channel != ChannelName.CALL
        and again
        and consent.get("at", "") > suppression["at"]
    )
    return not lifted


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
        """Keeps the first reason, but for an unsubscribe: it gives way to the others, and to a later one, which ends
        what was agreed to in between. False when the address was on the list already.

        Which consent an unsubscribe ends is not known here, and a store's clock may be ahead of ours by LEEWAY: it
        counts from then on. `send_id`: of the message that it answers, where that is known.
        """
        since = at + LEEWAY if reason is SuppressionReason.UNSUBSCRIBE else at
        key = keys.suppression(account.account_id, account.address_hash(address), channel)
        return self._put(key, reason, since, send_id)

    def _put(self, key: keys.Key, reason: SuppressionReason, at: datetime, send_id: SendId | None) -> bool:
        item = {
            **key,
            "reason": reason.value,
            "at": format_instant(at),
            **({"send_id": str(send_id)} if send_id is not None else {}),
        }
        again = reason is SuppressionReason.UNSUBSCRIBE
        return conditionally(
            self._table.put_item,
            Item=item,
            ConditionExpression="attribute_not_exists(pk) OR #reason = :unsubscribe"
            + (" AND #at < :at" if again else ""),
            ExpressionAttributeNames={"#reason": "reason", **({"#at": "at"} if again else {})},
            ExpressionAttributeValues={
                ":unsubscribe": SuppressionReason.UNSUBSCRIBE.value,
                **({":at": item["at"]} if again else {}),
            },
        )

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
            # Not before the consent that it ends, which a store in another zone may have dated some hours ahead.
            agreed_at = ((profile.get("consent") or {}).get(channel) or {}).get("at")
            since = max(at, parse_instant(agreed_at)) if agreed_at else at
            listed = keys.suppression(account.account_id, account.address_hash(address), channel)
            self._put(listed, SuppressionReason.UNSUBSCRIBE, since, send_id)
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
