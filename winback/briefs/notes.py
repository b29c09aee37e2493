"""Notes as a form: whatever somebody knows of a shop, as TOML or JSON. Everything in it may be left out.

Percentages are of one hundred (62 is 62 %), amounts in major units of `currency`. A form that does not fit is refused
by field, with what would fit; an unknown field is refused too, for a typing error would otherwise be an unknown fact.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from winback.fields import field_path

LONGEST = 20_000
"""Characters of notes: some ten pages."""
MOST_SEGMENTS = 40


class InvalidNotes(ValueError):
    """`problems`: (field, what is wrong, what would be right)."""

    def __init__(self, problems: list[tuple[str, str, str]]) -> None:
        super().__init__("; ".join(f"{field or 'the notes'}: {problem}, {right}" for field, problem, right in problems))
        self.problems = problems


def _line(value: str) -> str:
    return " ".join(value.encode("utf-8", "replace").decode("utf-8").split())


def _number(value: object) -> object:
    """TOML has nan and inf, and Python's JSON reads them too."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("is no number: expected one such as 48.50")
    return str(value) if isinstance(value, float) else value


Words = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_line)]
Name = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_line)]
Percent = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, le=100)]
Amount = Annotated[Decimal, BeforeValidator(_number), Field(gt=0, le=10**9)]
People = Annotated[int, Field(ge=0, le=10**9)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Times = Annotated[Decimal, BeforeValidator(_number), Field(gt=0, le=1000)]
Kind = Literal["brand", "marketplace seller", "subscription", "hybrid"]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NotedSegment(_Form):
    name: Name
    definition: Words | None = None
    customers: People | None = None
    share_percent: Percent | None = None
    average_order_value: Amount | None = None
    purchases_per_year: Times | None = None
    silent_days: Days | None = Field(default=None, description="silence after which a customer is in it")
    churn_percent: Percent | None = None
    return_rate_percent: Percent | None = None


class OptIn(_Form):
    """Of 100 customers, so many agreed to the channel."""

    email_percent: Percent | None = None
    sms_percent: Percent | None = None
    push_percent: Percent | None = None
    wechat_percent: Percent | None = None


class ContactRule(_Form):
    messages: int = Field(ge=0, le=1000)
    days: Days


class Notes(_Form):
    business: Words | None = Field(default=None, description="what is sold to whom")
    kind: Kind | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    customers: People | None = None
    average_order_value: Amount | None = None
    purchases_per_year: Times | None = None
    purchase_cycle_days: Days | None = None
    repeat_rate_percent: Percent | None = None
    gross_margin_percent: Percent | None = None
    return_rate_percent: Percent | None = None
    churn_percent: Percent | None = None
    lapsed_after_days: Days | None = Field(default=None, description="silence after which a customer is late")
    opt_in: OptIn = OptIn()
    channels: tuple[Name, ...] = Field(default=(), max_length=20, description="tools and channels at hand")
    without_channels: tuple[Name, ...] = Field(default=(), max_length=20, description="channels that are not at hand")
    goals: tuple[Words, ...] = Field(default=(), max_length=10)
    constraints: tuple[Words, ...] = Field(default=(), max_length=10)
    largest_discount_percent: Percent | None = None
    contact_rule: ContactRule | None = None
    remarks: tuple[Words, ...] = Field(default=(), max_length=20)
    segments: tuple[NotedSegment, ...] = Field(default=(), max_length=MOST_SEGMENTS)


def template() -> str:
    """The form as TOML with every field explained, and an example's values."""
    return files("winback.briefs").joinpath("notes.toml").read_text(encoding="utf-8")


def parse_form(text: str, form: Literal["toml", "json"]) -> Notes:
    """Raises InvalidNotes, with the line where the text itself is broken."""
    try:
        document = tomllib.loads(text) if form == "toml" else json.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise InvalidNotes([("", f"are not {form.upper()}", str(error))]) from None
    except RecursionError:
        raise InvalidNotes([("", "are nested too deeply", "expected fields and a list of segments")]) from None
    if not isinstance(document, Mapping):
        raise InvalidNotes([("", "are not a form", "expected fields such as average_order_value")])
    return notes_of(document)


def notes_of(document: Mapping[str, Any]) -> Notes:
    """Raises InvalidNotes naming every field that does not fit."""
    try:
        return Notes.model_validate(document)
    except ValidationError as error:
        raise InvalidNotes([_problem(dict(detail)) for detail in error.errors(include_url=False)]) from None


def _problem(detail: dict[str, Any]) -> tuple[str, str, str]:
    field, message = field_path(detail["loc"]), str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        return field, "is not a field of the form", "winback brief notes-template shows those that are"
    problem, _, right = message.partition(": expected ")
    return (field, problem, f"expected {right}") if right else (field, "does not fit", message)
