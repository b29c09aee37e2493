"""Templates that an account saves, the shipped ones, and previews of their messages."""

from dataclasses import dataclass
from functools import cache
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from winback.accounts import Account
from winback.aws.clock import clock_of
from winback.aws.environment import read_settings
from winback.aws.rest_api import (
    RequestRefused,
    account_of,
    body_of,
    idempotency_key,
    json_response,
    query_of,
    rest_api,
)
from winback.aws.tables import Accounts, table
from winback.aws.templates import NoTemplate, TemplateChanged, TemplateStore, TemplateTaken
from winback.campaigns.saved_templates import (
    ChangedTemplate,
    Look,
    NewTemplate,
    Preview,
    SavedTemplate,
    TemplatePage,
    outline,
    reach,
)
from winback.delivery.messages import UnknownTemplate, check_template, resolve_template, shipped_templates
from winback.delivery.messages.templates import about_shipped
from winback.fields import FieldProblem
from winback.identifiers import new_id, repeatable_id

if TYPE_CHECKING:
    from winback.aws.previews import Previews

logger = Logger()
app = rest_api(
    {
        NoTemplate: (HTTPStatus.NOT_FOUND, "not_found"),
        UnknownTemplate: (HTTPStatus.NOT_FOUND, "not_found"),
        TemplateChanged: (HTTPStatus.CONFLICT, "changed_meanwhile"),
        TemplateTaken: (HTTPStatus.CONFLICT, "conflict"),
    }
)
# A page of somebody's making, shown from our own address: nothing in it may run, load or submit.
PAGE_POLICY = "sandbox; default-src 'none'; img-src https: data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    lake_bucket: str
    sms_origination_identity: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@app.post("/v1/templates")
def create_template() -> Response[str]:
    wanted, account_id, once = body_of(app, NewTemplate, quoting=True), account_of(app), idempotency_key(app)
    _check(wanted)
    template_id = repeatable_id("tpl", account_id, once) if once else new_id("tpl")
    made = _store().create(account_id, template_id, wanted, clock_of(_campaigns()).now())
    return json_response(HTTPStatus.CREATED, _shown(made))


@app.get("/v1/templates")
def list_templates() -> Response[str]:
    """The account's own by id, `next` to go on after; the shipped ones with the first page."""
    page = query_of(app, TemplatePage)
    found, following = _store().page(account_of(app), page.limit, page.after)
    answer: dict[str, Any] = {"templates": [outline(each) for each in found], "next": following}
    if page.after is None:
        answer["shipped"] = [
            {"name": name, "about": about_shipped(name), **reach(resolve_template(name))}
            for name in shipped_templates()
        ]
    return json_response(HTTPStatus.OK, answer)


@app.get("/v1/templates/<template_id>")
def read_template(template_id: str) -> Response[str]:
    return json_response(HTTPStatus.OK, _shown(_store().get(account_of(app), template_id)))


@app.put("/v1/templates/<template_id>")
def replace_template(template_id: str) -> Response[str]:
    wanted = body_of(app, ChangedTemplate, quoting=True)
    _check(wanted)
    now = clock_of(_campaigns()).now()
    changed = _store().replace(account_of(app), template_id, wanted, wanted.version, now)
    return json_response(HTTPStatus.OK, _shown(changed))


@app.delete("/v1/templates/<template_id>")
def delete_template(template_id: str) -> Response[str]:
    _store().delete(account_of(app), template_id)
    return json_response(HTTPStatus.OK, {"template_id": template_id})


@app.post("/v1/messages:preview")
def preview_message() -> Response[str]:
    wanted, account_id = body_of(app, Preview), account_of(app)
    find = _store().finder(account_id)
    template = find(wanted.template) if isinstance(wanted.template, str) else wanted.template.template()
    if wanted.subject is not None:
        template = template.with_subject(wanted.subject)
    return json_response(HTTPStatus.OK, _show(template, wanted))


@app.get("/v1/templates/<template_id>/preview")
def preview_page(template_id: str) -> Response[str]:
    """The message as a page; `template_id` may be a shipped name. What has no HTML of its own is shown as text."""
    shown = _show(_store().finder(account_of(app))(template_id), query_of(app, Look))
    text = shown.get("text") or "\n".join(f"{one['part']}: {one['problem']}" for one in shown["problems"])
    page = shown.get("html") or f'<!doctype html><meta charset="utf-8"><title>Preview</title><pre>{escape(text)}</pre>'
    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store", "Content-Security-Policy": PAGE_POLICY}
    return Response(HTTPStatus.OK, "text/html; charset=utf-8", page, headers)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


def _check(wanted: NewTemplate) -> None:
    problems = [
        FieldProblem(found.part, f"line {found.line}: {found.problem}", found.expected)
        for found in check_template(wanted.template(), _account().brand.facts)
    ]
    if problems:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_template", "the template cannot be sent", problems)


def _show(template: Any, look: Look) -> dict[str, Any]:
    from winback.aws.previews import UnknownCustomer  # noqa: PLC0415 (Liquid and MJML load slowly)

    try:
        return _previews().show(_account(), template, look)
    except UnknownCustomer as error:
        raise RequestRefused(HTTPStatus.NOT_FOUND, "unknown_customer", str(error)) from error


def _account() -> Account:
    return Accounts(_campaigns(), texts_from=settings().sms_origination_identity).get(account_of(app))


def _shown(saved: SavedTemplate) -> dict[str, Any]:
    return saved.model_dump(mode="json", exclude_none=True)


def _previews() -> "Previews":
    from winback.aws.lake import Lake  # noqa: PLC0415
    from winback.aws.latest import PublishedSnapshots  # noqa: PLC0415
    from winback.aws.previews import Previews  # noqa: PLC0415
    from winback.aws.recipients import RecipientStore  # noqa: PLC0415
    from winback.aws.recommendations import RecommendationStore  # noqa: PLC0415

    lake = Lake(settings().lake_bucket)
    return Previews(
        RecipientStore(table(settings().customers_table)),
        PublishedSnapshots(_campaigns(), lake),
        RecommendationStore(lake),
        clock_of(_campaigns()),
    )


def _store() -> TemplateStore:
    return TemplateStore(_campaigns())


def _campaigns() -> Any:
    return table(settings().campaigns_table)
