"""What an operator can ask for, and what is done."""

import secrets
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from winback.accounts import Account
from winback.aws import keys
from winback.aws.api_keys import ApiKeys
from winback.aws.clients import quick
from winback.aws.clock import Clock, SystemClock
from winback.aws.environment import read_settings
from winback.aws.tables import Accounts, table
from winback.aws.tenants import Tenants
from winback.identifiers import AccountId

_FIXED = frozenset({"currency", "key_salt"})


class AccountExists(ValueError):
    """An account of that id is there already; nothing was changed."""


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CreateAccount(BaseModel):
    """Beside `action`, the fields of winback.accounts.Account: `account_id`, `name`, `currency`, `sender` and
    `public_url` are required; `key_salt` is given only to restore an account with the keys that it had.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    action: Literal["create_account"]


class UpdateAccount(BaseModel):
    """Beside `action` and `account_id`, what changes of the account, as a JSON merge patch (RFC 7396): what is left out
    stays, also within an object, and null takes a setting back to its default. Salt and currency never change: stored
    data depends on them.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    action: Literal["update_account"]
    account_id: AccountId

    @model_validator(mode="after")
    def _what_may_change(self) -> Self:
        for name in _FIXED & set(self.model_extra or {}):
            raise ValueError(f"{name} never changes: stored data depends on it")
        return self


class CreateKey(_Request):
    action: Literal["create_key"]
    account_id: AccountId


class RevokeKey(_Request):
    action: Literal["revoke_key"]
    account_id: AccountId
    key_id: str = Field(description="as the call that made the key answered it")


Action = Annotated[CreateAccount | UpdateAccount | CreateKey | RevokeKey, Field(discriminator="action")]


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    ses_tenants: str
    ses_configuration_set: str


@dataclass(frozen=True)
class Parts:
    accounts: Accounts
    api_keys: ApiKeys
    tenants: Tenants | None
    clock: Clock

    @classmethod
    @cache
    def from_environment(cls) -> "Parts":
        settings = read_settings(Settings)
        campaigns = table(settings.campaigns_table)
        client = quick("sesv2")
        tenants = Tenants(client, settings.ses_configuration_set) if settings.ses_tenants == "true" else None
        return cls(Accounts(campaigns), ApiKeys(campaigns), tenants, SystemClock())


def perform(request: Action, parts: Parts) -> dict[str, Any]:
    """Does what was asked for and answers with what is new. Raises AccountExists, AccountChanged,
    UnknownAccount, UnknownKey.
    """
    match request:
        case CreateAccount():
            return _create(request, parts)
        case UpdateAccount():
            changed = parts.accounts.change(
                request.account_id,
                lambda account: Account.model_validate(
                    _merged(account.model_dump(mode="json"), request.model_extra or {})
                ),
            )
            if parts.tenants is not None:  # its sender's domain may be another now
                parts.tenants.ensure(changed)
            return changed.model_dump(mode="json", exclude={"key_salt"})
        case CreateKey():
            parts.accounts.read(request.account_id)
            return _with_key(request.account_id, parts)
        case RevokeKey():
            parts.api_keys.revoke(request.account_id, request.key_id, parts.clock.now())
            return {"account_id": request.account_id, "key_id": request.key_id, "revoked": True}


def _create(request: CreateAccount, parts: Parts) -> dict[str, Any]:
    account = Account.model_validate({"key_salt": secrets.token_hex(16), **(request.model_extra or {})})
    if parts.tenants is not None:
        parts.tenants.ensure(account)
    if not parts.accounts.create(account):
        raise AccountExists(
            f"account {keys.account(account.account_id)['sk']} exists: use update_account or another id"
        )
    return _with_key(account.account_id, parts)


def _with_key(account_id: AccountId, parts: Parts) -> dict[str, Any]:
    secret, key_id = parts.api_keys.create(account_id, parts.clock.now())
    return {"account_id": account_id, "api_key": secret, "key_id": key_id}


def _merged(known: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """https://www.rfc-editor.org/rfc/rfc7396"""
    merged = dict(known)
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            there = merged.get(name)
            merged[name] = _merged(there if isinstance(there, dict) else {}, value)
        else:
            merged[name] = value
    return merged
