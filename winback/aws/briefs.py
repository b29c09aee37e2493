"""Briefs of an account's latest snapshot, and briefs as responses."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from winback.aws.latest import PublishedSnapshots
from winback.aws.playbook import PlaybookStore
from winback.aws.rest_api import RequestRefused, body_of, json_response, query_of, text_response
from winback.briefs.facts import AccountFacts
from winback.briefs.kinds import BRIEFS
from winback.briefs.live import SummaryTooOld, facts_of_summary
from winback.briefs.markdown import markdown
from winback.briefs.notes import InvalidNotes
from winback.briefs.reading import read_text
from winback.briefs.requests import BriefQuery, BriefRequest, wants_json
from winback.briefs.stated import facts_of_notes, with_notes
from winback.fields import FieldProblem
from winback.identifiers import AccountId

MARKDOWN = "text/markdown; charset=utf-8"


def latest_facts(account_id: AccountId, snapshots: PublishedSnapshots, playbooks: PlaybookStore) -> AccountFacts:
    """Of the latest snapshot's summary.json. Raises NothingPublished, RequestRefused."""
    summary: dict[str, Any] = snapshots.summary(snapshots.get(account_id))
    try:
        return with_notes(facts_of_summary(summary, playbooks.get(account_id)), read_text(""))
    except SummaryTooOld as error:
        raise RequestRefused(HTTPStatus.NOT_FOUND, "no_brief", str(error)) from None


def stated_facts(app: APIGatewayRestResolver) -> AccountFacts:
    """Of the notes in the request's body. Raises RequestRefused naming each field that does not fit."""
    try:
        return facts_of_notes(body_of(app, BriefRequest).reading())
    except InvalidNotes as error:
        fields = [FieldProblem(f"notes.{field}" if field else "notes", *words) for field, *words in error.problems]
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_notes", "some notes do not fit", fields) from None


def brief_response(app: APIGatewayRestResolver, kind: str, facts: Callable[[], AccountFacts]) -> Response[str]:
    """Markdown, or the sections as JSON when the query or the header Accept asks for it. Raises RequestRefused."""
    if kind not in BRIEFS:
        message = f"there is no such brief: expected {' or '.join(BRIEFS)}"
        raise RequestRefused(HTTPStatus.NOT_FOUND, "not_found", message)
    query = query_of(app, BriefQuery)
    brief = BRIEFS[kind](facts())
    if wants_json(query, app.current_event.headers.get("accept")):
        return json_response(HTTPStatus.OK, brief.describe())
    return text_response(HTTPStatus.OK, MARKDOWN, markdown(brief))
