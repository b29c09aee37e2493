"""A campaign's definitions: in YAML, replaced version by version, listed page by page."""

import json
from typing import Any

YAML = """
name: Come back
audience: {families: [Slipping]}
steps:
- {template: we-miss-you, after_days: 0, send_at: 10:30, on: [monday]}
"""


def define(cloud: Any, **changes: Any) -> dict[str, Any]:
    return {**json.loads(cloud.event("api_campaigns")["body"]), **changes}


def send(cloud: Any, method: str, path: str, text: str, **headers: str) -> tuple[int, Any]:
    event = cloud.event("api_campaigns") | {"httpMethod": method, "path": path, "body": text}
    event["headers"] = {**event["headers"], **{name.replace("_", "-"): value for name, value in headers.items()}}
    event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
    answer = cloud.invoke("api_campaigns", event)
    return answer["statusCode"], json.loads(answer["body"])


def test_a_definition_may_come_as_yaml_and_its_problems_are_named_alike(cloud: Any) -> None:
    status, made = send(cloud, "POST", "/v1/campaigns", YAML, content_type="application/yaml; charset=utf-8")
    assert (status, made["definition_version"]) == (201, 1)
    assert made["definition"]["steps"][0] | {"send_at": "10:30", "on": ["monday"]} == made["definition"]["steps"][0]
    wrong = YAML.replace("after_days: 0", "after_days: -1")
    status, answer = send(cloud, "POST", "/v1/campaigns", wrong, content_type="text/yaml")
    assert (status, [field["field"] for field in answer["error"]["fields"]]) == (400, ["steps[0].after_days"])
    status, answer = send(cloud, "POST", "/v1/campaigns", "a: [", content_type="application/yaml")
    assert (status, answer["error"]["code"]) == (400, "invalid_yaml")


def test_a_replaced_definition_is_kept_and_a_launch_goes_on_with_the_one_it_froze(cloud: Any) -> None:
    launch_id = cloud.new_launch()
    campaign_id = cloud.launch(launch_id).campaign_id
    path = f"/v1/campaigns/{campaign_id}"
    changed = json.dumps(define(cloud, name="Second"))

    assert send(cloud, "PUT", path, changed)[0] == 428
    for _ in range(2):
        status, second = send(cloud, "PUT", path, changed, if_match='"1"')
        assert (status, second["definition_version"], second["definition"]["name"]) == (200, 2, "Second")
    status, answer = send(cloud, "PUT", path, json.dumps(define(cloud, name="Other")), if_match="1")
    assert (status, answer["error"]["code"]) == (409, "changed_meanwhile")

    names = [cloud.request("GET", f"{path}/versions/{number}")[1]["definition"]["name"] for number in (1, 2)]
    assert names == ["Come back", "Second"]
    assert cloud.request("GET", f"{path}/versions/3")[0] == 404
    assert cloud.launch(launch_id).definition.name == "Come back"
    assert cloud.request("GET", f"/v1/launches/{launch_id}")[1]["definition_version"] == 1


def test_campaigns_are_listed_page_by_page(cloud: Any) -> None:
    made = {cloud.request("POST", "/v1/campaigns", define(cloud, name=f"No {n}"))[1]["campaign_id"] for n in range(3)}
    listed, cursor = [], ""
    while cursor is not None:
        event = cloud.event("api_campaigns") | {"httpMethod": "GET", "path": "/v1/campaigns", "body": None}
        event["queryStringParameters"] = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = json.loads(cloud.invoke("api_campaigns", event)["body"])
        listed += [campaign["campaign_id"] for campaign in page["campaigns"]]
        cursor = page["next_cursor"]
    assert listed == sorted(made)


def test_the_schema_of_definitions_is_there_to_read(cloud: Any) -> None:
    status, schema = cloud.request("GET", "/v1/campaigns/schema")
    assert (status, schema["title"]) == (200, "Campaign definition")
