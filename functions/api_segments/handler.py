"""Refreshes, the latest snapshot, and what is known of one customer."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, field_validator

from winback.aws import keys
from winback.aws.clock import clock_of
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.rest_api import FieldProblem, RequestRefused, account_of, body_of, json_response, rest_api
from winback.aws.snapshots import Snapshot, SnapshotStore
from winback.aws.tables import Accounts, batch_get, table
from winback.identifiers import SnapshotId, new_id
from winback.instants import format_instant, parse_instant

logger = Logger()
app = rest_api()


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
    boto3.client("stepfunctions").start_execution(
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
    summary = Lake(settings().lake_bucket).read_json(f"{snapshot.prefix}summary.json")
    return json_response(HTTPStatus.OK, summary)


@app.get("/v1/customers/<customer_id>")
def read_customer(customer_id: str) -> Response[str]:
    """Consent, segment and last activity; names and addresses stay where they are."""
    account_id = account_of(app)
    customer = Accounts(table(settings().campaigns_table)).get(account_id).customer_key(customer_id)
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
            "segment": _segment(segment) if segment else None,
            "last_order_at": activity.get("last_order_at") if activity else None,
        },
    )


def _refresh(snapshot: Snapshot) -> dict[str, Any]:
    return snapshot.model_dump(mode="json", exclude={"prefix"}, exclude_none=True)


def _segment(item: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in item.items() if name not in ("pk", "sk")}
    probability = shown.get("churn_probability")
    return {**shown, "churn_probability": float(probability) if probability is not None else None}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    response: dict[str, Any] = app.resolve(event, context)
    return response
