"""Saved slices, previews of conditions, and what an explorer page needs, over the latest snapshot."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from winback.aws.clock import clock_of
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.latest import NothingPublished, PublishedSnapshots
from winback.aws.rest_api import (
    RequestRefused,
    account_of,
    body_of,
    idempotency_key,
    json_response,
    refusal,
    rest_api,
)
from winback.aws.slices import SliceChanged, SliceStore, SliceTaken
from winback.aws.snapshots import NotPublished, UnknownSnapshot
from winback.aws.tables import Accounts, table
from winback.fields import FieldProblem
from winback.identifiers import SnapshotId, new_id, repeatable_id
from winback.slices.condition import Condition
from winback.slices.problems import ConditionRefused
from winback.slices.recipes import shipped_recipes
from winback.slices.requests import MOST_COMPARED, ChangedSlice, Exploration, Preview, Selection
from winback.slices.saved import NewSlice, SavedSlice, SliceInUse, TooManySlices, UnknownSlice

if TYPE_CHECKING:
    from winback.aws.explorer import Explorer

logger = Logger()
app = rest_api(
    {
        UnknownSlice: (HTTPStatus.NOT_FOUND, "not_found"),
        SliceChanged: (HTTPStatus.CONFLICT, "changed_meanwhile"),
        SliceInUse: (HTTPStatus.CONFLICT, "slice_in_use"),
        SliceTaken: (HTTPStatus.CONFLICT, "conflict"),
        TooManySlices: (HTTPStatus.CONFLICT, "too_many_slices"),
        NothingPublished: (HTTPStatus.NOT_FOUND, "no_snapshot"),
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


def refuse_condition(error: ConditionRefused) -> Response[str]:
    fields = [
        FieldProblem(f"condition.{found.path}" if found.path else "condition", found.problem, found.expected)
        for found in error.problems
    ]
    return refusal(RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_condition", "the condition cannot be asked", fields))


app.exception_handler(ConditionRefused)(refuse_condition)


@app.post("/v1/slices")
def create_slice() -> Response[str]:
    wanted, account_id, once = body_of(app, NewSlice), account_of(app), idempotency_key(app)
    slice_id = repeatable_id("slc", account_id, once) if once else new_id("slc")
    made = _slices().create(account_id, slice_id, wanted, clock_of(_campaigns()).now())
    return json_response(HTTPStatus.CREATED, _shown(made))


@app.get("/v1/slices")
def list_slices() -> Response[str]:
    """The account's own, the latest changed first, and the shipped recipes."""
    saved = [_shown(each) for each in _slices().of_account(account_of(app)).values()]
    recipes = [recipe.model_dump(mode="json") for recipe in shipped_recipes().values()]
    return json_response(HTTPStatus.OK, {"slices": saved, "recipes": recipes})


@app.get("/v1/slices/<slice_id>")
def read_slice(slice_id: str) -> Response[str]:
    return json_response(HTTPStatus.OK, _shown(_slices().get(account_of(app), slice_id)))


@app.put("/v1/slices/<slice_id>")
def replace_slice(slice_id: str) -> Response[str]:
    wanted = body_of(app, ChangedSlice)
    now = clock_of(_campaigns()).now()
    return json_response(
        HTTPStatus.OK, _shown(_slices().replace(account_of(app), slice_id, wanted, wanted.version, now))
    )


@app.delete("/v1/slices/<slice_id>")
def delete_slice(slice_id: str) -> Response[str]:
    """Launches keep what they froze; a campaign that names it cannot be launched any more."""
    _slices().delete(account_of(app), slice_id)
    return json_response(HTTPStatus.OK, {"slice_id": slice_id})


@app.post("/v1/slices:preview")
def preview_selection() -> Response[str]:
    wanted = body_of(app, Preview)
    explorer = _explorer(wanted)
    condition = _condition(wanted, explorer.saved)
    assert condition is not None  # the body names one
    return json_response(
        HTTPStatus.OK, explorer.preview(condition, _compared(wanted, explorer.saved), wanted.hidden_below)
    )


@app.post("/v1/segments:explore")
def explore_selection() -> Response[str]:
    from winback.aws.explorer import NoListPrice  # noqa: PLC0415 (DuckDB loads slowly)

    wanted = body_of(app, Exploration)
    explorer = _explorer(wanted)
    condition, others = _condition(wanted, explorer.saved), _compared(wanted, explorer.saved)
    try:
        return json_response(HTTPStatus.OK, explorer.explore(condition, others, wanted.hidden_below, wanted.campaign))
    except NoListPrice as error:
        raise _refused("campaign.price_per_message", str(error), "the price that you pay for one") from error


def _explorer(wanted: Selection) -> "Explorer":
    from winback.aws.explorer import Explorer  # noqa: PLC0415 (DuckDB loads slowly)
    from winback.aws.lifts import LiftStore  # noqa: PLC0415
    from winback.aws.selections import SnapshotCache  # noqa: PLC0415

    account_id, lake = account_of(app), Lake(settings().lake_bucket)
    snapshot_id = SnapshotId(wanted.snapshot_id) if wanted.snapshot_id else None
    return Explorer(
        account=Accounts(_campaigns()).get(account_id),
        snapshot=PublishedSnapshots(_campaigns(), lake).get(account_id, snapshot_id),
        saved=_slices().of_account(account_id),
        lake=lake,
        lifts=LiftStore(_campaigns()),
        cache=SnapshotCache(lake, Path(tempfile.gettempdir()) / "winback-slices"),
    )


def _condition(wanted: Selection, saved: Mapping[str, SavedSlice]) -> Condition | None:
    """Raises RequestRefused when the named slice or recipe does not exist."""
    if wanted.slice is not None:
        if wanted.slice not in saved:
            raise _refused("slice", "is no saved slice of this account", "the id of one: GET /v1/slices lists them")
        return saved[wanted.slice].condition
    if wanted.recipe is not None:
        recipes = shipped_recipes()
        if wanted.recipe not in recipes:
            raise _refused("recipe", "is not shipped", f"one of {', '.join(recipes)}")
        return recipes[wanted.recipe].condition
    return wanted.condition


def _compared(wanted: Selection, saved: Mapping[str, SavedSlice]) -> dict[str, str]:
    """Names by id; unless they are asked for, those that changed last, without the slice itself."""
    others = [slice_id for slice_id in saved if slice_id != wanted.slice]
    if wanted.compare_with is None:
        return {slice_id: saved[slice_id].name for slice_id in others[:MOST_COMPARED]}
    for place, slice_id in enumerate(wanted.compare_with):
        if slice_id not in saved:
            raise _refused(f"compare_with[{place}]", "is no saved slice of this account", "the id of one")
    return {slice_id: saved[slice_id].name for slice_id in wanted.compare_with}


def _refused(field: str, problem: str, expected: str) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.BAD_REQUEST, "invalid_request", "some fields do not fit", [FieldProblem(field, problem, expected)]
    )


def _shown(saved: SavedSlice) -> dict[str, Any]:
    return saved.model_dump(mode="json")


def _campaigns() -> Any:
    return table(settings().campaigns_table)


def _slices() -> SliceStore:
    return SliceStore(_campaigns())


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    response: dict[str, Any] = app.resolve(event, context)
    return response
