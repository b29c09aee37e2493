"""Saved templates and previews over their API."""

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from local.invocation import Invocation
from local.tables import new_table
from winback.accounts import Account
from winback.aws import keys
from winback.aws.clock import TableClock
from winback.aws.tables import Accounts
from winback.delivery.messages import shipped_templates
from winback.identifiers import AccountId
from winback.instants import parse_instant

EVENT = json.loads((Path(__file__).parents[3] / "events" / "api_messages.json").read_text(encoding="utf-8"))
CONTEXT = Invocation()
ACCOUNT = Account.model_validate(
    {
        "account_id": "acme",
        "name": "Fjord & Sons",
        "currency": "EUR",
        "key_salt": "0" * 32,
        "sender": {"name": "Fjord", "email": "hello@fjord.example", "postal_address": "1 Harbour Street"},
        "public_url": "https://go.fjord.example",
        "website": "https://fjord.example/?ref=mail",
        "locale": "de",
        "brand": {"color": "#7a1f5c", "facts": {"phone": "+47 55 12 34 56"}},
    }
)
OWN = {
    "name": "Spring",
    "subject": "Hello {{ customer.first_name }}",
    "mjml": "<mj-text>Ring us: {{ store.phone }}</mj-text>\n{% render 'button', label: \"Look\" %}",
    "sms": "{{ shop.name }}: spring is here. {{ opt_out }}",
}
Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("CAMPAIGNS_TABLE", "campaigns")
    monkeypatch.setenv("CUSTOMERS_TABLE", "customers")
    monkeypatch.setenv("LAKE_BUCKET", "lake")
    monkeypatch.setenv("CLOCK_SOURCE", "table")
    monkeypatch.setenv("SMS_ORIGINATION_IDENTITY", "")
    with mock_aws():
        campaigns, customers = new_table("campaigns"), new_table("customers")
        Accounts(campaigns).put(ACCOUNT)
        TableClock(campaigns).set(parse_instant("2026-11-21T09:30:00Z"))
        customer = ACCOUNT.customer_key("c-1")
        customers.put_item(
            Item={**keys.profile(AccountId("acme"), customer), "first_name": "<Ada>", "email": "a@b.example"}
        )
        handler = importlib.import_module("functions.api_messages.handler")
        handler.settings.cache_clear()

        def request(
            method: str, path: str, body: Any = None, query: dict[str, str] | None = None, once: str | None = None
        ) -> tuple[int, Any]:
            headers = {"content-type": "application/json", **({"idempotency-key": once} if once else {})}
            event = {
                **EVENT,
                "path": path,
                "httpMethod": method,
                "headers": headers,
                "queryStringParameters": query,
                "body": json.dumps(body) if body is not None else None,
            }
            answer = handler.handler(event, CONTEXT)
            text = answer["body"]
            kind = answer["multiValueHeaders"]["Content-Type"][0]
            return answer["statusCode"], json.loads(text) if kind == "application/json" else (text, answer)

        request.event = lambda: handler.handler(EVENT, CONTEXT)  # type: ignore[attr-defined]
        yield request


def test_the_sample_request_shows_a_shipped_message_in_the_language_that_it_asks_for(call: Any) -> None:
    shown = json.loads(call.event()["body"])
    assert (shown["language"], shown["problems"]) == ("de", [])
    assert "Es ist eine Weile her" in shown["subject"]
    assert "Fjord &amp; Sons" in shown["html"]
    assert "#7a1f5c" in shown["html"]
    assert "https://fjord.example/?ref=mail&utm_source=winback" in shown["text"]
    assert shown["size"] == len(shown["html"].encode())


def test_a_template_is_saved_read_changed_and_deleted(call: Call) -> None:
    status, made = call("POST", "/v1/templates", OWN, once="spring")
    assert (status, made["version"]) == (201, 1)
    assert call("POST", "/v1/templates", OWN, once="spring") == (status, made)
    assert call("POST", "/v1/templates", {**OWN, "name": "Other"}, once="spring")[0] == 409
    place = f"/v1/templates/{made['template_id']}"
    assert call("GET", place) == (200, made)
    status, changed = call("PUT", place, {**OWN, "name": "Summer", "version": 1})
    assert (status, changed["name"], changed["version"]) == (200, "Summer", 2)
    assert call("PUT", place, {**OWN, "name": "Autumn", "version": 1})[0] == 409
    assert call("DELETE", place)[0] == 200
    assert [call(method, place)[0] for method in ("GET", "DELETE")] == [404, 404]


def test_the_list_pages_through_an_account_s_templates_and_names_the_shipped_ones(call: Call) -> None:
    made = {call("POST", "/v1/templates", {**OWN, "name": f"T{number}"})[1]["template_id"] for number in range(3)}
    _, first = call("GET", "/v1/templates", query={"limit": "2"})
    _, second = call("GET", "/v1/templates", query={"limit": "2", "after": first["next"]})
    assert [len(first["templates"]), len(second["templates"]), second["next"]] == [2, 1, None]
    assert {each["template_id"] for each in first["templates"] + second["templates"]} == made
    assert first["templates"][0]["channels"] == ["email", "sms", "webhook"]
    assert [each["name"] for each in first["shipped"]] == list(shipped_templates())
    assert "shipped" not in second


def test_a_template_with_problems_is_refused_with_each_part_and_line(call: Call) -> None:
    status, answer = call("POST", "/v1/templates", {**OWN, "mjml": "<mj-text>\n{{ prize }}</mj-text>"})
    assert (status, answer["error"]["code"]) == (400, "invalid_template")
    (field,) = answer["error"]["fields"]
    assert (field["field"], field["problem"]) == ("mjml", "line 2: prize is not known")


def test_a_real_customer_s_message_is_previewed_escaped_and_nobody_else_s(call: Call) -> None:
    wanted = {"template": {key: value for key, value in OWN.items() if key != "name"}, "customer_id": "c-1"}
    status, shown = call("POST", "/v1/messages:preview", wanted)
    assert (status, shown["subject"]) == (200, "Hello <Ada>")
    assert "+47 55 12 34 56" in shown["html"]
    assert "https://go.fjord.example/u/sample" in shown["html"]
    assert call("POST", "/v1/messages:preview", {**wanted, "customer_id": "c-2"})[0] == 404


def test_what_is_being_written_is_previewed_with_its_problems(call: Call) -> None:
    status, shown = call("POST", "/v1/messages:preview", {"template": {"sms": "Come back"}, "channel": "sms"})
    assert (status, "text" in shown) == (200, False)
    assert {found["problem"] for found in shown["problems"]} == {"shop.name is missing", "opt_out is missing"}


def test_a_mistyped_part_of_a_preview_is_told_by_its_name(call: Call) -> None:
    status, answer = call("POST", "/v1/messages:preview", {"template": {"sbject": "Hello", "sms": "Hello"}})
    assert status == 400
    (field,) = answer["error"]["fields"]
    assert (field["field"], field["expected"]) == ("template.sbject", "subject, if that was meant")


def test_a_preview_page_shows_the_message_and_lets_nothing_run(call: Call) -> None:
    status, (page, answer) = call("GET", "/v1/templates/welcome/preview", query={"sample": "nothing-known"})
    assert status == 200
    assert "Willkommen" in page
    assert answer["multiValueHeaders"]["Content-Security-Policy"][0].startswith("sandbox; default-src 'none'")
    _, (text, _) = call("GET", "/v1/templates/welcome/preview", query={"channel": "sms", "locale": "en"})
    assert "Fjord &amp; Sons: Hello Ada, welcome." in text
    assert call("GET", "/v1/templates/tpl-000000000000/preview")[0] == 404
