"""Refreshes, snapshots and how they follow each other, the latest archetypes, and what is known of one customer."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, field_validator

from winback.aws import keys
from winback.aws.archetype_runs import RunStore
from winback.aws.clients import quick
from winback.aws.clock import clock_of
from winback.aws.environment import read_settings
from winback.aws.history import Page, SnapshotHistory
from winback.aws.lake import Lake
from winback.aws.recommendations import RecommendationStore
from winback.aws.rest_api import RequestRefused, account_of, body_of, json_response, rest_api
from winback.aws.snapshots import NotPublished, Snapshot, SnapshotStore, UnknownSnapshot
from winback.aws.tables import Accounts, batch_get, table
from winback.fields import FieldProblem
from winback.identifiers import SnapshotId, new_id
from winback.instants import EARLIEST, format_instant, parse_instant
from winback.segmentation.explanations import EXPLAINED, explain
from winback.segmentation.movement import Point

logger = Logger()
app = rest_api(
    {
        UnknownSnapshot: (HTTPStatus.NOT_FOUND, "unknown_snapshot"),
        NotPublished: (HTTPStatus.CONFLICT, "not_published"),
    }
)
LISTED = 30  # snapshots of a page of the list, unless it is asked for otherwise
MOST_POINTS = 1_200  # of one answer of the series: more than three years of days, about a megabyte


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    lake_bucket: str
    refresh_workflow_arn: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


class RefreshRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: datetime | None = None

    @field_validator("as_of", mode="before")
    @classmethod
    def _instant(cls, text: object) -> datetime | None:
        if text is None:
            return None
        if not isinstance(text, str):
            raise ValueError("is not a date or time: expected ISO 8601 such as 2026-11-21T09:30:00Z")
        return parse_instant(text)


@app.post("/v1/refreshes")
def start_refresh() -> Response[str]:
    """202 with the id to follow; the snapshot's id is the workflow execution's name."""
    account_id = account_of(app)
    campaigns = table(settings().campaigns_table)
    now = clock_of(campaigns).now()
    as_of = body_of(app, RefreshRequest).as_of or now
    if as_of > now:
        raise RequestRefused(
            HTTPStatus.BAD_REQUEST,
            "invalid_request",
            "some fields do not fit",
            [FieldProblem("as_of", "is in the future", f"at most {format_instant(now)}")],
        )
    snapshot_id = SnapshotId(new_id("snp"))
    snapshot = SnapshotStore(campaigns).request(account_id, snapshot_id, as_of)
    work = {"account_id": account_id, "snapshot_id": snapshot_id, "as_of": snapshot.as_of}
    quick("stepfunctions").start_execution(
        stateMachineArn=settings().refresh_workflow_arn, name=snapshot_id, input=json.dumps(work)
    )
    return json_response(HTTPStatus.ACCEPTED, _refresh(snapshot))


@app.get("/v1/refreshes/<snapshot_id>")
def read_refresh(snapshot_id: str) -> Response[str]:
    store = SnapshotStore(table(settings().campaigns_table))
    snapshot = None
    if snapshot_id.startswith("snp-"):
        snapshot = store.get(account_of(app), SnapshotId(snapshot_id))
    if snapshot is None:
        raise RequestRefused(HTTPStatus.NOT_FOUND, "unknown_refresh", "this account has no such refresh")
    return json_response(HTTPStatus.OK, _refresh(snapshot))


@app.get("/v1/snapshots/latest")
def read_latest_snapshot() -> Response[str]:
    """The summary: customers, orders and value per segment, family and grid cell, and the rubric behind it."""
    snapshot = SnapshotStore(table(settings().campaigns_table)).latest(account_of(app))
    if snapshot is None:
        message = "no snapshot yet: import orders, then POST /v1/refreshes"
        raise RequestRefused(HTTPStatus.NOT_FOUND, "no_snapshot", message)
    return json_response(HTTPStatus.OK, _summary(snapshot))


@app.get("/v1/snapshots")
def list_snapshots() -> Response[str]:
    """Published ones, the newest `as_of` first; `page` is `next` of the answer before."""
    limit = _limit("limit", default=LISTED, most=100)
    page = _history().newest(account_of(app), limit=limit, until=_page())
    listed = [{**_point(point), "total": point.total.model_dump()} for point in page.points]
    return json_response(HTTPStatus.OK, {"snapshots": listed, **_next(page)})


@app.get("/v1/snapshots/<snapshot_id>")
def read_snapshot(snapshot_id: str) -> Response[str]:
    """The summary of any published snapshot, as `latest` shows it."""
    snapshot = SnapshotStore(table(settings().campaigns_table)).published(account_of(app), snapshot_id)
    return json_response(HTTPStatus.OK, _summary(snapshot))


@app.get("/v1/movement/series")
def read_series() -> Response[str]:
    """Headcount and value per segment and family at every published snapshot since a moment, the oldest first.

    `same_rubric` says of a point whether it was cut by the same thresholds as the one before it in the answer.
    """
    account_id = account_of(app)
    since = _instant("since") or EARLIEST
    limit = _limit("limit", default=MOST_POINTS, most=MOST_POINTS)
    page = _history().since(account_id, since, limit=limit, place=_page())
    points: list[dict[str, Any]] = []
    for number, point in enumerate(page.points):
        points.append(
            {
                **_point(point),
                "same_rubric": point.rubric == page.points[number - 1].rubric if number else None,
                "segments": {segment: count.model_dump() for segment, count in point.segments.items()},
                "families": {family: count.model_dump() for family, count in point.families().items()},
            }
        )
    currency = Accounts(table(settings().campaigns_table)).get(account_id).currency
    return json_response(HTTPStatus.OK, {"currency": currency, "points": points, **_next(page)})


@app.get("/v1/archetypes/latest")
def read_archetypes() -> Response[str]:
    """Clusters of the latest finished run, beside the segments of its snapshot and the run before."""
    run = RunStore(table(settings().campaigns_table)).get(account_of(app))
    if run is None:
        message = "no archetypes yet: they are found each quarter, once there is a snapshot of enough customers"
        raise RequestRefused(HTTPStatus.NOT_FOUND, "no_archetypes", message)
    return json_response(HTTPStatus.OK, Lake(settings().lake_bucket).read_json(f"{run.prefix}result.json"))


@app.get("/v1/customers/<customer_id>")
def read_customer(customer_id: str) -> Response[str]:
    """Consent, segment and why, last activity; names and addresses stay where they are."""
    account_id = account_of(app)
    campaigns = table(settings().campaigns_table)
    account = Accounts(campaigns).get(account_id)
    customer = account.customer_key(customer_id)
    places = {
        "profile": keys.profile(account_id, customer),
        "segment": keys.segment(account_id, customer),
        "activity": keys.activity(account_id, customer),
    }
    items = batch_get(table(settings().customers_table), places.values())
    found = {name: items.get((place["pk"], place["sk"])) for name, place in places.items()}
    profile, segment, activity = found["profile"], found["segment"], found["activity"]
    if profile is None and segment is None:
        raise RequestRefused(HTTPStatus.NOT_FOUND, "unknown_customer", "this account has no such customer")
    return json_response(
        HTTPStatus.OK,
        {
            "customer_id": customer_id,
            "customer_key": customer,
            "consent": profile.get("consent", {}) if profile else {},
            "segment": _segment(segment, account.currency, clock_of(campaigns).now()) if segment else None,
            "last_order_at": activity.get("last_order_at") if activity else None,
        },
    )


@app.get("/v1/customers/<customer_id>/recommendations")
def read_recommendations(customer_id: str) -> Response[str]:
    """What the customer may buy next by the latest snapshot, at most five rows; none of a customer it does not know."""
    account_id = account_of(app)
    campaigns = table(settings().campaigns_table)
    customer = Accounts(campaigns).get(account_id).customer_key(customer_id)
    snapshot = SnapshotStore(campaigns).latest(account_id)
    found = RecommendationStore(Lake(settings().lake_bucket)).of_customer(snapshot, customer) if snapshot else None
    if snapshot is None or found is None:
        message = "no recommendations: the latest snapshot's orders have no lines with a category or a sku"
        raise RequestRefused(HTTPStatus.NOT_FOUND, "no_recommendations", message)
    answer = {"customer_id": customer_id, "customer_key": customer, "snapshot_id": snapshot.snapshot_id}
    return json_response(HTTPStatus.OK, {**answer, "as_of": snapshot.as_of, **found})


def _refresh(snapshot: Snapshot) -> dict[str, Any]:
    return snapshot.model_dump(mode="json", exclude={"prefix", "announced"}, exclude_none=True)


def _summary(snapshot: Snapshot) -> dict[str, Any]:
    """With `drift` once it was measured, which the last step of a refresh does."""
    lake = Lake(settings().lake_bucket)
    drift = lake.find_json(f"{snapshot.prefix}drift.json")
    return {**lake.read_json(f"{snapshot.prefix}summary.json"), **({"drift": drift} if drift is not None else {})}


def _history() -> SnapshotHistory:
    return SnapshotHistory(table(settings().campaigns_table))


def _point(point: Point) -> dict[str, Any]:
    return point.model_dump(mode="json", exclude={"segments"})


def _next(page: Page) -> dict[str, str]:
    return {"next": page.following.replace("#", "_")} if page.following is not None else {}


def _page() -> str | None:
    """`next` of an answer, as a place in the history; such as 2026-11-21T03:00:00Z_snp-0123456789ab."""
    text = app.current_event.get_query_string_value("page")
    if text is not None and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ_snp-[0-9a-f]{12}", text):
        raise _unfit("page", "is no page of this list", "`next` of the answer before, as it is")
    return text.replace("_", "#") if text is not None else None


def _limit(name: str, *, default: int, most: int) -> int:
    text = app.current_event.get_query_string_value(name) or str(default)
    if not (re.fullmatch(r"[0-9]{1,6}", text) and 1 <= int(text) <= most):
        raise _unfit(name, "is out of range", f"a whole number from 1 to {most}")
    return int(text)


def _instant(name: str) -> datetime | None:
    text = app.current_event.get_query_string_value(name)
    try:
        return parse_instant(text) if text is not None else None
    except ValueError as error:
        problem, _, expected = str(error).partition(": expected ")
        raise _unfit(name, problem, expected) from None


def _unfit(field: str, problem: str, expected: str) -> RequestRefused:
    fields = [FieldProblem(field, problem, expected)]
    return RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_request", "some fields do not fit", fields)


def _segment(item: dict[str, Any], currency: str, now: datetime) -> dict[str, Any]:
    """The stored item, why the customer is there, and the silence as of now: the item keeps only what orders change."""
    shown = {name: _plain(value) for name, value in item.items() if name not in ("pk", "sk")}
    shown.setdefault("churn_probability", None)
    shown.setdefault("churn_reasons", [])
    shown.setdefault("predicted_value_minor", None)
    if "last_purchase_at" not in shown:  # stored before items explained themselves; the next refresh writes it anew
        return shown
    silence = (now.date() - parse_instant(str(shown["last_purchase_at"])).date()).days
    facts = {**dict.fromkeys(EXPLAINED), **shown, "silence_days": max(silence, 0)}
    return {**shown, "silence_days": facts["silence_days"], "explanation": explain(facts, currency)}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return value


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    response: dict[str, Any] = app.resolve(event, context)
    return response
