"""The local stage's webhooks: nothing of this machine is of the internet, so one server of it stands for all endpoints.

No other stage can name one (infra/config.py), and none would heed it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

_SOME_PUBLIC_ADDRESS = "1.1.1.1"  # never connected to
_SECONDS = 6


@dataclass(frozen=True)
class StandIn:
    """Has the port and the certificate of no endpoint: what is sent to it in plain HTTP tells by its Host header."""

    url: str

    def resolve(self, host: str, port: int) -> list[str]:  # noqa: ARG002 (the same for all)
        return [_SOME_PUBLIC_ADDRESS]

    def post(self, url: str, address: str, body: bytes, headers: Mapping[str, str]) -> int:  # noqa: ARG002
        """Raises urllib3's errors, as the endpoint itself would."""
        asked = urlsplit(url)
        path = f"{asked.path or '/'}?{asked.query}" if asked.query else asked.path or "/"
        answer = urllib3.request(
            "POST",
            self.url + path,
            body=body,
            headers={**headers, "Host": asked.netloc},
            retries=False,
            redirect=False,
            timeout=_SECONDS,
        )
        return answer.status


def stand_in() -> StandIn | None:
    """None but in a local stage that names one."""
    url = os.environ.get("WEBHOOK_STAND_IN")
    return StandIn(url) if url and os.environ.get("WINBACK_STAGE") == "local" else None
