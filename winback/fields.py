"""Field types of what stores send, and what is wrong with a field.

Problems never repeat a value that may be a customer's; those of what people write to say what is to happen do.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, Tag, ValidationError

from winback.identifiers import CUSTOMER_ID_MAX_LENGTH
from winback.instants import NOT_AN_INSTANT, parse_instant

LEEWAY = timedelta(days=1)  # how far ahead of ours the clock of a store may be
LONGEST_TEXT = 128
LONGEST_QUOTE = 60
NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"
"""What people call the parts of what they define: second-try."""
WHOLE = "body"  # where a problem lies that no field is named for
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WORDS = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list, such as [one, another]"),
    **dict.fromkeys(("dict_type", "model_type"), "fields, each with its name and value"),
    "string_too_short": "{min_length} or more characters",
    "string_too_long": "{max_length} characters at most",
    "too_short": "{min_length} or more of them",
    "too_long": "{max_length} of them at most",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "greater_than": "more than {gt}",
    "less_than": "less than {lt}",
}
"""What is expected where a type of pydantic's does not fit: in the words of who writes the file."""
_ID = re.compile(r"\^([a-z]{3})-\[0-9a-f\]\{12\}\$")  # a pattern that only ids of one kind fit
_FORMS = {
    NAME: "small letters and digits, with single hyphens between them, such as second-try",
    r"^[A-Z]{3}$": "three capital letters, such as EUR",
}


@dataclass(frozen=True)
class FieldProblem:
    """`field` is a path such as `steps[1].after_days`."""

    field: str
    problem: str
    expected: str


def field_problems(
    error: ValidationError, model: type[BaseModel] | None = None, *, quoting: bool = False
) -> list[FieldProblem]:
    """Each problem of a pydantic error; of `model`, an unknown field is told the known ones.

    The values themselves are repeated only when `quoting`: for what holds no data of customers. A list whose items are
    wrong is not also told to be too short: pydantic counts the sound ones only.
    """
    details: list[dict[str, Any]] = [dict(detail) for detail in error.errors(include_input=quoting, include_url=False)]
    places = [detail["loc"] for detail in details]
    return [
        _field_problem(detail, model)
        for detail in details
        if detail["type"] != "too_short" or not any(_lies_in(place, detail["loc"]) for place in places)
    ]


def _lies_in(place: Sequence[str | int], outer: Sequence[str | int]) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer


def _field_problem(detail: dict[str, Any], model: type[BaseModel] | None) -> FieldProblem:
    field, message = field_path(detail["loc"]) or WHOLE, str(detail["msg"]).removeprefix("Value error, ")
    match detail["type"]:
        case "missing":
            return FieldProblem(field, "is missing", "a value")
        case "extra_forbidden":
            return FieldProblem(field, "is not a known field", _known_fields(model, detail["loc"]))
        case "value_error":
            problem, found, expected = message.partition(": expected ")
            if not found and message.startswith("expected "):
                problem, expected = _unfitting(detail), message.removeprefix("expected ")
            elif not found:
                problem, _, expected = message.partition(": ")
            return FieldProblem(field, problem, expected or "a value that keeps this rule")
        case _:
            return FieldProblem(field, _unfitting(detail), _expected(detail["type"], detail.get("ctx", {}), message))


def _unfitting(detail: dict[str, Any]) -> str:
    """What the value is, where it may be repeated and a few words hold it."""
    match detail.get("input"):
        case "":
            return "is empty"
        case bool() as given:
            said = str(given).lower()
        case int() | float() | str() as given:
            said = repr(given)
        case _:
            return "does not fit"
    return f"is {said}" if len(said) <= LONGEST_QUOTE else f"is {said[: LONGEST_QUOTE - 1]}…"


def _expected(kind: str, given: dict[str, Any], message: str) -> str:
    if kind == "string_pattern_mismatch":
        return _form(given["pattern"])
    if (words := _WORDS.get(kind)) is not None:
        return words.format_map(given)
    return message.removeprefix("Input should be ").removeprefix("a valid ")


def _form(pattern: str) -> str:
    if (prefix := _ID.fullmatch(pattern)) is not None:
        return f"an id such as {prefix[1]}-0123456789ab"
    return _FORMS.get(pattern, f"text of the form {pattern}")


def _known_fields(model: type[BaseModel] | None, location: Sequence[str | int]) -> str:
    """The fields that there are where the unknown one stands; the one that comes close, if one does, for itself."""
    *outer, name = location
    known = sorted(
        {field.alias or key for one in _models_at(model, outer) for key, field in one.model_fields.items()}
        if model is not None
        else ()
    )
    if close := get_close_matches(str(name), known, n=1):
        return f"{close[0]}, if that was meant"
    return f"one of {', '.join(known)}" if known else "only fields that the reference lists"


def _models_at(model: type[BaseModel], location: Sequence[str | int]) -> list[type[BaseModel]]:
    """The models whose fields stand at `location`; a part in angle brackets chooses one of a union."""
    found: list[tuple[str | None, type[BaseModel]]] = [(None, model)]
    for part in location:
        if isinstance(part, int):
            continue
        if part.startswith("<"):
            found = [(tag, one) for tag, one in found if tag == part]
        else:  # a field's name, or the key of a dictionary
            found = [inner for _, one in found for inner in _models_in(one, part)] or found
    return [one for _, one in found]


def _models_in(model: type[BaseModel], name: str) -> Iterator[tuple[str | None, type[BaseModel]]]:
    for key, field in model.model_fields.items():
        if name in (key, field.alias):
            yield from _models_of(field.annotation)


def _models_of(annotation: Any, tag: str | None = None) -> Iterator[tuple[str | None, type[BaseModel]]]:
    """(tag of the union's member, model) for each model that the annotation holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield tag, annotation
        return
    parts = get_args(annotation)
    tags = [part.tag for part in parts if isinstance(part, Tag)]
    for part in parts:
        yield from _models_of(part, tags[0] if tags else tag)


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
