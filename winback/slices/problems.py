"""What keeps a condition from being asked, named by its path in the tree."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from winback.fields import field_path
from winback.slices.condition import Condition, ConditionTree


@dataclass(frozen=True)
class Problem:
    """What is wrong at a path of the tree, and what would be right."""

    path: str
    problem: str
    expected: str

    def __str__(self) -> str:
        return f"{self.path or 'the condition'} {self.problem}: expected {self.expected}"


class ConditionRefused(ValueError):
    """The tree is none, or cannot be asked of this snapshot; the text names the first problem."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(str(problems[0]))
        self.problems = problems


def parse_condition(content: Any) -> Condition:
    """A tree from JSON's values. Raises ConditionRefused."""
    adapter: TypeAdapter[Condition] = TypeAdapter(ConditionTree)
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        found = [_problem(dict(detail)) for detail in error.errors(include_input=False, include_url=False)]
        raise ConditionRefused(found) from None


def _problem(detail: dict[str, Any]) -> Problem:
    path, message = field_path(detail["loc"]), str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "value_error":
        problem, _, expected = message.partition(": expected ")
        return Problem(path, problem, expected)
    if detail["type"] == "missing":
        return Problem(path, "is missing", "it beside the others")
    if detail["type"] == "extra_forbidden":
        return Problem(path, "is not known", "only what docs/condition.schema.json has at this place")
    return Problem(path, "does not fit", message.removeprefix("Input should be "))
