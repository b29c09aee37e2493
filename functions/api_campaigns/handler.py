"""The campaign half of the REST API: define, prepare, approve, launch, follow, read."""

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from winback.aws.campaigns import Campaign, CampaignChanged, UnknownCampaign
from winback.aws.clients import quick
from winback.aws.clock import clock_of
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.launch_control import (
    LaunchControl,
    NoSnapshot,
    StartsInThePast,
    UnusableBudget,
    UnusableOffer,
    UnusableSlice,
    UnusableTemplate,
    Workflows,
)
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchChanged, UnknownLaunch
from winback.aws.rest_api import RequestRefused, account_of, body_of, idempotency_key, json_response, query_of, rest_api
from winback.aws.tables import table
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import EndsTooLate, IllegalTransition, Launch, LaunchConflict
from winback.campaigns.messages import message_problems
from winback.campaigns.requests import Approval, CampaignsQuery, NewLaunch, NoBody, describe, outline, without_pages
from winback.fields import FieldProblem
from winback.identifiers import CampaignId, LaunchId
from winback.instants import format_instant

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml")
LONGEST_VERSION = 6  # digits
logger = Logger()
app = rest_api(
    {
        UnknownCampaign: (HTTPStatus.NOT_FOUND, "not_found"),
        UnknownLaunch: (HTTPStatus.NOT_FOUND, "not_found"),
        IllegalTransition: (HTTPStatus.CONFLICT, "illegal_transition"),
        LaunchChanged: (HTTPStatus.CONFLICT, "changed_meanwhile"),
        CampaignChanged: (HTTPStatus.CONFLICT, "changed_meanwhile"),
        NoSnapshot: (HTTPStatus.CONFLICT, "no_snapshot"),
        UnusableSlice: (HTTPStatus.CONFLICT, "unusable_slice"),
        UnusableTemplate: (HTTPStatus.CONFLICT, "unusable_template"),
        UnusableOffer: (HTTPStatus.CONFLICT, "unusable_offer"),
        UnusableBudget: (HTTPStatus.CONFLICT, "unusable_budget"),
        StartsInThePast: (HTTPStatus.BAD_REQUEST, "starts_in_the_past"),
        EndsTooLate: (HTTPStatus.BAD_REQUEST, "ends_too_late"),
        LaunchConflict: (HTTPStatus.CONFLICT, "conflict"),
    }
)


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    lake_bucket: str
    prepare_workflow_arn: str
    campaign_workflow_arn: str


@cache
def control() -> LaunchControl:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    workflows = Workflows(quick("stepfunctions"), settings.prepare_workflow_arn, settings.campaign_workflow_arn)
    return LaunchControl.of_table(campaigns, clock_of(campaigns), workflows)


@cache
def lake() -> Lake:
    return Lake(read_settings(Settings).lake_bucket)


@app.post("/v1/campaigns")
def create_campaign() -> Response[str]:
    """The definition, as JSON or YAML."""
    created = control().define(account_of(app), _checked_definition(), idempotency_key(app))
    return json_response(HTTPStatus.CREATED, _campaign(created))


@app.put("/v1/campaigns/<campaign_id>")
def redefine_campaign(campaign_id: str) -> Response[str]:
    """`If-Match` names the version that the new definition was made of. Launches go on with the one that they froze."""
    changed = control().redefine(account_of(app), CampaignId(campaign_id), _checked_definition(), _named_version())
    return json_response(HTTPStatus.OK, _campaign(changed))


def _named_version() -> int:
    named = app.current_event.headers.get("if-match", "").strip().strip('"')
    if not named.isdecimal() or len(named) > LONGEST_VERSION:
        problem = FieldProblem("If-Match", "is missing or no version", "the definition_version that was read")
        raise RequestRefused(
            HTTPStatus.PRECONDITION_REQUIRED, "version_required", "name the version that you changed", [problem]
        )
    return int(named)


def _checked_definition() -> CampaignDefinition:
    """What the account's messages, slices and offers allow. Raises RequestRefused, UnusableSlice, UnusableOffer,
    UnusableBudget."""
    definition, account_id = _definition(), account_of(app)
    account = control().accounts.get(account_id)
    problems = [
        FieldProblem(
            f"{path}.{found.part}" if found.part else path,
            f"line {found.line}: {found.problem}" if found.line else found.problem,
            found.expected,
        )
        for path, found in message_problems(definition, control().templates.finder(account_id), account.brand.facts)
    ]
    if problems:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_template", "some messages cannot be sent", problems)
    control().check_slice(account_id, definition.audience)
    control().check_offers(account_id, definition)
    control().check_budget(account_id, definition)
    return definition


def _definition() -> CampaignDefinition:
    if app.current_event.headers.get("content-type", "").partition(";")[0].strip() not in YAML_TYPES:
        return body_of(app, CampaignDefinition, quoting=True)
    from winback.campaigns.reading import DefinitionRefused, Unreadable, read_definition  # noqa: PLC0415 (YAML is rare)

    try:
        return read_definition(app.current_event.decoded_body or "")
    except Unreadable as error:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_yaml", f"the body is not YAML: {error}") from None
    except DefinitionRefused as error:
        raise RequestRefused(
            HTTPStatus.BAD_REQUEST, "invalid_request", "some fields do not fit", error.problems
        ) from None


@app.get("/v1/campaigns")
def list_campaigns() -> Response[str]:
    """A page of them. Without the content of messages: a single campaign's answer shows it."""
    query = query_of(app, CampaignsQuery)
    campaigns, following = control().campaigns.page(account_of(app), query.limit, query.cursor)
    listed = [{**_campaign(campaign), "definition": outline(campaign.definition)} for campaign in campaigns]
    return json_response(HTTPStatus.OK, {"campaigns": listed, "next_cursor": following})


@app.get("/v1/campaigns/schema")
def read_schema() -> Response[str]:
    from winback.campaigns.schema import campaign_schema  # noqa: PLC0415 (asked for rarely)

    return json_response(HTTPStatus.OK, campaign_schema())


@app.get("/v1/campaigns/<campaign_id>/versions/<version>")
def read_version(campaign_id: str, version: str) -> Response[str]:
    """A definition as it was, also one that was replaced."""
    account_id, number = account_of(app), int(version) if version.isdecimal() and len(version) <= LONGEST_VERSION else 0
    campaign = control().campaigns.get(account_id, CampaignId(campaign_id))
    found = campaign if campaign.definition_version == number else None
    kept = found or control().campaigns.version(account_id, campaign.campaign_id, number)
    if kept is None:
        raise UnknownCampaign(f"campaign {campaign_id} has no version {version}")
    definition = kept.definition.model_dump(mode="json", exclude_none=True)
    return json_response(HTTPStatus.OK, {"definition_version": number, "definition": definition})


@app.get("/v1/campaigns/<campaign_id>")
def read_campaign(campaign_id: str) -> Response[str]:
    account_id = account_of(app)
    campaign = control().campaigns.get(account_id, CampaignId(campaign_id))
    launches = [
        {"launch_id": launch.launch_id, "state": launch.state, "starts_at": format_instant(launch.starts_at)}
        for launch in control().launches.outlines(account_id)
        if launch.campaign_id == campaign_id
    ]
    return json_response(HTTPStatus.OK, {**_campaign(campaign), "launches": launches})


@app.post("/v1/campaigns/<campaign_id>/pause")
def pause_campaign(campaign_id: str) -> Response[str]:
    """Nothing starts it by itself until it is resumed; launches that it has are paused one by one."""
    body_of(app, NoBody)
    return json_response(HTTPStatus.OK, _campaign(control().pause_campaign(account_of(app), CampaignId(campaign_id))))


@app.post("/v1/campaigns/<campaign_id>/resume")
def resume_campaign(campaign_id: str) -> Response[str]:
    body_of(app, NoBody)
    return json_response(HTTPStatus.OK, _campaign(control().resume_campaign(account_of(app), CampaignId(campaign_id))))


@app.post("/v1/campaigns/<campaign_id>/launches")
def prepare_launch(campaign_id: str) -> Response[str]:
    wanted = body_of(app, NewLaunch, quoting=True)
    launch = control().prepare(account_of(app), CampaignId(campaign_id), wanted, idempotency_key(app))
    return json_response(HTTPStatus.ACCEPTED, describe(launch))


@app.get("/v1/launches/<launch_id>")
def read_launch(launch_id: str) -> Response[str]:
    """State, steps with the progress of their planning, and the dry run, with its page, once there is one."""
    launch = control().launches.get(account_of(app), LaunchId(launch_id))
    files = LaunchFiles(lake(), launch)
    answer: dict[str, Any] = describe(launch)
    if launch.dry_run is not None:
        answer["dry_run"] = without_pages(lake().read_json(files.dry_run_key))
        answer["dry_run_page"] = lake().link(files.dry_run_page_key)
    if launch.started_at is not None:
        for step in answer["steps"]:
            planned = sum(1 for _ in files.planned_chunks(step["step"]))
            step["chunks"] = {"planned": planned, "of": launch.chunks}
    return json_response(HTTPStatus.OK, answer)


@app.post("/v1/launches/<launch_id>/approve")
def approve(launch_id: str) -> Response[str]:
    return _changed(control().approve(account_of(app), LaunchId(launch_id), body_of(app, Approval)))


@app.post("/v1/launches/<launch_id>/start")
def start(launch_id: str) -> Response[str]:
    body_of(app, NoBody)
    return _changed(control().start(account_of(app), LaunchId(launch_id)))


@app.post("/v1/launches/<launch_id>/pause")
def pause(launch_id: str) -> Response[str]:
    body_of(app, NoBody)
    return _changed(control().pause(account_of(app), LaunchId(launch_id)))


@app.post("/v1/launches/<launch_id>/resume")
def resume(launch_id: str) -> Response[str]:
    body_of(app, NoBody)
    return _changed(control().resume(account_of(app), LaunchId(launch_id)))


@app.post("/v1/launches/<launch_id>/cancel")
def cancel(launch_id: str) -> Response[str]:
    body_of(app, NoBody)
    return _changed(control().cancel(account_of(app), LaunchId(launch_id)))


@app.get("/v1/launches/<launch_id>/report")
def read_report(launch_id: str) -> Response[str]:
    launch = control().launches.get(account_of(app), LaunchId(launch_id))
    if launch.reported_at is None:
        raise RequestRefused(
            HTTPStatus.CONFLICT,
            "no_report_yet",
            f"launch {launch_id} is {launch.state} and has no report yet: it is written when the evaluation ends, "
            f"at {format_instant(launch.evaluation_ends_at)}",
        )
    files = LaunchFiles(lake(), launch)
    report = lake().read_json(files.report_key)
    return json_response(HTTPStatus.OK, {"report": report, "page": lake().link(files.report_page_key)})


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


def _campaign(campaign: Campaign) -> dict[str, Any]:
    definition = campaign.definition.model_dump(mode="json", exclude_none=True)
    return {**campaign.model_dump(mode="json", exclude={"definition"}), "definition": definition}


def _changed(launch: Launch) -> Response[str]:
    logger.info("launch changed", extra={"launch_id": launch.launch_id, "state": launch.state})
    return json_response(HTTPStatus.OK, describe(launch))
