"""The key that signs unsubscribe links, from Secrets Manager."""

import time
from collections.abc import Callable
from typing import Any

from winback.aws.clients import quick

_KEPT_SECONDS = 900


class SigningKey:
    """Reads the secret once and again every quarter of an hour."""

    def __init__(self, name: str, client: Any = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._client = client or quick("secretsmanager")
        self._monotonic = monotonic
        self._value: str | None = None
        self._read_at = 0.0

    def __call__(self) -> str:
        """The secret: a random text."""
        if self._value is None or self._monotonic() - self._read_at > _KEPT_SECONDS:
            value: str = self._client.get_secret_value(SecretId=self._name)["SecretString"]
            self._value, self._read_at = value, self._monotonic()
        return self._value
