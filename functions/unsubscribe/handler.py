"""The unsubscribe link: GET and HEAD show a page and change nothing, POST unsubscribes (RFC 8058, or the button)."""

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.aws.clock import Clock, SystemClock, clock_of
from winback.aws.environment import read_settings
from winback.aws.feedback import FeedbackBook
from winback.aws.signing import SigningKey
from winback.aws.tables import UnknownAccount, table
from winback.delivery.ledger import EventKind, FeedbackEvent
from winback.delivery.unsubscribe_page import asking_page, done_page, missing_page
from winback.delivery.unsubscribing import InvalidToken, read_token
from winback.identifiers import SendId

logger = Logger()
metrics = Metrics()
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",  # the address is a key to the page
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str
    unsubscribe_secret: str


@dataclass(frozen=True)
class Parts:
    book: FeedbackBook
    signing_key: SigningKey
    clock: Clock


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    book = FeedbackBook.of_tables(
        campaigns_table=campaigns,
        customers_table=table(settings.customers_table),
        performance_table=table(settings.performance_table),
        wall=SystemClock().now,
    )
    return Parts(book, SigningKey(settings.unsubscribe_secret), clock_of(campaigns))


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """A REST API proxy event for `/u/{token}`."""
    method = event["httpMethod"].upper()
    if method not in ("GET", "HEAD", "POST"):
        return _response(HTTPStatus.METHOD_NOT_ALLOWED, missing_page(), {"Allow": "GET, HEAD, POST"})
    try:
        send_id = read_token(parts().signing_key(), (event.get("pathParameters") or {}).get("token", ""))
        account = parts().book.accounts.get(send_id.account_id)
    except (InvalidToken, UnknownAccount):
        return _response(HTTPStatus.NOT_FOUND, missing_page())
    if method == "POST":
        unsubscribe(account, send_id)
        return _response(HTTPStatus.OK, done_page(account.name))
    metrics.add_metric(name="unsubscribe_page_shown", unit=MetricUnit.Count, value=1)
    return _response(HTTPStatus.OK, "" if method == "HEAD" else asking_page(account.name))


def unsubscribe(account: Account, send_id: SendId) -> None:
    """From the channel of the message that the link was in. Repeating it changes nothing more.

    A customer who is gone needs nothing: there is no address to write to. A message whose row is gone was an e-mail.
    """
    book, now = parts().book, parts().clock.now()
    channel = book.ledger.rows([send_id]).get(send_id, {}).get("channel", ChannelName.EMAIL.value)
    book.suppressions.unsubscribe(account, send_id.customer_key, channel, at=now, send_id=send_id)
    book.record(send_id, FeedbackEvent(EventKind.UNSUBSCRIBED, now), channel)
    metrics.add_metric(name="unsubscribed", unit=MetricUnit.Count, value=1)
    logger.info("unsubscribed", account_id=account.account_id, customer_key=send_id.customer_key)


def _response(status: HTTPStatus, body: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "statusCode": int(status),
        "headers": {**_HEADERS, **(headers or {})},
        "body": body,
        "isBase64Encoded": False,
    }
