import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from functions.api_intake.handler import handler
from tests.functions.intake.conftest import EVENTS, NOW, Intake
from winback.aws import keys
from winback.aws.lake import Lake
from winback.aws.orders import Activity, OrderMarkers
from winback.identifiers import AccountId, customer_key

ACME_SALT = f"{0:032x}"


def order(number: int, **more: Any) -> dict[str, Any]:
    plain = {"customer_id": f"c{number}", "order_id": f"o{number}", "ordered_at": "2026-11-20", "amount": 19.99}
    return plain | more


def statuses(body: Any) -> list[str]:
    return [result["status"] for result in body["results"]]


def post(intake: Intake, kind: str, *items: Any, account: str = "acme") -> list[str]:
    status, body = intake.call("POST", f"/v1/{kind}:batch", {kind: list(items)}, account=account)
    assert status == 200, body
    assert [result["index"] for result in body["results"]] == list(range(len(items)))
    return statuses(body)


def test_the_sample_request_is_accepted(intake: Intake) -> None:
    answer = handler(json.loads((EVENTS / "api_intake.json").read_text()), intake.context)
    assert answer["statusCode"] == 200
    assert statuses(json.loads(answer["body"])) == ["accepted", "accepted"]
    (key,) = intake.lake.list("orders/")
    assert key.startswith("orders/account=acme/received=2026-11-21/bat-")
    first, second = intake.lake.read_rows(key)
    assert first["customer_key"] == customer_key(ACME_SALT, "c-1")
    assert (first["amount_minor"], first["ordered_at"], first["received_at"]) == (
        1999,
        "2026-11-20T10:00:00Z",
        "2026-11-21T09:30:00Z",
    )
    assert first["lines"] == [
        {"category": "tea", "price_minor": 1999, "cost_minor": None, "quantity": 1.0, "sku": "tea-7"}
    ]
    assert second["currency"] == "EUR", "the account's"


def test_each_item_is_answered_by_itself(intake: Intake) -> None:
    status, body = intake.call(
        "POST",
        "/v1/orders:batch",
        {"orders": [order(1), order(2, amount="NaN", customer_id=""), "text", order(1), order(1, amount=1), order(3)]},
    )
    assert status == 200
    assert statuses(body) == ["accepted", "rejected", "rejected", "duplicate", "rejected", "accepted"]
    assert {error["field"] for error in body["results"][1]["errors"]} == {"amount", "customer_id"}
    assert all(set(error) == {"field", "problem", "expected"} for error in body["results"][1]["errors"])
    assert body["results"][4]["errors"][0]["field"] == "order_id"
    assert body["counts"] == {"accepted": 2, "duplicate": 1, "rejected": 3}


def test_the_same_request_again_is_all_duplicates_and_changes_nothing(intake: Intake) -> None:
    for kind, items in (
        ("orders", [order(1), order(2)]),
        ("customers", [{"customer_id": "c1"}, {"customer_id": "c2"}]),
    ):
        assert post(intake, kind, *items) == ["accepted", "accepted"]
        before = intake.everything()
        intake.set_clock(NOW + timedelta(days=1))
        assert post(intake, kind, *items) == ["duplicate", "duplicate"]
        assert intake.everything() == before
        intake.set_clock(NOW)


def test_a_changed_order_is_accepted_as_a_new_version(intake: Intake) -> None:
    post(intake, "orders", order(1))
    assert post(intake, "orders", order(1, amount=5)) == ["accepted"]
    assert post(intake, "orders", order(1, amount=5)) == ["duplicate"]
    assert len(list(intake.lake.list("orders/"))) == 2


@pytest.mark.parametrize("owner_and_method", [(Lake, "write_rows"), (Activity, "raise_to"), (OrderMarkers, "mark")])
def test_a_batch_that_broke_off_ends_the_same_when_it_is_repeated(
    intake: Intake, break_at: Callable[..., Any], owner_and_method: tuple[type, str]
) -> None:
    intake.launch(NOW - timedelta(days=9))
    mend = break_at(*owner_and_method)
    with pytest.raises(ConnectionError):
        post(intake, "orders", order(1), order(2))
    mend()
    assert post(intake, "orders", order(1), order(2)) == ["accepted", "accepted"]
    assert len(list(intake.lake.list("orders/"))) == 1
    assert post(intake, "orders", order(1), order(2)) == ["duplicate", "duplicate"]
    activity = intake.customers.get_item(Key=keys.activity(AccountId("acme"), customer_key(ACME_SALT, "c1")))
    assert activity["Item"]["last_order_at"] == "2026-11-20T00:00:00Z"


def test_an_order_while_no_launch_runs_writes_no_activity(intake: Intake) -> None:
    post(intake, "orders", order(1))
    assert [item["sk"] for item in intake.customers.scan()["Items"]] == ["order"]


def test_a_file_knows_the_orders_of_a_batch(intake: Intake) -> None:
    post(intake, "orders", order(1), order(2, lines=[{"sku": "s", "quantity": 1.5, "price": 19.99}]))
    job = intake.run(
        "orders", "customer_id,order_id,ordered_at,amount\nc1,o1,2026-11-20,19.99\nc2,o2,2026-11-20,19.99\n"
    )
    assert (job["accepted"], job["duplicates"]) == (1, 1), "o2 has no lines in the file, so it is another version"


def test_a_file_knows_the_codes_of_a_batch_and_the_lake_keeps_them(intake: Intake) -> None:
    post(intake, "orders", order(1, discount_codes=[{"code": "BACK-1"}]), order(2, discount_codes=[]), order(3))
    (key,) = intake.lake.list("orders/")
    assert [row["discount_codes"] for row in intake.lake.read_rows(key)] == [["BACK-1"], [], None]
    lines = [f"c{number},o{number},2026-11-20,19.99,{code}" for number, code in ((1, "BACK-1"), (2, ""), (3, "BACK-3"))]
    job = intake.run("orders", "\n".join(["customer_id,order_id,ordered_at,amount,discount_codes", *lines, ""]))
    assert (job["accepted"], job["duplicates"]) == (1, 2)


def test_an_order_that_a_file_restated_can_be_stated_again_by_the_api(intake: Intake) -> None:
    post(intake, "orders", order(1))
    intake.run("orders", "customer_id,order_id,ordered_at,amount\nc1,o1,2026-11-20,5\n")
    assert post(intake, "orders", order(1)) == ["accepted"]
    assert post(intake, "orders", order(1)) == ["duplicate"]


def test_customers_are_stored_with_consent(intake: Intake) -> None:
    customer = {
        "customer_id": "c1",
        "email": "ann@example.com",
        "country": "de",
        "consent": {"email": {"state": "granted", "at": "2026-01-02T03:04:05Z", "source": "checkout"}},
    }
    assert post(intake, "customers", customer) == ["accepted"]
    item = intake.customers.get_item(Key=keys.profile(AccountId("acme"), customer_key(ACME_SALT, "c1")))["Item"]
    assert item["consent"] == {"email": {"state": "granted", "at": "2026-01-02T03:04:05Z", "source": "checkout"}}
    assert (item["email"], item["country"], item["updated_at"]) == ("ann@example.com", "DE", "2026-11-21T09:30:00Z")
    (key,) = intake.lake.list("customers/account=acme/received=2026-11-21/")
    assert intake.lake.read_rows(key)[0]["customer_id"] == "c1"


def test_a_consent_of_the_future_is_rejected_and_outlasts_no_denial(intake: Intake) -> None:
    def granted(at: str) -> dict[str, Any]:
        return {"customer_id": "c1", "consent": {"email": {"state": "granted", "at": at}}}

    status, body = intake.call("POST", "/v1/customers:batch", {"customers": [granted("2150-01-01")]})
    assert (status, statuses(body)) == (200, ["rejected"])
    expected = {"field": "consent.email.at", "problem": "is in the future", "expected": "at most 2026-11-22T09:30:00Z"}
    assert body["results"][0]["errors"] == [expected]
    job = intake.run("customers", "customer_id,email_consent,consent_at\nc1,granted,2150-01-01\n")
    assert job["rejects_by_reason"] == {"consent_at: in the future": 1}
    assert post(intake, "customers", {"customer_id": "c1", "created_at": "2026-11-23"}) == ["rejected"]
    assert intake.customers.scan()["Items"] == []
    assert post(intake, "customers", granted("2026-11-22T09:30:00Z")) == ["accepted"], "clocks differ"


def test_accounts_share_nothing(intake: Intake) -> None:
    assert post(intake, "orders", order(1)) == ["accepted"]
    assert post(intake, "orders", order(1), account="other") == ["accepted"]
    assert post(intake, "customers", {"customer_id": "c1", "account_id": "acme"}, account="other") == ["rejected"]
    assert len(list(intake.lake.list("orders/account=other/"))) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "invalid_json"),
        ("", 400, "invalid_json"),
        ("[" * 100_000, 400, "invalid_json"),
        ([], 400, "invalid_request"),
        ({"orders": []}, 400, "invalid_request"),
        ({"orders": {"0": {}}}, 400, "invalid_request"),
        ({"orders": [{}] * 501}, 413, "too_many_items"),
    ],
)
def test_a_request_that_is_no_batch_is_refused(intake: Intake, body: Any, status: int, code: str) -> None:
    found, answer = intake.call("POST", "/v1/orders:batch", body)
    assert (found, answer["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    "item",
    [
        order(1, customer_id="\ud800"),
        order(1, order_id={"a": 1}),
        order(1, amount=10**400),
        order(1, amount="1e999999999999"),
        order(1, amount="0e999999999999"),
        order(1, amount="1e-99999999999999999999"),
        order(1, amount="1e-999999999"),
        order(1, lines=[{"price": 1, "quantity": "1e-999999999"}]),
        order(1, ordered_at="9999-12-31T23:59:59-14:00"),
        order(1, ordered_at="0001-01-01T00:00:00+05:00"),
        order(1, lines=[{"price": 1, "sku": "\ud800"}]),
    ],
)
def test_odd_values_are_rejected_not_crashed_on(intake: Intake, item: dict[str, Any]) -> None:
    assert post(intake, "orders", item) == ["rejected"]


@pytest.mark.parametrize("amount", ["1e999999999999", "1e-99999999999999999999", "-1E+99999999999999999999", "NaN"])
def test_a_json_number_beyond_all_amounts_rejects_its_item_only(intake: Intake, amount: str) -> None:
    text = json.dumps({"orders": [order(1, amount="AMOUNT"), order(2)]}).replace('"AMOUNT"', amount)
    status, body = intake.call("POST", "/v1/orders:batch", text)
    assert (status, statuses(body)) == (200, ["rejected", "accepted"])
    assert body["results"][0]["errors"][0]["field"] == "amount"


@pytest.mark.parametrize("body", ["[" * 200_000, '{"mapping": ' * 200_000])
def test_a_body_nested_too_deeply_is_refused(intake: Intake, body: str) -> None:
    status, answer = intake.call("POST", "/v1/imports", body)
    assert (status, answer["error"]["code"]) == (400, "invalid_json")


@pytest.mark.parametrize(
    "mapping",
    [
        {"amount": "\ud800"},
        {"\ud800": "a"},
        {"amount": "secret" * 100_000},
        {"secret" * 100: "a"},
        {"amount": "a\nb"},
        {"amount": ""},
        {"amount": {"secret": 1}},
        ["secret"],
    ],
)
def test_a_mapping_holds_names_only(intake: Intake, mapping: Any) -> None:
    status, body = intake.call("POST", "/v1/imports", {"kind": "orders", "format": "csv", "mapping": mapping})
    assert status == 400
    assert [problem["field"] for problem in body["error"]["fields"]] == ["mapping"]
    assert "secret" not in json.dumps(body)
    assert all(item["pk"] != "acme#import" for item in intake.campaigns.scan()["Items"])


def test_an_answer_does_not_repeat_values_of_the_request(intake: Intake) -> None:
    _, body = intake.call(
        "POST", "/v1/customers:batch", {"customers": [{"customer_id": "c1", "email": "secret person"}]}
    )
    assert "secret" not in json.dumps(body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "orders"}, "format"),
        ({"kind": "sales", "format": "csv"}, "kind"),
        ({"kind": "orders", "format": "csv", "mapping": {"colour": "x"}}, "mapping"),
        ({"kind": "orders", "format": "csv", "account_id": "other"}, "account_id"),
    ],
)
def test_an_import_request_that_does_not_fit_names_the_field(intake: Intake, body: Any, field: str) -> None:
    status, answer = intake.call("POST", "/v1/imports", body)
    assert status == 400
    assert [problem["field"] for problem in answer["error"]["fields"]] == [field]


def test_an_upload_is_bound_to_its_object_and_size(intake: Intake) -> None:
    import base64

    started = intake.start("orders")
    policy = json.loads(base64.b64decode(started["upload"]["fields"]["policy"]))
    assert ["content-length-range", 0, 1024**3] in policy["conditions"]
    assert {"key": f"uploads/acme/{started['import_id']}"} in policy["conditions"]
    assert started["upload"]["method"] == "POST"
    assert started["expires_in"] == 3600
