"""Takes customers, orders and events, presigns uploads of files, tells how imports went."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from winback.accounts import Account
from winback.aws.batches import LARGEST_BATCH, Batches, ItemResult
from winback.aws.clients import s3
from winback.aws.clock import clock_of
from winback.aws.contacts import ContactBook
from winback.aws.customers import ProfileStore
from winback.aws.environment import read_settings
from winback.aws.events import EventMarkers
from winback.aws.imports import UPLOAD_SECONDS, ImportStore, UnknownImport, presign_upload
from winback.aws.lake import Lake
from winback.aws.orders import Activity, OrderMarkers
from winback.aws.rest_api import RequestRefused, account_of, body_of, json_response, rest_api
from winback.aws.tables import Accounts, table
from winback.fields import LONGEST_TEXT, FieldProblem, plain
from winback.identifiers import ImportId, new_id
from winback.imports.errors import UnknownColumn
from winback.imports.jobs import Format, ImportJob, Kind, canon_of
from winback.instants import format_instant

logger = Logger()
app = rest_api({UnknownImport: (HTTPStatus.NOT_FOUND, "unknown_import")})


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str
    lake_bucket: str


def _names(mapping: object) -> object:
    """Checked as a whole: a field's path would repeat the names."""
    expected = f"expected our names to columns of the file, each plain text of 1 to {LONGEST_TEXT} characters"
    if not isinstance(mapping, dict):
        raise ValueError(f"is not an object: {expected}")
    for name in (name for pair in mapping.items() for name in pair):
        if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_TEXT:
            raise ValueError(f"has a name that does not fit: {expected}")
        try:
            plain(name)
        except ValueError:
            raise ValueError(f"has a name that does not fit: {expected}") from None
    return mapping


class ImportRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Kind
    format: Format
    mapping: Annotated[dict[str, str], BeforeValidator(_names)] = Field(default_factory=dict, max_length=50)


class Parts:
    """What the routes use, made at the first request."""

    def __init__(self, settings: Settings) -> None:
        self.campaigns = table(settings.campaigns_table)
        self.accounts = Accounts(self.campaigns)
        self.clock = clock_of(self.campaigns)
        self.imports = ImportStore(self.campaigns)
        self.s3 = s3()
        self.lake = Lake(settings.lake_bucket, self.s3)
        customers = table(settings.customers_table)
        self.batches = Batches(
            self.lake,
            ProfileStore(customers),
            OrderMarkers(customers),
            Activity(customers, self.campaigns),
            EventMarkers(customers),
            ContactBook(table(settings.performance_table)),
        )


@cache
def parts() -> Parts:
    return Parts(read_settings(Settings))


@app.post("/v1/orders:batch")
def take_orders() -> Response[str]:
    items, account, now = _batch("orders")
    return _answered(parts().batches.take_orders(account, items, now))


@app.post("/v1/customers:batch")
def take_customers() -> Response[str]:
    items, account, now = _batch("customers")
    return _answered(parts().batches.take_customers(account, items, now))


@app.post("/v1/events:batch")
def take_events() -> Response[str]:
    items, account, now = _batch("events")
    return _answered(parts().batches.take_events(account, items, now))


@app.post("/v1/imports")
def start_import() -> Response[str]:
    """201 with the form to upload the file with; the import starts when the file is there."""
    account_id, request = account_of(app), body_of(app, ImportRequest)
    canon = canon_of(request.kind)
    if request.format not in canon.formats:
        fields = [FieldProblem("format", f"is none that {canon.kind} come in", " or ".join(canon.formats))]
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_request", "some fields do not fit", fields)
    try:
        canon.check(request.mapping)
    except UnknownColumn as error:
        problem, _, expected = str(error).partition(": ")
        fields = [FieldProblem("mapping", problem, expected)]
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_request", "some fields do not fit", fields) from None
    job = ImportJob(
        account_id=account_id,
        import_id=ImportId(new_id("imp")),
        kind=request.kind,
        format=request.format,
        mapping=request.mapping,
        created_at=parts().clock.now(),
    )
    parts().imports.create(job)
    upload = presign_upload(parts().s3, parts().lake.bucket, account_id, job.import_id)
    body = {"import_id": job.import_id, "state": job.state, "upload": upload, "expires_in": UPLOAD_SECONDS}
    return json_response(HTTPStatus.CREATED, body)


@app.get("/v1/imports/<import_id>")
def read_import(import_id: str) -> Response[str]:
    job = parts().imports.get(account_of(app), import_id)
    return json_response(
        HTTPStatus.OK,
        {
            "import_id": job.import_id,
            "kind": job.kind,
            "state": job.state,
            "reason": job.reason,
            **(job.outcome.model_dump() if job.outcome else {}),
            "rejects_url": parts().lake.link(job.rejects_key) if job.rejects_key else None,
            "created_at": format_instant(job.created_at),
            "finished_at": format_instant(job.finished_at) if job.finished_at else None,
        },
    )


def _batch(name: str) -> tuple[list[Any], Account, datetime]:
    """The items of `{name: [...]}`, 1 to 500, not checked yet; decimals as they were sent."""
    try:
        body = json.loads(app.current_event.decoded_body or "", parse_float=_decimal)
    except (ValueError, RecursionError):
        message = f'the body is not JSON: expected {{"{name}": [...]}}'
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_json", message) from None
    items = body.get(name) if isinstance(body, dict) else None
    if not isinstance(items, list) or not items:
        fields = [FieldProblem(name, "is missing", f"a list of 1 to {LARGEST_BATCH} items")]
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_request", "some fields do not fit", fields)
    if len(items) > LARGEST_BATCH:
        message = f"{len(items)} items: a batch has at most {LARGEST_BATCH}, larger ones go through POST /v1/imports"
        raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_many_items", message)
    return items, parts().accounts.get(account_of(app)), parts().clock.now()


def _decimal(text: str) -> Decimal:
    """As it was sent; what is no amount of anything, such as 1e-99999999999999999999, is not a number."""
    try:
        return Decimal(text)
    except ArithmeticError:
        return Decimal("NaN")


def _answered(results: Sequence[ItemResult]) -> Response[str]:
    statuses = [result.status for result in results]
    counts = {name: statuses.count(name) for name in ("accepted", "duplicate", "rejected")}
    return json_response(HTTPStatus.OK, {"results": [asdict(result) for result in results], "counts": counts})


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    response: dict[str, Any] = app.resolve(event, context)
    return response
