"""Stands for the endpoints of all accounts' webhooks: keeps what it is sent, and answers as it was told to.

Whether a request is signed as Standard Webhooks has it is for the reader to check; nobody here knows the keys.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

ID = "webhook-id"  # of each request, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec
_TAKEN = 202


@dataclass(frozen=True)
class Request:
    """`headers` by their names in small letters; `status`: what it was answered."""

    host: str
    path: str
    headers: Mapping[str, str]
    body: str
    status: int


class Hooks:
    """Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._answers: list[int] = []

    def answer_with(self, statuses: Sequence[int]) -> None:
        """The next requests get these, one each; later ones are taken again."""
        with self._lock:
            self._answers = list(statuses)

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        named = {name.lower(): value for name, value in headers.items()}
        with self._lock:
            status = self._answers.pop(0) if self._answers else _TAKEN
            self._requests.append(Request(named.get("host", ""), path, named, body.decode(), status))
        return status

    def shown(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(request) for request in self._requests]
