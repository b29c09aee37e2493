"""What an operator can ask for, and what is done."""

import secrets
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

import boto3
from pydantic import BaseModel, ConfigDict, Field

from winback.accounts import Account, FrequencyCaps, QuietHours, Sender, SendWindow
from winback.accounts.global_holdout import GlobalHoldout
from winback.aws import keys
from winback.aws.api_keys import ApiKeys
from winback.aws.clock import Clock, SystemClock
from winback.aws.environment import read_settings
from winback.aws.tables import Accounts, table
from winback.aws.tenants import Tenants
from winback.identifiers import ACCOUNT_ID_PATTERN, AccountId


class AccountExists(ValueError):
    """An account of that id is there already; nothing was changed."""


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CreateAccount(_Request):
    action: Literal["create_account"]
    account_id: AccountId = Field(pattern=ACCOUNT_ID_PATTERN)
    name: str
    currency: str
    time_zone: str = "UTC"
    sender: Sender
    public_url: str
    website: str | None = None
    frequency_caps: FrequencyCaps = FrequencyCaps()
    quiet_hours: QuietHours = QuietHours()
    unknown_zone: SendWindow = SendWindow()
    global_holdout: GlobalHoldout = GlobalHoldout()
    trend_category: str | None = None
    key_salt: str | None = Field(default=None, description="only to restore an account with the keys that it had")


class UpdateAccount(_Request):
    """Fields that are left out stay as they are. Salt and currency never change: stored data depends on them."""

    action: Literal["update_account"]
    account_id: AccountId
    name: str | None = None
    time_zone: str | None = None
    sender: Sender | None = None
    public_url: str | None = None
    website: str | None = None
    frequency_caps: FrequencyCaps | None = None
    quiet_hours: QuietHours | None = None
    unknown_zone: SendWindow | None = None
    global_holdout: GlobalHoldout | None = None
    trend_category: str | None = None


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
        client = boto3.client("sesv2")
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
            changes = request.model_dump(exclude={"action", "account_id"}, exclude_none=True)
            changed = parts.accounts.change(
                request.account_id, lambda account: Account.model_validate({**account.model_dump(), **changes})
            )
            return changed.model_dump(mode="json", exclude={"key_salt"})
        case CreateKey():
            parts.accounts.read(request.account_id)
            return _with_key(request.account_id, parts)
        case RevokeKey():
            parts.api_keys.revoke(request.account_id, request.key_id, parts.clock.now())
            return {"account_id": request.account_id, "key_id": request.key_id, "revoked": True}


def _create(request: CreateAccount, parts: Parts) -> dict[str, Any]:
    fields = request.model_dump(exclude={"action"}, exclude_none=True)
    account = Account.model_validate({"key_salt": secrets.token_hex(16), **fields})
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
