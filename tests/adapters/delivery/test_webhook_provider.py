"""The webhook: what is posted where, and how answers are understood."""

import hashlib
import hmac
import json
import ssl
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import urllib3
from botocore.stub import Stubber
from urllib3.connection import HTTPSConnection

from tests.adapters.delivery.outgoing import NOW, SEND_ID, client, outgoing
from winback.accounts import Account
from winback.accounts.channels import WebhookSettings
from winback.aws.channels.webhook import WebhookProvider, _post
from winback.aws.channels.webhook_stand_in import stand_in
from winback.delivery.answers import Accepted, Answer, ProviderMisconfigured, Refused, Throttled, Unclear
from winback.delivery.channels import Outgoing
from winback.delivery.messages.values import DataMessage

KEY = b"0123456789abcdef01234567"
URL = "https://hooks.example.com/in?brand=fjord"


@pytest.fixture
def secrets() -> Iterator[Any]:
    made = client("secretsmanager")
    with Stubber(made) as stub:
        answer = {"SecretString": "whsec_" + b64encode(KEY).decode()}
        stub.add_response("get_secret_value", answer, {"SecretId": "winback-test-webhook-fjord"})
        yield made


def out(account: Account, url: str = URL) -> Outgoing:
    webhook = WebhookSettings(url=url, secret_name="winback-test-webhook-fjord")
    return outgoing(account, "c-7", DataMessage({"text": "Grüße"}), webhook=webhook)


def provider_with(
    secrets: Any, post: Callable[..., int], addresses: tuple[str, ...] = ("93.184.215.14",)
) -> WebhookProvider:
    return WebhookProvider(secrets, wall=lambda: NOW, resolve=lambda host, port: list(addresses), post=post)


def test_a_message_is_signed_over_its_id_time_and_body(secrets: Any, account: Account) -> None:
    seen: list[tuple[str, str, bytes, dict[str, str]]] = []

    def post(url: str, address: str, body: bytes, headers: Any) -> int:
        seen.append((url, address, body, dict(headers)))
        return 202

    provider = provider_with(secrets, post)
    for _ in range(2):  # the key is read once
        assert provider.deliver(out(account)) == Accepted(str(SEND_ID))
    url, address, body, headers = seen[0]
    assert (url, address) == (URL, "93.184.215.14")
    assert json.loads(body)["data"]["fields"] == {"text": "Grüße"}
    assert headers["Idempotency-Key"] == headers["webhook-id"] == str(SEND_ID)
    signed = f"{SEND_ID}.{headers['webhook-timestamp']}.".encode() + body
    expected = hmac.new(KEY, signed, hashlib.sha256).digest()
    version, _, signature = headers["webhook-signature"].partition(",")
    assert (version, b64decode(signature)) == ("v1", expected)
    assert seen[1][3]["Idempotency-Key"] == str(SEND_ID)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Accepted(str(SEND_ID))),
        (204, Accepted(str(SEND_ID))),
        (400, Refused("Http400")),
        (422, Refused("Http422")),
        (429, Throttled("Http429", brief=True)),
        (503, Throttled("Http503")),
        (500, Unclear("Http500")),
        (504, Unclear("Http504")),
        (302, None),
        (401, None),
        (404, None),
    ],
)
def test_what_a_status_means(secrets: Any, account: Account, status: int, expected: Answer | None) -> None:
    provider = provider_with(secrets, lambda *_: status)
    if expected is None:
        with pytest.raises(ProviderMisconfigured, match=f"Http{status}"):
            provider.deliver(out(account))
    else:
        assert provider.deliver(out(account)) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (urllib3.exceptions.ConnectTimeoutError(None, "x"), Throttled("ConnectTimeoutError")),
        (urllib3.exceptions.ReadTimeoutError(None, "x", "x"), Unclear("ReadTimeoutError")),  # type: ignore[arg-type]
        (urllib3.exceptions.ProtocolError("reset"), Unclear("ProtocolError")),
    ],
)
def test_only_a_connection_that_never_stood_is_certain(
    secrets: Any, account: Account, error: Exception, expected: Answer
) -> None:
    def post(*_: Any) -> int:
        raise error

    assert provider_with(secrets, post).deliver(out(account)) == expected


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "::1", "fd00::1", "::ffff:10.0.0.1", "224.0.0.1"),
        *("64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),  # 169.254.169.254 behind a gateway
    ],
)
def test_nothing_inside_is_ever_asked(secrets: Any, account: Account, address: str) -> None:
    def post(*_: Any) -> int:
        raise AssertionError("it was asked")

    with pytest.raises(ProviderMisconfigured, match="NotAPublicAddress"):
        provider_with(secrets, post, ("93.184.215.14", address)).deliver(out(account))


@pytest.mark.parametrize(("stage", "heeded"), [("local", True), ("dev", False), ("prod", False)])
def test_a_stand_in_for_all_endpoints_is_heeded_by_the_local_stage_alone(
    stage: str, heeded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WINBACK_STAGE", stage)
    monkeypatch.setenv("WEBHOOK_STAND_IN", "http://127.0.0.1:1")
    assert (stand_in() is not None) == heeded


def test_a_name_that_has_no_address_is_for_later(secrets: Any, account: Account) -> None:
    def lost(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    provider = WebhookProvider(secrets, wall=lambda: NOW, resolve=lost, post=lambda *_: 200)
    assert provider.deliver(out(account)) == Throttled("OSError")


@pytest.mark.parametrize(
    "url", ["https://x.example:99999/", "https://[::1/", "https://a..b/", f"https://{'a' * 70}.b/"]
)
def test_an_address_that_is_none_is_an_operator_s_and_leaves_nothing_unclear(
    secrets: Any, account: Account, url: str
) -> None:
    provider = WebhookProvider(secrets, wall=lambda: NOW, post=lambda *_: 200)
    with pytest.raises(ProviderMisconfigured, match="NoAddress"):
        provider.deliver(out(account, url))


def test_plain_http_is_refused_as_a_setting() -> None:
    with pytest.raises(ValueError, match="url"):
        WebhookSettings(url="http://hooks.example.com", secret_name="x")


def test_a_server_without_a_certificate_for_the_host_is_not_spoken_to() -> None:
    heard: list[bytes] = []

    class Plain(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read())

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Plain)
    thread = threading.Thread(target=server.handle_request, daemon=True)
    thread.start()
    url = f"https://hooks.example.com:{server.server_port}/in"
    with pytest.raises(urllib3.exceptions.HTTPError):
        _post(url, "127.0.0.1", b"body", {})
    server.server_close()
    assert heard == []


def test_tls_that_breaks_off_after_the_request_leaves_it_unclear(
    secrets: Any, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint has the message: freeing the row would send it twice."""
    handed_over: list[bytes] = []

    def connect(_: Any) -> None: ...

    def request(_: Any, method: str, target: str, *, body: bytes, **__: Any) -> None:
        handed_over.append(f"{method} {target}".encode() + body[:1])

    def answer(_: Any) -> None:
        raise ssl.SSLEOFError("EOF occurred in violation of protocol")

    monkeypatch.setattr(HTTPSConnection, "connect", connect)
    monkeypatch.setattr(HTTPSConnection, "request", request)
    monkeypatch.setattr(HTTPSConnection, "getresponse", answer)
    assert provider_with(secrets, _post).deliver(out(account)) == Unclear("ProtocolError")
    assert handed_over == [b"POST /in?brand=fjord{"]
