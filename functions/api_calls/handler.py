"""The call list of account managers: whom to call and what to say, and how each call went."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from winback.aws.call_list import CallList
from winback.aws.clock import Clock, SystemClock, clock_of
from winback.aws.environment import read_settings
from winback.aws.feedback import FeedbackBook
from winback.aws.launches import LaunchStore
from winback.aws.rest_api import account_of, body_of, json_response, query_of, rest_api
from winback.aws.tables import Accounts, table
from winback.delivery.calls import CallIsDone, CallOutcome, CallState, NotACursor, UnknownCall

MOST_CALLS = 100  # of one page
LONGEST_COMMENT = 1_000

logger = Logger()
app = rest_api(
    {
        UnknownCall: (HTTPStatus.NOT_FOUND, "not_found"),
        CallIsDone: (HTTPStatus.CONFLICT, "call_is_done"),
        NotACursor: (HTTPStatus.BAD_REQUEST, "invalid_request"),
    }
)


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str


@dataclass(frozen=True)
class Parts:
    accounts: Accounts
    calls: CallList
    clock: Clock


class CallsQuery(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    state: CallState = CallState.OPEN
    due_until: date | None = None
    limit: int = Field(default=50, ge=1, le=MOST_CALLS)
    cursor: str | None = Field(default=None, max_length=200)


class Said(BaseModel):
    """How a call went. The comment is the account manager's own; it should name nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: CallOutcome
    comment: str | None = Field(default=None, min_length=1, max_length=LONGEST_COMMENT)


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    campaigns, performance = table(settings.campaigns_table), table(settings.performance_table)
    customers = table(settings.customers_table)
    book = FeedbackBook.of_tables(
        campaigns_table=campaigns,
        customers_table=customers,
        performance_table=performance,
        wall=SystemClock().now,
    )
    return Parts(book.accounts, CallList(book, LaunchStore(campaigns), performance, customers), clock_of(campaigns))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    return app.resolve(event, context)


@app.get("/v1/calls")
def calls() -> Response[str]:
    query = query_of(app, CallsQuery)
    account = parts().accounts.get(account_of(app))
    page = parts().calls.page(account, query.state, due_until=query.due_until, limit=query.limit, cursor=query.cursor)
    return json_response(HTTPStatus.OK, page)


@app.post("/v1/calls/<call_id>/outcome")
def outcome(call_id: str) -> Response[str]:
    said = body_of(app, Said)
    account = parts().accounts.get(account_of(app))
    state = parts().calls.settle(account, call_id, said.outcome, comment=said.comment, at=parts().clock.now())
    return json_response(HTTPStatus.OK, {"call_id": call_id, "state": state, "outcome": said.outcome})
