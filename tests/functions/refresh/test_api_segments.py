import json
from typing import Any

import boto3
import pytest

ORDERS = [{"customer": "ann@example.com", "order_id": "1", "day": "1997-09-20", "amount": 9000}]


def test_a_refresh_is_accepted_and_starts_one_execution_of_its_name(cloud: Any, events: Any) -> None:
    status, body = _answer(cloud.call("api_segments", events["api_segments"]))
    assert (status, body["state"], body["as_of"]) == (202, "requested", "1997-10-01T00:00:00Z")
    machine = boto3.client("stepfunctions").list_state_machines()["stateMachines"][0]["stateMachineArn"]
    (execution,) = boto3.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert execution["name"] == body["snapshot_id"]
    assert _get(cloud, events, f"/v1/refreshes/{body['snapshot_id']}") == (200, body)


def test_a_refresh_without_a_moment_is_of_now(cloud: Any, events: Any) -> None:
    event = {**events["api_segments"], "body": None}
    assert _answer(cloud.call("api_segments", event))[1]["as_of"] == "1997-10-01T00:00:00Z"


@pytest.mark.parametrize(
    ("as_of", "problem"), [("next week", "is not a date or time"), ("1997-10-02", "is in the future"), (12, "is not")]
)
def test_a_moment_that_cannot_be_is_refused_by_field(cloud: Any, events: Any, as_of: object, problem: str) -> None:
    status, body = _answer(cloud.call("api_segments", {**events["api_segments"], "body": json.dumps({"as_of": as_of})}))
    assert status == 400
    (field,) = body["error"]["fields"]
    assert field["field"] == "as_of"
    assert problem in field["problem"]


def test_another_accounts_refresh_and_customers_do_not_exist(cloud: Any, events: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh("snp-000000000001", "1997-10-01T00:00:00Z")
    item = {**cloud.campaigns.get_item(Key={"pk": "accounts", "sk": "cdnow"})["Item"], "sk": "other"}
    cloud.campaigns.put_item(Item=item)
    for path in ("/v1/refreshes/snp-000000000001", "/v1/snapshots/latest", "/v1/customers/ann@example.com"):
        assert _get(cloud, events, path)[0] == 200
        assert _get(cloud, events, path, account="other")[0] == 404


def test_the_latest_snapshot_is_its_summary(cloud: Any, events: Any) -> None:
    assert _get(cloud, events, "/v1/snapshots/latest")[0] == 404
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh("snp-000000000001", "1997-10-01T00:00:00Z")
    status, summary = _get(cloud, events, "/v1/snapshots/latest")
    assert (status, summary["snapshot_id"], summary["total"]["customers"]) == (200, "snp-000000000001", 1)
    assert {segment["segment"]: segment["customers"] for segment in summary["segments"]}["New Starters"] == 1


def test_a_customer_shows_consent_segment_and_activity_but_no_address(cloud: Any, events: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh("snp-000000000001", "1997-10-01T00:00:00Z")
    pk = f"cdnow#{cloud.account.customer_key('ann@example.com')}"
    consent = {"email": {"state": "granted", "at": "1997-01-01T00:00:00Z", "source": "checkout"}}
    cloud.customers.put_item(Item={"pk": pk, "sk": "profile", "email": "private@example.com", "consent": consent})
    cloud.customers.put_item(Item={"pk": pk, "sk": "activity", "last_order_at": "1997-10-05T00:00:00Z"})
    status, customer = _get(cloud, events, "/v1/customers/ann@example.com")
    assert status == 200
    assert customer["consent"] == consent
    assert customer["segment"]["segment"] == "New Starters"
    assert customer["segment"]["churn_probability"] == 0.25
    assert customer["segment"]["churn_reasons"] == [{"feature": "silence_ratio", "effect": -0.4}]
    assert customer["segment"]["silence_days"] == 11
    assert customer["segment"]["explanation"].startswith("New Starter: spent 90.00 USD in 1 order, last 11 days ago (")
    assert customer["last_order_at"] == "1997-10-05T00:00:00Z"
    assert "private@example.com" not in json.dumps(customer)


def test_silence_goes_on_between_refreshes(cloud: Any, events: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh("snp-000000000001", "1997-10-01T00:00:00Z")
    cloud.campaigns.put_item(Item={"pk": "clock", "sk": "now", "now": "1997-10-03T00:00:00Z"})
    segment = _get(cloud, events, "/v1/customers/ann@example.com")[1]["segment"]
    assert (segment["as_of"], segment["silence_days"]) == ("1997-10-01T00:00:00Z", 13)


def test_an_unknown_customer_is_not_found_and_not_repeated(cloud: Any, events: Any) -> None:
    status, body = _get(cloud, events, "/v1/customers/nobody-known")
    assert status == 404
    assert "nobody-known" not in json.dumps(body)


def _get(cloud: Any, events: Any, path: str, account: str = "cdnow") -> tuple[int, Any]:
    sample = events["api_segments"]
    context = {**sample["requestContext"], "httpMethod": "GET", "authorizer": {"account_id": account}}
    event = {**sample, "path": path, "httpMethod": "GET", "body": None, "requestContext": context}
    return _answer(cloud.call("api_segments", event))


def _answer(response: dict[str, Any]) -> tuple[int, Any]:
    return response["statusCode"], json.loads(response["body"])
