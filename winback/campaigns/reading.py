"""A campaign's definition as text: JSON or YAML.

YAML is read by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), for 1.1 takes the field name
`on` for true and the time 10:30 for a number. A name is given once, and there are no aliases: a few lines of them could
stand for gigabytes.
"""

import json
import re
from collections.abc import Hashable
from typing import Any, ClassVar

import yaml
from pydantic import ValidationError

from winback.campaigns.definition import CampaignDefinition
from winback.fields import FieldProblem, field_problems


class Unreadable(ValueError):
    """The text is neither JSON nor YAML; the message says where."""


class DefinitionRefused(ValueError):
    """Names every field that does not fit."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__(f"{len(problems)} fields do not fit: {', '.join(problem.field for problem in problems)}")


def read_definition(text: str, *, as_json: bool = False) -> CampaignDefinition:
    """Raises Unreadable, DefinitionRefused."""
    content = _json(text) if as_json else read_yaml(text)
    try:
        return CampaignDefinition.model_validate(content)
    except ValidationError as error:
        raise DefinitionRefused(field_problems(error, CampaignDefinition, quoting=True)) from None


def read_yaml(text: str) -> Any:
    """The document's plain values; JSON is YAML too. Raises Unreadable."""
    try:
        return yaml.load(text, Loader=_Core)  # noqa: S506 (a safe loader, see its class)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise Unreadable(f"{place}{error.problem}{_hint(error.problem or '')}") from None
    except yaml.YAMLError as error:
        raise Unreadable(str(error)) from None
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except (ValueError, LookupError):
        raise Unreadable("a value does not fit the tag before it") from None


def _hint(problem: str) -> str:
    """What the parser's words mean to somebody who wrote a line."""
    if "mapping values" in problem:
        return ": expected text that holds a colon in quotes, and fields indented alike"
    return ": expected spaces, not tabs, to indent with" if "\\t" in problem else ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None


class _Core(yaml.SafeLoader):
    """Null, booleans, numbers and text of YAML 1.2's core schema; nothing else is ever made of a document."""

    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        tag: yaml.SafeLoader.yaml_constructors[tag]
        for tag in (*(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "float", "str", "seq", "map")), None)
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.MarkedYAMLError(problem="there is an alias; write what it stands for", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a name is plain text", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value} is given twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Core.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in (
    ("null", "null|Null|NULL|~|", ["", *"nN~"]),
    ("bool", "true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", "[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Core.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), _first)
_Core.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))  # a leading zero makes no octal
