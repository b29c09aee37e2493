"""Field types of what stores send, and what is wrong with a field. Problems never repeat the value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from winback.identifiers import CUSTOMER_ID_MAX_LENGTH
from winback.instants import NOT_AN_INSTANT, parse_instant

LEEWAY = timedelta(days=1)  # how far ahead of ours the clock of a store may be
LONGEST_TEXT = 128
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class FieldProblem:
    """`field` is a path such as `steps[1].after_days`."""

    field: str
    problem: str
    expected: str


def field_problems(error: ValidationError) -> list[FieldProblem]:
    """Each problem of a pydantic error, without the input itself."""
    return [_field_problem(dict(detail)) for detail in error.errors(include_input=False, include_url=False)]


def _field_problem(detail: dict[str, Any]) -> FieldProblem:
    field, message = field_path(detail["loc"]) or "body", str(detail["msg"]).removeprefix("Value error, ")
    match detail["type"]:
        case "missing":
            return FieldProblem(field, "is missing", "a value")
        case "extra_forbidden":
            return FieldProblem(field, "is not a known field", "only fields that the reference lists")
        case "value_error":
            problem, _, expected = message.partition(": ")
            return FieldProblem(field, problem, expected.removeprefix("expected ") or "a value that keeps this rule")
        case _:
            return FieldProblem(field, "does not fit", message.removeprefix("Input should be "))


def field_path(location: Sequence[str | int]) -> str:
    """Where a problem of pydantic's lies: `steps[1].after_days`, empty for the whole.

    Parts in angle brackets name alternatives of a union, not fields.
    """
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith("<"):
            path += f".{part}" if path else part
    return path


def stripped(value: object) -> object:
    """Text without surrounding space; None when nothing is left."""
    return (value.strip() or None) if isinstance(value, str) else value


def plain(text: str) -> str:
    """The text itself. Raises ValueError for control characters, and for halves of characters."""
    if _CONTROL.search(text):
        raise ValueError("has control characters: expected plain text without line breaks or tabs")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("has half of a character: expected text that UTF-8 can hold")
    return text


def _instant(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(NOT_AN_INSTANT)
    return parse_instant(value)


Optional = BeforeValidator(stripped)
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(plain)]
OptionalText = Annotated[Text | None, Optional]
Identifier = Annotated[str, Optional, Field(min_length=1, max_length=CUSTOMER_ID_MAX_LENGTH), AfterValidator(plain)]
ReceivedInstant = Annotated[datetime, BeforeValidator(_instant)]
