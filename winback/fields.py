"""Field types of what stores send: plain text, identifiers, instants. Problems never repeat the value."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from winback.identifiers import CUSTOMER_ID_MAX_LENGTH
from winback.instants import parse_instant

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_AN_INSTANT = "is not a date or time: expected ISO 8601 such as 2026-11-21T09:30:00Z"


def stripped(value: object) -> object:
    """Text without surrounding space; None when nothing is left."""
    return (value.strip() or None) if isinstance(value, str) else value


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("has control characters: expected plain text without line breaks or tabs")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("has half of a character: expected text that UTF-8 can hold")
    return text


def _past(value: object) -> object:
    try:
        moment = parse_instant(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise ValueError(_NOT_AN_INSTANT)
    if moment.year < 1970:
        raise ValueError("is too early: expected 1970 or later")
    return moment


Optional = BeforeValidator(stripped)
Text = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_plain)]
OptionalText = Annotated[Text | None, Optional]
Identifier = Annotated[str, Optional, Field(min_length=1, max_length=CUSTOMER_ID_MAX_LENGTH), AfterValidator(_plain)]
ReceivedInstant = Annotated[datetime, BeforeValidator(_past)]
