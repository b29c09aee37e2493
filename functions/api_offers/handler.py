"""The catalogue of offers and their codes."""

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from winback.aws.clock import clock_of
from winback.aws.code_pools import CodePools, NoPool, PoolChanged, TooManyCodes
from winback.aws.environment import read_settings
from winback.aws.offers import OfferChanged, OfferRefused, OfferStore, OfferTaken, TooManyOffers, UnknownOffer
from winback.aws.rest_api import (
    account_of,
    body_of,
    idempotency_key,
    json_response,
    query_of,
    rest_api,
    text_response,
)
from winback.aws.tables import Accounts, table
from winback.identifiers import AccountId, new_id, repeatable_id
from winback.offers.code_list import UnreadableCodes, read_codes
from winback.offers.offer import NewOffer, Offer
from winback.offers.requests import ChangedOffer, CodeRange, MoreCodes, Retirement

logger = Logger()
app = rest_api(
    {
        UnknownOffer: (HTTPStatus.NOT_FOUND, "not_found"),
        OfferChanged: (HTTPStatus.CONFLICT, "changed_meanwhile"),
        OfferTaken: (HTTPStatus.CONFLICT, "conflict"),
        OfferRefused: (HTTPStatus.BAD_REQUEST, "invalid_request"),
        TooManyOffers: (HTTPStatus.CONFLICT, "too_many_offers"),
        NoPool: (HTTPStatus.CONFLICT, "other_codes"),
        PoolChanged: (HTTPStatus.CONFLICT, "changed_meanwhile"),
        TooManyCodes: (HTTPStatus.BAD_REQUEST, "too_many_codes"),
        UnreadableCodes: (HTTPStatus.BAD_REQUEST, "invalid_codes"),
    }
)


@dataclass(frozen=True)
class Settings:
    campaigns_table: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@app.post("/v1/offers")
def create_offer() -> Response[str]:
    wanted, account_id, once = body_of(app, NewOffer, quoting=True), account_of(app), idempotency_key(app)
    offer_id = repeatable_id("off", account_id, once) if once else new_id("off")
    now = clock_of(_campaigns()).now()
    made = _offers().create(account_id, offer_id, wanted, currency=_currency(account_id), now=now)
    return json_response(HTTPStatus.CREATED, _shown(account_id, made))


@app.get("/v1/offers")
def list_offers() -> Response[str]:
    """The latest changed first, retired ones too; how their codes stand is told by GET of one."""
    found = _offers().of_account(account_of(app)).values()
    return json_response(HTTPStatus.OK, {"offers": [offer.model_dump(mode="json") for offer in found]})


@app.get("/v1/offers/<offer_id>")
def read_offer(offer_id: str) -> Response[str]:
    account_id = account_of(app)
    return json_response(HTTPStatus.OK, _shown(account_id, _offers().get(account_id, offer_id)))


@app.put("/v1/offers/<offer_id>")
def replace_offer(offer_id: str) -> Response[str]:
    """Launches keep what they froze."""
    wanted, account_id = body_of(app, ChangedOffer, quoting=True), account_of(app)
    now = clock_of(_campaigns()).now()
    changed = _offers().replace(
        account_id, offer_id, wanted.stated, currency=_currency(account_id), version=wanted.version, now=now
    )
    return json_response(HTTPStatus.OK, _shown(account_id, changed))


@app.post("/v1/offers/<offer_id>/retire")
def retire_offer(offer_id: str) -> Response[str]:
    wanted, account_id = body_of(app, Retirement), account_of(app)
    retired = _offers().retire(account_id, offer_id, wanted.version, clock_of(_campaigns()).now())
    return json_response(HTTPStatus.OK, _shown(account_id, retired))


@app.post("/v1/offers/<offer_id>/codes")
def add_codes(offer_id: str) -> Response[str]:
    """Codes of the shop's own as text or CSV, at most 20,000 at a time; or how many to generate, as JSON."""
    account_id = account_of(app)
    offer = _offers().get(account_id, offer_id)
    if _content_type() in ("text/plain", "text/csv"):
        added = _pools().add(account_id, offer, read_codes(app.current_event.decoded_body or ""))
        shown = {"added": added.added, "duplicates": added.duplicates}
    else:
        _pools().generate(account_id, offer, body_of(app, MoreCodes).generate)
        shown = {}
    return json_response(HTTPStatus.OK, {"offer_id": offer_id, **shown, "codes": _pool(account_id, offer)})


@app.get("/v1/offers/<offer_id>/codes")
def export_codes(offer_id: str) -> Response[str]:
    """Generated codes as CSV, for the shop to know them before customers do."""
    account_id, wanted = account_of(app), query_of(app, CodeRange)
    offer = _offers().get(account_id, offer_id)
    codes = _pools().exported(account_id, offer, wanted.start, wanted.count)
    return text_response(HTTPStatus.OK, "text/csv; charset=utf-8", "\n".join(["code", *codes, ""]))


def _shown(account_id: AccountId, offer: Offer) -> dict[str, Any]:
    shown = offer.model_dump(mode="json")
    return {**shown, "pool": _pool(account_id, offer)} if offer.codes.unique else shown


def _pool(account_id: AccountId, offer: Offer) -> dict[str, Any]:
    state = _pools().state(account_id, offer)
    return {"size": state.size, "given": state.given, "left": state.left, "low": state.low}


def _content_type() -> str:
    return (app.current_event.headers.get("content-type") or "").partition(";")[0].strip().lower()


def _currency(account_id: AccountId) -> str:
    return Accounts(_campaigns()).get(account_id).currency


def _campaigns() -> Any:
    return table(settings().campaigns_table)


def _offers() -> OfferStore:
    return OfferStore(_campaigns())


def _pools() -> CodePools:
    return CodePools(_campaigns())


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    response: dict[str, Any] = app.resolve(event, context)
    return response
