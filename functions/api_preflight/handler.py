"""Whether an account's messages could leave and arrive, channel by channel, and what is missing."""

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from winback.accounts import Account
from winback.aws.environment import read_settings
from winback.aws.preflight import Preflight
from winback.aws.rest_api import account_of, json_response, query_of, rest_api
from winback.aws.tables import Accounts, table
from winback.delivery.channels import ChannelName
from winback.delivery.preflight import Need, missing

logger = Logger()
app = rest_api()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    ses_configuration_set: str
    ses_tenants: str
    sms_configuration_set: str
    sms_origination_identity: str


@dataclass(frozen=True)
class Parts:
    accounts: Accounts
    preflight: Preflight


class Asked(BaseModel):
    """`channels=email,sms`: without it, e-mail and what else the account has set up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: tuple[ChannelName, ...] | None = Field(default=None, min_length=1)

    @field_validator("channels", mode="before")
    @classmethod
    def _listed(cls, text: object) -> object:
        return tuple(text.split(",")) if isinstance(text, str) else text


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    accounts = Accounts(table(settings.campaigns_table), texts_from=settings.sms_origination_identity)
    return Parts(accounts, Preflight(settings))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    return app.resolve(event, context)


@app.get("/v1/sending/preflight")
def preflight() -> Response[str]:
    account = parts().accounts.read(account_of(app))
    wanted = query_of(app, Asked).channels or set_up(account)
    found = parts().preflight.check(account, {channel: Need() for channel in wanted})
    body = {"ready": not missing(found), "checks": [check.as_json() for check in found]}
    return json_response(HTTPStatus.OK, body)


def set_up(account: Account) -> list[ChannelName]:
    channels = account.channels
    texts = bool(channels.sms.origination_identity or channels.sms.sender_ids)
    known = ((ChannelName.SMS, texts), (ChannelName.PUSH, channels.push), (ChannelName.WEBHOOK, channels.webhook))
    return [ChannelName.EMAIL, *(channel for channel, there in known if there)]
