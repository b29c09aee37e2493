"""What requests to the endpoints of all kinds of model have in common, and their answers; effects are left to others.

A request is `{"schema_version", ..., "rows": [...]}`, an answer `{"schema_version", "model_id", "rows": [...]}` with as
many rows in the same order. The other side is ml/contract.py; fields of the rows are in churn.py, offers/contract.py
and send_time/contract.py. Limits of a call: 500 rows (ours), 4 MB and 60 seconds (serverless inference,
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-invoke.html).
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

MAX_ROWS = 500
MAX_BYTES = 4_000_000
CONTENT_TYPE = "application/json"

Features = Mapping[str, Any]
"""By name, as winback.features.FEATURES has them."""

Row = TypeVar("Row")


class EndpointUnavailable(Exception):
    """No answer is to be had now: throttled, starting, missing, broken or too slow. The rows go without one."""


class RequestRefused(Exception):
    """The endpoint refused the request (4xx): ours and its contract differ, and every other call would fail as well."""


class InvalidAnswer(Exception):
    """The endpoint answered something else than its contract says."""


class MissingFeature(ValueError):
    """A row lacks a feature that the model reads."""


@dataclass(frozen=True)
class Answer(Generic[Row]):
    model_id: str
    rows: tuple[Row, ...]
    """In the order of the request's."""


def batches(
    head: Mapping[str, Any], rows: Iterable[Row], encode: Callable[[Row], Mapping[str, Any]]
) -> Iterator[tuple[int, bytes]]:
    """(number of rows, body) of each call: at most 500 rows and less than 4 MB. Raises what `encode` raises.

    `head`: the fields beside `rows`, the schema's version at least.
    """
    start, end = f'{_compact(head)[:-1]},"rows":['.encode(), b"]}"
    batch: list[bytes] = []
    size = len(start) + len(end)
    for row in rows:
        encoded = _compact(encode(row)).encode()
        if batch and (len(batch) == MAX_ROWS or size + len(encoded) + 1 >= MAX_BYTES):
            yield len(batch), start + b",".join(batch) + end
            batch, size = [], len(start) + len(end)
        batch.append(encoded)
        size += len(encoded) + 1
    if batch:
        yield len(batch), start + b",".join(batch) + end


def read_answer(
    body: bytes, read: Callable[[int, Any], Row], *, endpoint: str, schema_version: int, rows: int
) -> Answer[Row]:
    """The answer to a request of `rows` rows; `read` is given each row with its number.

    Raises InvalidAnswer unless it is of the schema, names its model and has as many rows, and where `read` raises it or
    an error of a row that is built otherwise (ValueError, KeyError, TypeError). `endpoint` is said in the message.
    """
    try:
        answer = json.loads(body)
        version, model_id, answered = answer["schema_version"], answer["model_id"], list(answer["rows"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidAnswer(f"not an answer of the {endpoint} endpoint: {type(error).__name__}") from error
    if isinstance(version, bool) or version != schema_version:
        raise InvalidAnswer(f"schema_version is {str(version)[:20]}: expected {schema_version}")
    if not isinstance(model_id, str) or not model_id:
        raise InvalidAnswer("model_id is not a name")
    if len(answered) != rows:
        raise InvalidAnswer(f"{len(answered)} rows answered for {rows}")
    found: list[Row] = []
    for number, row in enumerate(answered):
        try:
            found.append(read(number, row))
        except (ValueError, KeyError, TypeError) as error:
            message = f"not an answer of the {endpoint} endpoint: row {number}: {type(error).__name__}"
            raise InvalidAnswer(message) from error
    return Answer(model_id, tuple(found))


def is_number(value: Any) -> bool:
    """Whether it is finite, and neither a boolean nor text."""
    return type(value) in (int, float) and math.isfinite(value)


def _compact(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"), allow_nan=False)
