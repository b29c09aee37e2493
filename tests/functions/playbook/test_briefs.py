"""Briefs over the API, from the latest snapshot and from notes."""

import json
from typing import Any

import pytest

from tests.functions.playbook.conftest import CONTEXT, Cloud, sample
from tests.unit.briefs.shops import make_shop

PATHS = ["/v1/briefs/crm", "/v1/briefs/ltv"]
NOTES = (
    "Skincare shop, 42,000 customers, AOV 48 EUR\nLapsed regulars: 6,100, no order for 180 days\nask bob@example.com"
)


def ask(cloud: Cloud, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str, str]:
    event = {**sample(), "httpMethod": method, "path": path, "body": None if body is None else json.dumps(body), **more}
    answer = cloud.handler.handler(json.loads(json.dumps(event)), CONTEXT)
    assert answer["multiValueHeaders"]["Cache-Control"] == ["no-store"]
    return answer["statusCode"], answer["multiValueHeaders"]["Content-Type"][0], answer["body"]


def publish(cloud: Cloud) -> None:
    cloud.publish(**make_shop((60, 20, 5, 4_000), (60, 20, 120, 4_000)).document)


@pytest.mark.parametrize("path", PATHS)
def test_the_latest_snapshot_gives_markdown(cloud: Cloud, path: str) -> None:
    publish(cloud)
    status, kind, text = ask(cloud, "GET", path)
    assert (status, kind) == (200, "text/markdown; charset=utf-8")
    assert "From the orders of 120 customers" in text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "asked", [{"queryStringParameters": {"format": "json"}}, {"headers": {"Accept": "application/json"}}]
)
def test_who_asks_for_json_gets_sections(cloud: Cloud, path: str, asked: dict[str, Any]) -> None:
    publish(cloud)
    status, kind, text = ask(cloud, "GET", path, **asked)
    assert (status, kind) == (200, "application/json")
    assert json.loads(text)["sections"][0]["name"] == "result"


@pytest.mark.parametrize("path", PATHS)
def test_notes_give_a_brief_without_any_snapshot_and_are_not_kept(
    cloud: Cloud, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = cloud.campaigns.scan()["Count"]
    status, _, text = ask(cloud, "POST", path, {"notes": NOTES})
    assert status == 200
    assert "Lapsed regulars" in text
    assert "6,100" in text
    logged = capsys.readouterr()
    assert "bob" not in text + logged.out + logged.err
    assert "Skincare" not in logged.out + logged.err
    assert cloud.campaigns.scan()["Count"] == before


def test_notes_as_a_form_are_taken_and_a_wrong_one_is_refused_by_field(cloud: Cloud) -> None:
    assert ask(cloud, "POST", PATHS[0], {"notes": {"customers": 900}})[0] == 200
    status, _, text = ask(cloud, "POST", PATHS[0], {"notes": {"customers": "many", "aov": 3}})
    error = json.loads(text)["error"]
    assert (status, error["code"]) == (400, "invalid_notes")
    assert {field["field"] for field in error["fields"]} == {"notes.customers", "notes.aov"}
    assert ask(cloud, "POST", PATHS[0], {"words": "x"})[0] == 400


def test_without_a_snapshot_or_with_an_old_one_it_is_said_what_to_do(cloud: Cloud) -> None:
    status, _, text = ask(cloud, "GET", PATHS[0])
    assert (status, json.loads(text)["error"]["code"]) == (404, "no_snapshot")
    cloud.publish()
    status, _, text = ask(cloud, "GET", PATHS[0])
    assert (status, json.loads(text)["error"]["code"]) == (404, "no_brief")


def test_another_kind_of_brief_is_not_there(cloud: Cloud) -> None:
    assert ask(cloud, "GET", "/v1/briefs/legal")[0] == 404
    assert ask(cloud, "POST", "/v1/briefs/legal", {"notes": "x"})[0] == 404


def test_an_unknown_format_is_refused(cloud: Cloud) -> None:
    publish(cloud)
    assert ask(cloud, "GET", PATHS[0], queryStringParameters={"format": "pdf"})[0] == 400
