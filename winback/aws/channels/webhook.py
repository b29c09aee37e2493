"""Hands messages to an account's own endpoint: over TLS, to an address of the internet, following no redirect."""

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from http.client import HTTPException
from typing import Any

import urllib3
from urllib3.connection import HTTPSConnection

from winback.aws.channels.handing_over import Meanings, one_attempt, prepared
from winback.delivery.answers import Answer, ProviderMisconfigured, Throttled, Unclear
from winback.delivery.channels import Outgoing
from winback.delivery.channels.webhook import HTTPS_PORT, answer_of_status, body_of, headers_of, host_of, is_public
from winback.delivery.messages.values import DataMessage

Resolve = Callable[[str, int], list[str]]
Post = Callable[[str, str, bytes, Mapping[str, str]], int]
_PROVIDER = "the webhook"
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html: no error of it is a message's.
_SECRETS = Meanings(provider="Secrets Manager")
_SECRET_KEPT_SECONDS = 300
CONNECT_SECONDS, READ_SECONDS = 2, 6


def secrets_client() -> Any:
    """A message may take two calls: its signing key's and its own."""
    return one_attempt("secretsmanager", connect=1, read=2)


def addresses(host: str, port: int) -> list[str]:
    """Raises OSError."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class WebhookProvider:
    def __init__(
        self,
        secrets: Any,
        *,
        wall: Callable[[], datetime],
        resolve: Resolve = addresses,
        post: Post | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`secrets`: a client of Secrets Manager; `post` gives the status of a request to an address of the URL."""
        self._secrets, self._wall, self._resolve, self._monotonic = secrets, wall, resolve, monotonic
        self._post = post or _post
        self._known: dict[str, tuple[str, float]] = {}

    def deliver(self, outgoing: Outgoing) -> Answer:
        """Raises ProviderMisconfigured."""
        message, webhook = outgoing.message, outgoing.account.channels.webhook
        if not isinstance(message, DataMessage):
            raise TypeError("a message of another channel was given to the webhook")
        if webhook is None:
            raise ProviderMisconfigured("NoWebhook", _PROVIDER)
        key = prepared(lambda: self._secret(webhook.secret_name), _SECRETS)
        if not isinstance(key, str):
            return key
        now = self._wall()
        body = body_of(outgoing.send_id, outgoing.to, message, now)
        headers = headers_of(key, outgoing.send_id, body, now)
        try:
            address = self._address(webhook.url)
        except OSError as error:  # no name, no connection
            return Throttled(type(error).__name__)
        try:
            status = self._post(webhook.url, address, body, headers)
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            return Throttled(type(error).__name__)
        except urllib3.exceptions.SSLError as error:  # the certificate: before any byte of the request
            raise ProviderMisconfigured("Certificate", _PROVIDER) from error
        except urllib3.exceptions.HTTPError as error:
            return Unclear(type(error).__name__)
        return answer_of_status(status, outgoing.send_id)

    def _address(self, url: str) -> str:
        """The address to connect to, looked up once, so that no other can take its place afterwards."""
        found = self._resolve(*host_of(url))
        if not found or not all(map(is_public, found)):
            raise ProviderMisconfigured("NotAPublicAddress", _PROVIDER)
        return found[0]

    def _secret(self, name: str) -> str:
        secret, known_until = self._known.get(name, ("", float("-inf")))
        if self._monotonic() < known_until:
            return secret
        secret = str(self._secrets.get_secret_value(SecretId=name)["SecretString"])
        self._known[name] = secret, self._monotonic() + _SECRET_KEPT_SECONDS
        return secret


def _post(url: str, address: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The certificate is the host's, whatever address it is asked at. The answer's body is not read.

    Raises NewConnectionError, ConnectTimeoutError and SSLError while nothing was handed over, ProtocolError after it:
    TLS may break off in the middle of an answer as well.
    """
    host, port = host_of(url)
    target = urllib3.util.parse_url(url).request_uri
    connection = HTTPSConnection(
        address, port, timeout=CONNECT_SECONDS, server_hostname=host, ssl_context=ssl.create_default_context()
    )
    try:
        _connect(connection)
        connection.timeout = READ_SECONDS
        written = f"[{host}]" if ":" in host else host
        shown = {**headers, "Host": written if port == HTTPS_PORT else f"{written}:{port}"}
        try:
            connection.request("POST", target, body=body, headers=shown, preload_content=False)
            return int(connection.getresponse().status)
        except (OSError, HTTPException) as error:
            raise urllib3.exceptions.ProtocolError(type(error).__name__) from error
    finally:
        connection.close()


def _connect(connection: HTTPSConnection) -> None:
    try:
        connection.connect()
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:  # it hung up in the middle of the greeting
        raise urllib3.exceptions.NewConnectionError(connection, type(error).__name__) from error
    except ssl.SSLError as error:
        raise urllib3.exceptions.SSLError(error) from error
    except OSError as error:
        raise urllib3.exceptions.NewConnectionError(connection, type(error).__name__) from error
