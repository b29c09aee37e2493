"""The catalogue of offers over its API, and the codes of its pools."""

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
from winback.aws.clock import TableClock
from winback.aws.tables import Accounts
from winback.instants import parse_instant
from winback.offers.codes import code_is_sound

EVENT = json.loads((Path(__file__).parents[3] / "events" / "api_offers.json").read_text(encoding="utf-8"))
CONTEXT = Invocation()
GIFT = {"name": "A mug", "kind": "gift", "currency": "EUR", "cost": {"fixed_minor": 350}, "codes": "pool"}
Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("CAMPAIGNS_TABLE", "campaigns")
    monkeypatch.setenv("CLOCK_SOURCE", "table")
    with mock_aws():
        table = new_table("campaigns")
        Accounts(table).put(
            Account.model_validate(
                {
                    "account_id": "acme",
                    "name": "Acme",
                    "currency": "EUR",
                    "key_salt": "0" * 32,
                    "sender": {"name": "Acme", "email": "hello@acme.example", "postal_address": "1 Road"},
                    "public_url": "https://go.acme.example",
                }
            )
        )
        TableClock(table).set(parse_instant("2026-11-21T09:30:00Z"))
        handler = importlib.import_module("functions.api_offers.handler")
        handler.settings.cache_clear()

        def request(
            method: str,
            path: str,
            body: Any = None,
            *,
            text: str | None = None,
            query: dict[str, str] | None = None,
            once: str | None = None,
        ) -> tuple[int, Any]:
            headers = {"content-type": "application/json" if text is None else "text/csv"}
            event = {
                **EVENT,
                "httpMethod": method,
                "path": path,
                "headers": headers | ({"Idempotency-Key": once} if once else {}),
                "queryStringParameters": query,
                "body": text if text is not None else None if body is None else json.dumps(body),
            }
            answer = handler.handler(event, CONTEXT)
            csv = answer.get("multiValueHeaders", {}).get("Content-Type", [""])[0].startswith("text/csv")
            return answer["statusCode"], answer["body"] if csv else json.loads(answer["body"])

        yield request
        handler.settings.cache_clear()


def test_the_sample_request_makes_an_offer_whose_codes_are_made_for_the_shop_first(call: Call) -> None:
    status, made = call("POST", "/v1/offers", json.loads(EVENT["body"]))
    assert status == 201
    assert made["pool"] == {"size": 0, "given": 0, "left": 0, "low": True}
    path = f"/v1/offers/{made['offer_id']}/codes"
    assert call("POST", path, {"generate": 500})[1]["codes"]["left"] == 500
    status, listed = call("GET", path, query={"start": "490", "count": "100"})
    head, *codes = listed.splitlines()
    assert (status, head, len(codes)) == (200, "code", 10)
    assert all(code_is_sound(code, "BACK-") for code in codes)
    assert call("GET", f"/v1/offers/{made['offer_id']}")[1]["pool"]["size"] == 500
    assert [offer["offer_id"] for offer in call("GET", "/v1/offers")[1]["offers"]] == [made["offer_id"]]


def test_a_shops_own_codes_are_imported_as_text_or_csv_and_read_once(call: Call) -> None:
    _, made = call("POST", "/v1/offers", GIFT)
    path = f"/v1/offers/{made['offer_id']}/codes"
    status, told = call("POST", path, text="MUG-1\nMUG-2\n\nMUG-1\n")
    assert (status, told["added"], told["duplicates"]) == (200, 2, 1)
    _, told = call("POST", path, text="\ufeffId;Code\n7;MUG-2\n8;MUG-3\n")
    assert (told["added"], told["duplicates"], told["codes"]["left"]) == (1, 1, 3)
    status, refused = call("POST", path, text="code\nMUG-4\nspace in it\n")
    assert (status, refused["error"]["code"]) == (400, "invalid_codes")
    assert refused["error"]["message"].startswith("line 3 is no code")
    assert "space in it" not in json.dumps(refused)
    assert call("POST", path, text="\n")[0] == 400
    assert call("POST", path, {"generate": 5})[1]["error"]["code"] == "other_codes"
    assert call("GET", f"/v1/offers/{made['offer_id']}")[1]["pool"]["left"] == 3


def test_a_change_names_the_version_that_it_was_made_of(call: Call) -> None:
    _, made = call("POST", "/v1/offers", GIFT)
    path = f"/v1/offers/{made['offer_id']}"
    status, changed = call("PUT", path, {**GIFT, "name": "Two mugs", "version": 1})
    assert (status, changed["name"], changed["version"]) == (200, "Two mugs", 2)
    status, refused = call("PUT", path, {**GIFT, "version": 1})
    assert (status, refused["error"]["code"]) == (409, "changed_meanwhile")
    status, refused = call("PUT", path, {**GIFT, "codes": "generated", "version": 2})
    assert status == 400
    assert "expected a new offer" in refused["error"]["message"]
    status, retired = call("POST", f"{path}/retire", {"version": 2})
    assert (status, retired["retired_at"]) == (200, "2026-11-21T09:30:00Z")


def test_what_does_not_fit_is_named_by_its_field(call: Call) -> None:
    status, refused = call("POST", "/v1/offers", {**GIFT, "cost": {"fixed_minor": -1}, "colour": "red"})
    assert status == 400
    assert {field["field"] for field in refused["error"]["fields"]} == {"cost.fixed_minor", "colour"}
    status, refused = call("POST", "/v1/offers", {**GIFT, "currency": "USD"})
    assert (status, refused["error"]["message"]) == (400, "currency is USD: expected EUR, the account's")
    assert call("GET", "/v1/offers/off-00000000dead")[0] == 404


def test_a_repeated_request_makes_one_offer(call: Call) -> None:
    _, made = call("POST", "/v1/offers", GIFT, once="k1")
    assert call("POST", "/v1/offers", GIFT, once="k1") == (201, made)
    status, refused = call("POST", "/v1/offers", {**GIFT, "name": "Another"}, once="k1")
    assert (status, refused["error"]["code"]) == (409, "conflict")
