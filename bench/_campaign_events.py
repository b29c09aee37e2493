"""What the functions of a campaign are called with: samples of `events/` with this run's own content."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench._meter import Typed
from local.mail.events import event as provider_event
from local.mail.messages import Message
from local.mail.recipients import Kind, Reaction

# Events of the provider for each message that it took: assumed, near what shops see.
EVENTS = {
    Kind.DELIVERY: 0.985,
    Kind.OPEN: 0.4,
    Kind.CLICK: 0.03,
    Kind.BOUNCE: 0.012,
    Kind.DELIVERY_DELAY: 0.01,
    Kind.COMPLAINT: 0.0005,
}
_AGENT = {"user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"}
_PARTICULARS: Mapping[Kind, Mapping[str, str]] = {
    Kind.BOUNCE: {"bounce_type": "Permanent", "bounce_sub_type": "General"},
    Kind.OPEN: _AGENT,
    Kind.CLICK: {**_AGENT, "link": "https://acme.example/"},
}


def sample(function: str, **changes: Any) -> dict[str, Any]:
    """The event that `events/` has for the function, with these parts of its own."""
    found: dict[str, Any] = json.loads((Path("events") / f"{function}.json").read_text(encoding="utf-8"))
    return {**found, **changes}


def at_minute(minute: datetime) -> dict[str, Any]:
    """The feeder's, of the rule that calls it each minute."""
    return sample("feeder", time=minute.strftime("%Y-%m-%dT%H:%M:%SZ"))


def of_queue(function: str, bodies: Sequence[str]) -> dict[str, Any]:
    record = sample(function)["Records"][0]
    return {"Records": [{**record, "messageId": str(n), "body": body} for n, body in enumerate(bodies)]}


def of_stream(changes: Sequence[Typed], first: int) -> dict[str, Any]:
    """Items as they are after a change, numbered from `first` on."""
    return {
        "Records": [
            {
                "eventName": "MODIFY",
                "dynamodb": {
                    "SequenceNumber": str(number),
                    "NewImage": image,
                    "Keys": {"pk": image["pk"], "sk": image["sk"]},
                },
            }
            for number, image in enumerate(changes, start=first)
        ]
    }


def of_api(function: str, account_id: str, method: str, path: str, body: Any) -> dict[str, Any]:
    event = sample(function, httpMethod=method, path=path, body=json.dumps(body))
    event["requestContext"]["authorizer"]["account_id"] = account_id
    return event


def orders(start: int, count: int, customers: int, currency: str) -> list[dict[str, Any]]:
    """Of the customers in turn, one line each."""
    return [
        {
            "order_id": f"o{number}",
            "customer_id": f"c{number % customers}",
            "ordered_at": "2025-10-01T12:00:00Z",
            "amount": "49.90",
            "currency": currency,
            "discount": "0.00",
            "lines": [{"sku": f"s{number % 50}", "category": "music", "quantity": 1, "price": "49.90"}],
        }
        for number in range(start, start + count)
    ]


def taken(request: Mapping[str, Any], number: int, at: datetime) -> Message:
    """The message that a request of `send_email` makes, without its body."""
    simple = request["Content"]["Simple"]
    return Message(
        message_id=f"0100019{number:09x}-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-000000",
        source=request["FromEmailAddress"],
        destination=tuple(request["Destination"]["ToAddresses"]),
        subject=simple["Subject"]["Data"],
        html=None,
        text=None,
        headers=tuple((header["Name"], header["Value"]) for header in simple.get("Headers", [])),
        tags={tag["Name"]: tag["Value"] for tag in request["EmailTags"]},
        configuration_set=request["ConfigurationSetName"],
        sent_at=at,
    )


def heard(messages: Sequence[Message], moment: datetime) -> Iterator[str]:
    """The provider's events about these messages, in the proportions of EVENTS, as JSON."""
    for kind, share in EVENTS.items():
        for number, message in enumerate(messages[: round(share * len(messages))]):
            reaction = Reaction(kind, timedelta(minutes=1 + number % 60), **_PARTICULARS.get(kind, {}))
            yield json.dumps(provider_event(message, reaction, moment, account="123456789012", region="us-east-1"))
