"""For an operator's direct call (`aws lambda invoke`): stops and resumes all sending. Not reachable from outside.

    {"action": "stop", "because": "SES pauses the account"}
    {"action": "resume"}
    {"action": "status"}
    {"action": "resume", "account_id": "acme"}

With `account_id` it is that account's own switch, as its people have it at /v1/sending.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from winback.aws.clients import quick
from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.quota import read_quota
from winback.aws.sending_desk import SendingDesk
from winback.aws.tables import table
from winback.delivery.sending_status import status
from winback.delivery.switches import StoppedBy
from winback.fields import field_problems
from winback.identifiers import ACCOUNT_ID_PATTERN, AccountId
from winback.instants import format_instant

logger = Logger()


class InvalidRequest(ValueError):
    """Names every field that does not fit."""


@dataclass(frozen=True)
class Settings:
    campaigns_table: str


class Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["stop", "resume", "status"]
    account_id: AccountId | None = Field(default=None, pattern=ACCOUNT_ID_PATTERN)
    because: str | None = Field(default=None, min_length=1, max_length=300)


@cache
def desk() -> SendingDesk:
    return SendingDesk(table(read_settings(Settings).campaigns_table), lambda: read_quota(quick("sesv2")))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    try:
        request = Request.model_validate(event)
    except ValidationError as error:
        problems = "; ".join(f"{p.field} {p.problem} (expected {p.expected})" for p in field_problems(error))
        raise InvalidRequest(problems) from None
    now = SystemClock().now()
    match request.action:
        case "stop":
            desk().stop(request.account_id, by=StoppedBy.PERSON, because=request.because, now=now)
        case "resume":
            desk().resume(request.account_id, now=now)
        case "status":
            pass
    logger.info("sending", action=request.action, account_id=request.account_id)
    if request.account_id is not None:
        return status(desk().situation(request.account_id, now), now)
    switch = desk().everybody()
    return {
        "sending": "stopped" if switch.stopped else "on",
        "stopped_at": format_instant(switch.stopped_at) if switch.stopped_at else None,
        "because": switch.because,
    }
