"""A service that takes a request and does not answer."""

from collections.abc import Sequence
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError


def hanging(client: Any, times: float = float("inf")) -> list[str]:
    """The addresses that are asked; so many times nothing is answered, then an empty answer."""
    asked: list[str] = []

    def send(request: Any, **_: Any) -> AWSResponse:
        asked.append(request.url)
        if len(asked) <= times:
            raise ReadTimeoutError(endpoint_url=request.url)
        return AWSResponse(request.url, 200, {}, _Body())  # type: ignore[no-untyped-call]

    client.meta.events.register("before-send", send)
    return asked


class _Body:
    def stream(self, **_: Any) -> Sequence[bytes]:
        return [b"{}"]
