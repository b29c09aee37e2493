"""Whether an account's messages leave, why not, and the switch that stops and resumes all of them."""

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from winback.aws.clients import quick
from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.quota import read_quota
from winback.aws.rest_api import account_of, body_of, json_response, rest_api
from winback.aws.sending_desk import SendingDesk
from winback.aws.tables import table
from winback.delivery.sending_status import status
from winback.delivery.switches import StoppedBy
from winback.identifiers import AccountId

logger = Logger()
app = rest_api()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str


class Stop(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    because: str | None = Field(default=None, min_length=1, max_length=300)


@cache
def desk() -> SendingDesk:
    return SendingDesk(table(read_settings(Settings).campaigns_table), lambda: read_quota(quick("sesv2")))


@app.get("/v1/sending")
def read_sending() -> Response[str]:
    return _status(account_of(app))


@app.post("/v1/sending/stop")
def stop_sending() -> Response[str]:
    """Nothing more of the account leaves within a minute, whatever its launches' states; repeating it is harmless."""
    account_id, wanted = account_of(app), body_of(app, Stop)
    if desk().stop(account_id, by=StoppedBy.PERSON, because=wanted.because, now=SystemClock().now()):
        logger.info("sending stopped", account_id=account_id)
    return _status(account_id)


@app.post("/v1/sending/resume")
def resume_sending() -> Response[str]:
    """What waited leaves, as far as its time is not over. Bounces and complaints so far do not stop it again."""
    account_id = account_of(app)
    if desk().resume(account_id, now=SystemClock().now()):
        logger.info("sending resumed", account_id=account_id)
    return _status(account_id)


def _status(account_id: AccountId) -> Response[str]:
    now = SystemClock().now()
    return json_response(HTTPStatus.OK, status(desk().situation(account_id, now), now))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
