"""The topic that the configuration set is deployed with carries each kind of SES's events into the ledger."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.cloud import Cloud
from local.mail.events import event
from local.mail.messages import Message
from local.mail.recipients import HUMAN_AGENTS, Kind, Reaction
from local.place import ACCOUNT, REGION
from winback.aws.ledger import Ledger
from winback.delivery.ledger import Description, EventKind
from winback.identifiers import SendId
from winback.instants import format_instant

SENT = datetime(1997, 10, 1, tzinfo=UTC)
AFTER = timedelta(minutes=3)
WHEN = {
    Kind.DELIVERY: (EventKind.DELIVERED, SENT + AFTER),
    Kind.DELIVERY_DELAY: (EventKind.DELAYED, SENT + AFTER),
    Kind.BOUNCE: (EventKind.BOUNCED, SENT + AFTER),
    Kind.COMPLAINT: (EventKind.COMPLAINED, SENT + AFTER),
    Kind.REJECT: (EventKind.REJECTED, SENT),
    Kind.RENDERING_FAILURE: (EventKind.RENDERING_FAILED, SENT),
    Kind.OPEN: (EventKind.OPENED, SENT + AFTER),
    Kind.CLICK: (EventKind.CLICKED, SENT + AFTER),
}


@pytest.fixture(scope="module")
def publish(cloud: Cloud) -> Callable[..., None]:
    """Into the topic that is the destination of the configuration set's events, until it is taken in."""
    destinations = cloud.client("sesv2").get_configuration_set_event_destinations(ConfigurationSetName="winback-local")
    (topic,) = [found["SnsDestination"]["TopicArn"] for found in destinations["EventDestinations"]]
    sns = cloud.client("sns")

    def to_the_topic(*messages: str) -> None:
        for message in messages:
            sns.publish(TopicArn=topic, Message=message)
        cloud.wait_drained("feedback", seconds=60)

    return to_the_topic


@pytest.fixture
def rows(cloud: Cloud) -> dict[Kind, SendId]:
    """Of one send for each kind of event, claimed and not heard of."""
    account = cloud.state.account_id
    sends = {kind: SendId.parse(f"{account}_lau-feedbac10000_1_{number:032x}") for number, kind in enumerate(WHEN)}
    for send_id in sends.values():
        Ledger(cloud.table("performance")).claim(
            send_id, claim="one", now=SENT, lease_until=SENT, described=Description("cmp-000000000001", "email")
        )
    return sends


def told(kind: Kind, send_id: SendId) -> dict[str, Any]:
    address, tags = (f"{kind}@example.com".replace(" ", "-"),), {"send_id": str(send_id)}
    message = Message("m", SENT, "hello@mail.example.com", address, "", "", "", (), tags, "winback-local")
    reaction = Reaction(kind, AFTER, "Permanent", "General", HUMAN_AGENTS[0], "https://shop.example/")
    return event(message, reaction, SENT + AFTER, account=ACCOUNT, region=REGION)


def test_every_kind_of_event_reaches_its_row_of_the_ledger(
    cloud: Cloud, publish: Callable[..., None], rows: dict[Kind, SendId]
) -> None:
    publish(*(json.dumps(told(kind, send_id)) for kind, send_id in rows.items()))
    found = Ledger(cloud.table("performance")).rows(rows.values())
    assert {kind: found[send_id].get(WHEN[kind][0].value) for kind, send_id in rows.items()} == {
        kind: format_instant(at) for kind, (_, at) in WHEN.items()
    }


def test_what_ses_publishes_to_try_the_topic_becomes_no_dead_letter(cloud: Cloud, publish: Callable[..., None]) -> None:
    publish("Successfully validated SNS topic for Amazon SES event publishing.")
    assert cloud.queue_depth("feedback-dead") == 0
