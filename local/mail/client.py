"""Drives the recorder: moves its clock, reads what was sent, makes things go wrong. For the demo and tests."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import httpx

from local.mail.recipients import Rates
from local.mail.ses import Fault
from winback.instants import format_instant


@dataclass(frozen=True)
class Counts:
    """What the recorder has seen. `sent_twice`: send ids with more than one accepted message (none, ever)."""

    messages: int
    sends: int
    sent_twice: list[str]
    throttled: int
    suppressed: int
    emitted: dict[str, int]
    refused_visits: dict[str, int]
    pending: int
    next_due: str | None
    now: str


class MailClient:
    """One recorder at a base URL such as http://127.0.0.1:4580."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=600)

    def close(self) -> None:
        self._http.close()

    def set_clock(self, now: datetime | None) -> None:
        """Simulated from now on: messages are stamped `now`, reactions wait for `advance`. None: real time again."""
        self._post("clock", {"now": format_instant(now) if now else None})

    def advance(self, now: datetime) -> dict[str, int]:
        """Moves the clock and lets everything due happen. Counts by kind: SES's event types, and Unsubscribe and Scan
        for the requests that recipients made to the unsubscribe link."""
        emitted: dict[str, int] = self._post("advance", {"now": format_instant(now)})["emitted"]
        return emitted

    def set_recipients(self, seed: int, rates: Rates) -> None:
        """Who will react how to messages accepted from now on."""
        self._post("recipients", {"seed": seed, "rates": asdict(rates)})

    def inject(self, faults: Sequence[Fault]) -> None:
        """Replaces the planned faults; their calls are counted from now."""
        self._post("faults", {"faults": [asdict(fault) for fault in faults]})

    def messages(self, **filters: str | int) -> list[dict[str, Any]]:
        """Accepted messages, oldest first; filters: `send_id`, `to`, `offset`, `limit` (1,000 unless told)."""
        found: list[dict[str, Any]] = self._answer(self._http.get("/_control/messages", params=filters))["messages"]
        return found

    def texts(self) -> list[dict[str, Any]]:
        """Accepted texts of AWS End User Messaging, oldest first: message_id, number, text, context."""
        found: list[dict[str, Any]] = self._answer(self._http.get("/_control/texts"))["texts"]
        return found

    def text_back(self, number: str, text: str, message_id: str | None = None) -> None:
        """A customer answers a text."""
        self._post("text-answer", {"number": number, "text": text, "message_id": message_id})

    def hook_requests(self) -> list[dict[str, Any]]:
        """What was sent to webhooks, oldest first: host, path, headers, body, and the status that answered it."""
        found: list[dict[str, Any]] = self._answer(self._http.get("/_control/hooks"))["requests"]
        return found

    def answer_hooks(self, *statuses: int) -> None:
        """The next requests to webhooks get these answers, one each."""
        self._post("hook-answers", {"statuses": list(statuses)})

    def counts(self) -> Counts:
        return Counts(**self._answer(self._http.get("/_control/counts")))

    def healthy(self) -> bool:
        try:
            return self._http.get("/_control/health", timeout=2).is_success
        except httpx.TransportError:
            return False

    def _post(self, name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return self._answer(self._http.post(f"/_control/{name}", json=payload))

    @staticmethod
    def _answer(response: httpx.Response) -> dict[str, Any]:
        if response.is_error:
            raise RuntimeError(f"recorder answered {response.status_code}: {response.text[:500]}")
        body: dict[str, Any] = response.json()
        return body
