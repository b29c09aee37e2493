"""The preflight through its API: what is missing, for the channels that the account has set up."""

import importlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.functions.delivery.conftest import Cloud
from winback.accounts import Account
from winback.accounts.channels import ChannelSettings, SmsSettings
from winback.aws.tables import Accounts
from winback.delivery.channels import ChannelName
from winback.delivery.preflight import Check, Need


@pytest.fixture
def asked(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> list[list[ChannelName]]:
    seen: list[list[ChannelName]] = []

    def check(_: Any, __: Account, needs: Mapping[ChannelName, Need]) -> tuple[Check, ...]:
        seen.append(list(needs))
        missing = Check("DMARC", ChannelName.EMAIL, False, True, "there is no record", "add one")
        return (Check("Identity", ChannelName.EMAIL, True), *((missing,) if len(needs) > 1 else ()))

    monkeypatch.setattr("winback.aws.preflight.Preflight.check", check)
    importlib.import_module("functions.api_preflight.handler").parts.cache_clear()
    return seen


def ask(cloud: Cloud, channels: str | None = None) -> tuple[int, Any]:
    event = cloud.event("api_preflight")
    event["requestContext"]["authorizer"]["account_id"] = "fjord"
    event["queryStringParameters"] = {"channels": channels} if channels else None
    event["multiValueQueryStringParameters"] = {"channels": [channels]} if channels else None
    answer = cloud.invoke("api_preflight", event)
    return answer["statusCode"], json.loads(answer["body"])


def test_without_a_wish_the_channels_that_are_set_up_are_checked(cloud: Cloud, asked: list[list[ChannelName]]) -> None:
    assert ask(cloud) == (200, {"ready": True, "checks": [Check("Identity", ChannelName.EMAIL, True).as_json()]})
    sms = SmsSettings(sender_ids={"DE": "Fjord"})
    Accounts(cloud.campaigns).put(cloud.account.model_copy(update={"channels": ChannelSettings(sms=sms)}))
    status, body = ask(cloud)
    assert (status, body["ready"], body["checks"][1]["remedy"]) == (200, False, "add one")
    assert asked == [[ChannelName.EMAIL], [ChannelName.EMAIL, ChannelName.SMS]]

    assert ask(cloud, "call,webhook")[0] == 200
    assert ask(cloud, "fax")[0] == 400
    assert asked[2:] == [[ChannelName.CALL, ChannelName.WEBHOOK]]
