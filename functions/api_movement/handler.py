"""The migration matrices between any two published snapshots of the account."""

import os
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from winback.aws.environment import read_settings
from winback.aws.lake import Lake, movement_key
from winback.aws.rest_api import RequestRefused, account_of, json_response, rest_api
from winback.aws.snapshots import NotPublished, Snapshot, SnapshotStore, UnknownSnapshot
from winback.aws.tables import Accounts, table
from winback.fields import FieldProblem
from winback.identifiers import AccountId
from winback.segmentation.movement import RubricUsed, comparability

logger = Logger()
app = rest_api(
    {
        UnknownSnapshot: (HTTPStatus.NOT_FOUND, "unknown_snapshot"),
        NotPublished: (HTTPStatus.CONFLICT, "not_published"),
    }
)


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    lake_bucket: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@app.get("/v1/movement")
def read_movement() -> Response[str]:
    """Customers and their net value by segment, family and grid cell before and now; the earlier snapshot is `from`."""
    account_id = account_of(app)
    campaigns, lake = table(settings().campaigns_table), Lake(settings().lake_bucket)
    store = SnapshotStore(campaigns)
    before, now = (_asked_for(store, account_id, name) for name in ("from", "to"))
    if before.as_of > now.as_of:
        problem = FieldProblem("from", "is later than `to`", "the earlier snapshot: exchange the two")
        raise RequestRefused(
            HTTPStatus.BAD_REQUEST, "invalid_request", "the snapshots are in the wrong order", [problem]
        )
    rubrics = [RubricUsed.of(lake.read_json(f"{snapshot.prefix}rubric.json")) for snapshot in (before, now)]
    ends = [
        {"snapshot_id": snapshot.snapshot_id, "as_of": snapshot.as_of, "rubric": rubric.model_dump(mode="json")}
        for snapshot, rubric in zip((before, now), rubrics, strict=True)
    ]
    answer = {
        "from": ends[0],
        "to": ends[1],
        "currency": Accounts(campaigns).get(account_id).currency,
        **comparability(*rubrics),
        **_matrices(lake, account_id, before, now),
    }
    return json_response(HTTPStatus.OK, answer)


def _asked_for(store: SnapshotStore, account_id: AccountId, name: str) -> Snapshot:
    snapshot_id = app.current_event.get_query_string_value(name) or ""
    if not snapshot_id:
        problem = FieldProblem(name, "is missing", "a snapshot's id; GET /v1/snapshots lists them")
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_request", "two snapshots have to be named", [problem])
    return store.published(account_id, snapshot_id)


def _matrices(lake: Lake, account_id: AccountId, before: Snapshot, now: Snapshot) -> Any:
    """Published snapshots never change: what was compared once is kept."""
    key = movement_key(account_id, before.snapshot_id, now.snapshot_id)
    matrices = lake.find_json(key)
    if matrices is None:
        matrices = _compare(lake, before, now)
        lake.write_json(key, matrices)
    return matrices


def _compare(lake: Lake, before: Snapshot, now: Snapshot) -> Any:
    import duckdb  # noqa: PLC0415 (most comparisons are kept: the others wait for it)

    from winback.segmentation.migration import compare  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        paths = [
            lake.download(f"{snapshot.prefix}customers.parquet", Path(folder) / f"{number}.parquet")
            for number, snapshot in enumerate((before, now))
        ]
        with duckdb.connect(config={"threads": os.cpu_count() or 1, "temp_directory": folder}) as connection:
            return compare(connection, *paths).model_dump(mode="json")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
