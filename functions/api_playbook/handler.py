"""The playbook with the account's figures, drafts of its campaigns, the call list, and what missing data would unlock.

Briefs have their routes here too: from the latest snapshot, or from notes.
"""

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from winback.aws.calls import CallListPages, NoCallList, NotACursor, launches_under_way
from winback.aws.campaigns import CampaignStore
from winback.aws.clock import clock_of
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.latest import NothingPublished, PublishedSnapshots
from winback.aws.launches import LaunchStore
from winback.aws.playbook import PlaybookStore, make_drafts
from winback.aws.rest_api import (
    RequestRefused,
    account_of,
    body_of,
    json_response,
    query_of,
    rest_api,
)
from winback.aws.snapshots import NotPublished, UnknownSnapshot
from winback.aws.tables import Accounts, table
from winback.fields import FieldProblem
from winback.playbook.drafts import ASSUMED_BASE_RATE, plan_drafts
from winback.playbook.loading import InvalidPlaybook
from winback.playbook.requests import Apply, CallsQuery, OwnRows
from winback.playbook.standing import Standing
from winback.playbook.table import playbook_table

logger = Logger()
app = rest_api(
    {
        NothingPublished: (HTTPStatus.NOT_FOUND, "no_snapshot"),
        UnknownSnapshot: (HTTPStatus.NOT_FOUND, "unknown_snapshot"),
        NotPublished: (HTTPStatus.CONFLICT, "not_published"),
        NoCallList: (HTTPStatus.NOT_FOUND, "no_call_list"),
        NotACursor: (HTTPStatus.BAD_REQUEST, "invalid_cursor"),
        InvalidPlaybook: (HTTPStatus.CONFLICT, "own_playbook_does_not_fit"),
    }
)


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    lake_bucket: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@app.get("/v1/playbook")
def read_playbook() -> Response[str]:
    """Every cell and behaviour with the customers of the latest snapshot, their total and average value to date."""
    snapshot = _snapshots().get(account_of(app))
    standing = Standing.of(_snapshots().summary(snapshot))
    shown = playbook_table(_playbooks().get(account_of(app)), standing).describe()
    return json_response(HTTPStatus.OK, {"snapshot_id": snapshot.snapshot_id, **shown})


@app.put("/v1/playbook")
def replace_rows() -> Response[str]:
    """The account's own rows; answers the playbook as it is then."""
    own = body_of(app, OwnRows).model_dump()
    try:
        playbook = _playbooks().put(account_of(app), own, clock_of(_campaigns()).now())
    except InvalidPlaybook as error:
        fields = [FieldProblem(found.field, found.problem, found.expected) for found in error.problems]
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_playbook", "some rows do not fit", fields) from None
    return json_response(HTTPStatus.OK, playbook.model_dump(mode="json"))


@app.post("/v1/playbook:apply")
def apply() -> Response[str]:
    """Draft campaigns of the chosen cells, or of all. A person launches, reads the dry run, approves and starts."""
    account_id, wanted = account_of(app), body_of(app, Apply)
    snapshot = _snapshots().get(account_id)
    standing = Standing.of(_snapshots().summary(snapshot))
    plans = plan_drafts(_playbooks().get(account_id), standing, wanted.cells)
    now = clock_of(_campaigns()).now()
    made = make_drafts(account_id, plans, CampaignStore(_campaigns()), now=now, dry=wanted.dry)
    logger.info("playbook applied", extra={"dry": wanted.dry, "drafts": len(made["drafts"])})
    answer = {"snapshot_id": snapshot.snapshot_id, "dry": wanted.dry, "assumed_base_rate": ASSUMED_BASE_RATE}
    return json_response(HTTPStatus.OK, {**answer, **made})


@app.get("/v1/playbook/calls")
def read_call_list() -> Response[str]:
    """Whom a person should get in touch with, by the store's own customer id: the key's holder is the brand."""
    account = Accounts(_campaigns()).get(account_of(app))
    pages = CallListPages(account, _snapshots(), _lake(), table(settings().customers_table))
    launches = launches_under_way(LaunchStore(_campaigns()), account.account_id)
    page = pages.read(_playbooks().get(account.account_id), launches, query_of(app, CallsQuery))
    return json_response(HTTPStatus.OK, page)


@app.get("/v1/data-quality")
def read_data_quality() -> Response[str]:
    """What is missing in the account's data, and which analysis each missing field would unlock, ranked."""
    snapshot = _snapshots().get(account_of(app))
    found = _snapshots().summary(snapshot).get("data_quality")
    if found is None:
        message = f"snapshot {snapshot.snapshot_id} says nothing of it: refresh once more (POST /v1/refreshes)"
        raise RequestRefused(HTTPStatus.NOT_FOUND, "no_data_quality", message)
    answer = {"snapshot_id": snapshot.snapshot_id, "as_of": snapshot.as_of, "data_quality": found}
    return json_response(HTTPStatus.OK, answer)


@app.get("/v1/briefs/<kind>")
def read_brief(kind: str) -> Response[str]:
    """The CRM brief (crm) or the plan for lifetime value (ltv), from the latest snapshot."""
    from winback.aws.briefs import brief_response, latest_facts  # noqa: PLC0415 (most requests need none of it)

    return brief_response(app, kind, lambda: latest_facts(account_of(app), _snapshots(), _playbooks()))


@app.post("/v1/briefs/<kind>")
def write_brief(kind: str) -> Response[str]:
    """The same from notes in the body, text or form; nothing of them is kept."""
    from winback.aws.briefs import brief_response, stated_facts  # noqa: PLC0415

    return brief_response(app, kind, lambda: stated_facts(app))


def _campaigns() -> Any:
    return table(settings().campaigns_table)


def _playbooks() -> PlaybookStore:
    return PlaybookStore(_campaigns())


def _snapshots() -> PublishedSnapshots:
    return PublishedSnapshots(_campaigns(), _lake())


@cache
def _lake() -> Lake:
    return Lake(settings().lake_bucket)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    response: dict[str, Any] = app.resolve(event, context)
    return response
