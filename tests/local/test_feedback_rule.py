"""The deployed EventBridge rule takes exactly the events that recipients' mail causes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.cloud import Cloud, name_of
from local.mail.events import DETAIL_TYPES, event
from local.mail.messages import Message
from local.mail.recipients import Kind, Reaction
from local.place import ACCOUNT, REGION

SENT = datetime(1997, 10, 1, tzinfo=UTC)
ADDRESS = ("anna@example.com",)
TAGS = {"send_id": "s"}
MESSAGE = Message("m", SENT, "hello@mail.example.com", ADDRESS, "", "", "", (), TAGS, "winback-local")


@pytest.fixture(scope="module")
def pattern(cloud: Cloud) -> str:
    """The pattern of the rule whose target is the feedback queue."""
    events = cloud.client("events")
    for rule in events.list_rules()["Rules"]:
        targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        if any(target["Arn"].endswith(f":{name_of('feedback')}") for target in targets):
            found: str = rule["EventPattern"]
            return found
    raise AssertionError("no rule targets the feedback queue")


def matches(cloud: Cloud, pattern: str, one: dict[str, Any]) -> bool:
    result: bool = cloud.client("events").test_event_pattern(EventPattern=pattern, Event=json.dumps(one))["Result"]
    return result


@pytest.mark.parametrize("kind", list(DETAIL_TYPES))
def test_every_kind_of_event_reaches_the_queue(cloud: Cloud, pattern: str, kind: Kind) -> None:
    reaction = Reaction(kind, timedelta(0), "Permanent", "General")
    assert matches(cloud, pattern, event(MESSAGE, reaction, SENT, account=ACCOUNT, region=REGION))


def test_other_sources_do_not(cloud: Cloud, pattern: str) -> None:
    foreign = event(MESSAGE, Reaction(Kind.DELIVERY, timedelta(0)), SENT, account=ACCOUNT, region=REGION)
    assert not matches(cloud, pattern, {**foreign, "source": "somebody.else"})
