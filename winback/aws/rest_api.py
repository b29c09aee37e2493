"""What the REST API's functions share: the account of a request, bodies as models, and errors mapped once.

Every error is `{"error": {"code", "message", "fields": [{"field", "problem", "expected"}]}}`. Values of the request are
not repeated in it: they may be personal.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from pydantic import BaseModel, ValidationError

from winback.fields import FieldProblem, field_problems
from winback.identifiers import AccountId

Model = TypeVar("Model", bound=BaseModel)
LONGEST_IDEMPOTENCY_KEY = 255
LONGEST_NAME = 1000
"""Bytes of one part of a path. A table's sort key has at most 1,024, and asking for a longer one is an error:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""


class RequestRefused(Exception):
    """Becomes the response. `code` is stable and meant for programs, the message for people."""

    def __init__(self, status: HTTPStatus, code: str, message: str, fields: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.fields = status, code, tuple(fields)


def rest_api(refusals: dict[type[Exception], tuple[HTTPStatus, str]] | None = None) -> APIGatewayRestResolver:
    """A resolver with the error map; `refusals` adds the function's own errors, whose text is the message."""
    app = APIGatewayRestResolver()
    app.use([_only_possible_names])

    def refuse(error: RequestRefused) -> Response[str]:
        return refusal(error)

    def unknown_path(_: NotFoundError) -> Response[str]:
        return refusal(_nothing_there())

    app.exception_handler(RequestRefused)(refuse)
    app.not_found()(unknown_path)
    for kind, (status, code) in (refusals or {}).items():
        app.exception_handler(kind)(_refusing(status, code))
    return app


def account_of(app: APIGatewayRestResolver) -> AccountId:
    """The account that the authorizer found for the request's key."""
    authorizer = app.current_event.request_context.authorizer
    return AccountId(authorizer["account_id"])


def idempotency_key(app: APIGatewayRestResolver) -> str | None:
    """Header `Idempotency-Key`, as draft-ietf-httpapi-idempotency-key-header describes it. Raises RequestRefused."""
    key = app.current_event.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= LONGEST_IDEMPOTENCY_KEY:
        problem = FieldProblem("Idempotency-Key", "is empty or too long", f"1 to {LONGEST_IDEMPOTENCY_KEY} characters")
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_request", "some fields do not fit", [problem])
    return key


def body_of(app: APIGatewayRestResolver, model: type[Model], *, quoting: bool = False) -> Model:
    """The request's JSON body as `model`. Raises RequestRefused naming every field that does not fit.

    `quoting` repeats what the field holds, and is for bodies without data of customers.
    """
    text = app.current_event.decoded_body
    try:
        content = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_json", f"the body is not JSON: {why}") from None
    return _fitting(model, content, quoting=quoting)


def query_of(app: APIGatewayRestResolver, model: type[Model]) -> Model:
    """The query parameters as `model`; of a repeated one the last. Raises RequestRefused as `body_of` does."""
    return _fitting(model, app.current_event.query_string_parameters or {})


def json_response(status: HTTPStatus, body: Any) -> Response[str]:
    return text_response(status, "application/json", json.dumps(body))


def text_response(status: HTTPStatus, content_type: str, body: str) -> Response[str]:
    """Not to be kept by what lies between: answers tell of customers, and of what was true a moment ago."""
    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
    return Response(status_code=status, content_type=content_type, body=body, headers=headers)


def _only_possible_names(app: APIGatewayRestResolver, following: NextMiddleware) -> Response[str]:
    if any(len(part.encode()) > LONGEST_NAME for part in app.current_event.path.split("/")):
        return refusal(_nothing_there())
    return following(app)


def _nothing_there() -> RequestRefused:
    return RequestRefused(HTTPStatus.NOT_FOUND, "not_found", "there is nothing at this path")


def _fitting(model: type[Model], content: Any, *, quoting: bool = False) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = field_problems(error, model, quoting=quoting)
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "invalid_request", "some fields do not fit", problems) from None


def _refusing(status: HTTPStatus, code: str) -> Callable[[Exception], Response[str]]:
    return lambda error: refusal(RequestRefused(status, code, str(error)))


def refusal(refused: RequestRefused) -> Response[str]:
    """The response that the error becomes, for a function's own handlers of other errors."""
    error = {"code": refused.code, "message": str(refused), "fields": [asdict(field) for field in refused.fields]}
    return json_response(refused.status, {"error": error})
