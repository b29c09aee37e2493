"""API keys: shown once, kept as a hash."""

import hashlib
import secrets
from datetime import datetime
from typing import Any

from winback.aws import keys
from winback.aws.tables import put_if
from winback.identifiers import AccountId
from winback.instants import format_instant


class UnknownKey(LookupError):
    """The account has no such key."""


class ApiKeys:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def create(self, account_id: AccountId, now: datetime) -> tuple[str, str]:
        """The secret, which is not kept, and the key's id, which revokes it."""
        secret = f"wbk_{secrets.token_urlsafe(32)}"
        item = {"account_id": account_id, "created_at": format_instant(now)}
        self._table.put_item(Item={**keys.api_key(secret), **item}, ConditionExpression="attribute_not_exists(pk)")
        return secret, hashlib.sha256(secret.encode()).hexdigest()

    def account_of(self, secret: str) -> AccountId | None:
        """The account that the key opens; None when there is no such key or it was revoked."""
        item = self._table.get_item(Key=keys.api_key(secret), ConsistentRead=True).get("Item")
        return None if item is None or "revoked_at" in item else AccountId(item["account_id"])

    def revoke(self, account_id: AccountId, key_id: str, now: datetime) -> None:
        """Raises UnknownKey. A key that is revoked already stays so."""
        place = keys.key(f"apikey#{key_id}", "apikey")
        item = self._table.get_item(Key=place, ConsistentRead=True).get("Item")
        if item is None or item["account_id"] != account_id:
            raise UnknownKey("this account has no such key: key_id is what create_key answered")
        put_if(self._table, {**item, "revoked_at": format_instant(now)}, "attribute_not_exists(revoked_at)")
