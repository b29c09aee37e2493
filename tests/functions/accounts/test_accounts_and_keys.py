import json
from datetime import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from functions.admin_accounts.actions import AccountExists
from functions.admin_accounts.handler import InvalidRequest
from functions.admin_accounts.handler import handler as administer
from functions.authorizer.handler import handler as authorize
from winback.accounts import Account, FrequencyCap, SendWindow
from winback.aws.api_keys import UnknownKey
from winback.aws.tables import Accounts, UnknownAccount
from winback.aws.tenants import Tenants

EVENTS = Path(__file__).resolve().parents[3] / "events"
CREATE = json.loads((EVENTS / "admin_accounts.json").read_text())
REQUEST = json.loads((EVENTS / "authorizer.json").read_text())


def asking_with(key: str, header: str = "x-api-key") -> dict[str, Any]:
    return {**REQUEST, "headers": {header: key}}


def effect(answer: dict[str, Any]) -> str:
    statement = answer["policyDocument"]["Statement"][0]
    return str(statement["Effect"])


def test_the_key_of_a_new_account_opens_the_api_as_that_account(campaigns_table: Any, context: Any) -> None:
    key = administer(CREATE, context)["api_key"]
    answer = authorize(asking_with(key), context)
    assert effect(answer) == "Allow"
    assert answer["context"] == {"account_id": "acme"}
    assert answer["policyDocument"]["Statement"][0]["Resource"].endswith("abcdef1234/dev/*")


@pytest.mark.parametrize("key", ["", "wbk_wrong", "x" * 5000])
def test_any_other_key_is_denied(campaigns_table: Any, context: Any, key: str) -> None:
    administer(CREATE, context)
    answer = authorize(asking_with(key), context)
    assert (effect(answer), answer["context"]) == ("Deny", {})


def test_no_header_at_all_is_denied(campaigns_table: Any, context: Any) -> None:
    assert effect(authorize({**REQUEST, "headers": None}, context)) == "Deny"


def test_the_header_may_be_spelt_in_any_case(campaigns_table: Any, context: Any) -> None:
    key = administer(CREATE, context)["api_key"]
    assert effect(authorize(asking_with(key, "X-API-Key"), context)) == "Allow"


def test_the_table_does_not_hold_the_key_itself(campaigns_table: Any, context: Any) -> None:
    key = administer(CREATE, context)["api_key"]
    assert key not in str(campaigns_table.scan()["Items"])


def test_an_existing_account_is_not_overwritten(campaigns_table: Any, context: Any) -> None:
    administer(CREATE, context)
    before = Accounts(campaigns_table).get(CREATE["account_id"])
    with pytest.raises(AccountExists, match="acme"):
        administer({**CREATE, "name": "Another"}, context)
    assert Accounts(campaigns_table).get(CREATE["account_id"]) == before


def test_an_account_can_be_restored_with_the_salt_that_it_had(campaigns_table: Any, context: Any) -> None:
    administer({**CREATE, "key_salt": "ab" * 16}, context)
    assert Accounts(campaigns_table).get(CREATE["account_id"]).key_salt == "ab" * 16


def test_an_update_changes_what_it_names_and_nothing_else(campaigns_table: Any, context: Any) -> None:
    administer(CREATE, context)
    before = Accounts(campaigns_table).get(CREATE["account_id"])
    answer = administer({"action": "update_account", "account_id": "acme", "name": "Acme Posters"}, context)
    after = Accounts(campaigns_table).get(CREATE["account_id"])
    assert after == before.model_copy(update={"name": "Acme Posters"})
    assert "key_salt" not in answer


def test_an_update_within_a_setting_keeps_the_rest_of_it_and_null_takes_it_back_to_its_default(
    campaigns_table: Any, context: Any
) -> None:
    administer({**CREATE, "frequency_caps": {"channels": {"sms": {"sends": 1, "days": 30}}}}, context)

    def update(**changes: Any) -> Account:
        administer({"action": "update_account", "account_id": "acme", **changes}, context)
        return Accounts(campaigns_table).get(CREATE["account_id"])

    after = update(frequency_caps={"overall": {"sends": 2}}, global_holdout={"share": 0.05})
    assert (after.frequency_caps.overall, after.frequency_caps.of("sms")) == (
        FrequencyCap(sends=2, days=7),
        FrequencyCap(sends=1, days=30),
    )
    assert after.global_holdout.share == 0.05
    assert update(unknown_zone={"from": "09:00", "until": "20:00"}).unknown_zone.until == time(20)
    assert update(unknown_zone=None).unknown_zone == SendWindow()
    assert update(name="Acme").frequency_caps == after.frequency_caps


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"frequency_caps": {"channels": {"email": {"sends": 0}}}}, "frequency_caps.channels.email.sends"),
        ({"frequency_caps": {"channels": {"emial": {"sends": 1}}}}, "frequency_caps.channels.emial"),
        ({"quiet_hours": {"start": "9 pm"}}, "quiet_hours.start .*HH:MM"),
        ({"unknown_zone": {"from": "18:00"}}, "unknown_zone .*until is 17:00"),
        ({"currency": "USD"}, "currency never changes"),
        ({"key_salt": "0" * 32}, "key_salt never changes"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_by_its_path(
    campaigns_table: Any, context: Any, changes: dict[str, Any], named: str
) -> None:
    administer(CREATE, context)
    before = Accounts(campaigns_table).get(CREATE["account_id"])
    with pytest.raises(InvalidRequest, match=named):
        administer({"action": "update_account", "account_id": "acme", **changes}, context)
    assert Accounts(campaigns_table).get(CREATE["account_id"]) == before


def test_an_update_starts_from_what_other_operators_stored_meanwhile(campaigns_table: Any, context: Any) -> None:
    administer(CREATE, context)
    administer({"action": "create_key", "account_id": "acme"}, context)
    Accounts(campaigns_table).change(
        CREATE["account_id"], lambda account: account.model_copy(update={"trend_category": "posters"})
    )
    administer({"action": "update_account", "account_id": "acme", "name": "Acme Posters"}, context)
    after = Accounts(campaigns_table).get(CREATE["account_id"])
    assert (after.name, after.trend_category) == ("Acme Posters", "posters")


def test_a_second_key_works_and_a_revoked_one_does_not(campaigns_table: Any, context: Any) -> None:
    first = administer(CREATE, context)
    second = administer({"action": "create_key", "account_id": "acme"}, context)
    administer({"action": "revoke_key", "account_id": "acme", "key_id": first["key_id"]}, context)
    assert effect(authorize(asking_with(first["api_key"]), context)) == "Deny"
    assert effect(authorize(asking_with(second["api_key"]), context)) == "Allow"


def test_another_accounts_key_cannot_be_revoked(campaigns_table: Any, context: Any) -> None:
    key_id = administer(CREATE, context)["key_id"]
    with pytest.raises(UnknownKey):
        administer({"action": "revoke_key", "account_id": "other", "key_id": key_id}, context)


def test_a_key_is_not_made_for_an_account_that_does_not_exist(campaigns_table: Any, context: Any) -> None:
    with pytest.raises(UnknownAccount, match="nobody"):
        administer({"action": "create_key", "account_id": "nobody"}, context)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"account_id": "Acme"}, "account_id"),
        ({"currency": "euro"}, "currency"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"sender": {"name": "x", "email": "nobody", "postal_address": "y"}}, "email"),
        ({"sender": {"name": "x", "email": "jörg@shop.example", "postal_address": "y"}}, "email"),
        ({"public_url": "https://mail.fjörd.example"}, "public_url"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_request_names_the_field(campaigns_table: Any, context: Any, changed: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequest, match=named):
        administer({**CREATE, **changed}, context)
    assert campaigns_table.scan()["Items"] == []


def test_a_tenant_has_its_own_suppressions_and_may_use_domain_and_configuration_set(campaigns_table: Any) -> None:
    account = Account.model_validate(
        {**{name: value for name, value in CREATE.items() if name != "action"}, "key_salt": "0" * 32}
    )
    client = boto3.client("sesv2")
    base = "arn:aws:ses:eu-central-1:123456789012"
    with Stubber(client) as ses:
        own_list = {"SuppressedReasons": ["BOUNCE", "COMPLAINT"], "SuppressionScope": "TENANT"}
        asked = {"TenantName": "acme", "SuppressionAttributes": own_list}
        ses.add_client_error("create_tenant", "AlreadyExistsException", expected_params=asked)
        ses.add_response("put_tenant_suppression_attributes", {}, {"TenantName": "acme", **own_list})
        for resource in ("identity/mail.example.com", "configuration-set/winback-dev"):
            expected = {"TenantName": "acme", "ResourceArn": f"{base}:{resource}"}
            ses.add_response("create_tenant_resource_association", {}, expected)
        Tenants(client, "winback-dev").ensure(account)
        ses.assert_no_pending_responses()
