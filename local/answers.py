"""Answers of the stand-ins for SageMaker, as its clients read them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})


def error_answer(status: int, code: str, message: str) -> Answer:
    """The runtime's clients read the header, those of the control plane the body's `__type`."""
    return json_answer(status, {"__type": code, "Message": message}, {"x-amzn-ErrorType": code})
