"""Reads a playbook from TOML or JSON: the shipped one whole, an account's own as replacements of its rows."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import ValidationError

from winback.fields import field_path
from winback.playbook.rows import Playbook

Document = dict[str, Any]
Place = tuple[str | int, ...]
Format = Literal["toml", "json"]

IDENTITY = {"cells": ("value_tier", "status"), "behaviours": ("name",)}
"""Which fields of a row say what row it is."""
_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")
_SYNTAX = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class PlaybookProblem:
    """`line` counts from 1 and is None where the text has none (JSON is addressed by `field` alone)."""

    field: str
    problem: str
    expected: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.field + ': ' if self.field else ''}{self.problem}; expected {self.expected}"


class InvalidPlaybook(ValueError):
    """Says of each problem where it is, what is wrong, and what would be right."""

    def __init__(self, problems: Sequence[PlaybookProblem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@cache
def shipped_playbook() -> Playbook:
    return _validated(shipped_document(), None)


@cache
def _shipped_text() -> str:
    return files("winback.playbook").joinpath("playbook.toml").read_text(encoding="utf-8")


def shipped_document() -> Document:
    return tomllib.loads(_shipped_text())


def load_playbook(text: str, format: Format = "toml") -> Playbook:  # noqa: A002 the field's word
    """A whole playbook: all 16 cells, all 6 behaviours. Raises InvalidPlaybook."""
    return _validated(_parsed(text, format), text if format == "toml" else None)


def playbook_with(text: str, format: Format = "toml") -> Playbook:  # noqa: A002
    """The shipped playbook with the rows that `text` has replaced; see `replaced`. Raises InvalidPlaybook."""
    return replaced(_parsed(text, format), text if format == "toml" else None)


def replaced(own: Mapping[str, Any], toml: str | None = None) -> Playbook:
    """The shipped playbook with an account's own rows: `{cells: [...], behaviours: [...]}`.

    A row names its cell (`value_tier`, `status`) or its behaviour (`name`), and the fields that are different; a table
    within (timing, offer, draft) may leave out what stays. `draft = {}`, where `channels` no longer name email, removes
    the draft. `toml`, the text that `own` was read from, gives the problems their lines. Raises InvalidPlaybook.
    """
    document = shipped_document()
    origin: dict[Place, Place] = {}
    problems: list[PlaybookProblem] = []
    for table, rows in own.items():
        if table not in IDENTITY:
            problems.append(_problem((table,), "is not known", "cells or behaviours", toml))
        elif not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            problems.append(_problem((table,), "is not a list of rows", f"[[{table}]] for each", toml))
        else:
            problems += _replace_rows(document[table], table, rows, origin, toml)
    if problems:
        raise InvalidPlaybook(problems)
    return _validated(document, toml, origin)


def _replace_rows(
    known: list[Document], table: str, rows: list[Document], origin: dict[Place, Place], toml: str | None
) -> list[PlaybookProblem]:
    """Changes `known` in place and notes in `origin` which row of the text each changed row comes from."""
    names, problems = IDENTITY[table], list[PlaybookProblem]()
    places = {tuple(row[name] for name in names): n for n, row in enumerate(known)}
    for n, row in enumerate(rows):
        identity = tuple(str(row.get(name)) for name in names)
        place = places.get(identity)
        if place is None:
            there = "; ".join(" / ".join(each) for each in places)
            written = " / ".join(identity)
            problems.append(_problem((table, n), f"there is no row {written!r} to replace", f"one of {there}", toml))
        elif (table, place) in origin:
            problems.append(_problem((table, n), f"{' / '.join(identity)} is replaced twice", "one row", toml))
        else:
            origin[table, place] = (table, n)
            _merge(known[place], row)
            if not known[place].get("draft", True):
                del known[place]["draft"]
    return problems


def _merge(known: Document, own: Mapping[str, Any]) -> None:
    for name, value in own.items():
        if isinstance(value, Mapping) and value and isinstance(known.get(name), dict):
            known[name].update(deepcopy(dict(value)))
        else:
            known[name] = deepcopy(value)


def _parsed(text: str, format: Format) -> Document:  # noqa: A002
    try:
        document = tomllib.loads(text) if format == "toml" else json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidPlaybook([PlaybookProblem("", error.msg, "JSON", error.lineno)]) from None
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX.match(str(error))
        problem = found[1] if found else str(error)
        line = int(found[2]) if found and found[2] else text.count("\n") + 1
        raise InvalidPlaybook([PlaybookProblem("", problem, "TOML", line)]) from None
    except RecursionError:
        raise InvalidPlaybook([PlaybookProblem("", "is nested too deeply", "rows of fields")]) from None
    if not isinstance(document, dict):
        raise InvalidPlaybook([PlaybookProblem("", "is not an object", "{cells: [...], behaviours: [...]}")])
    return document


def _validated(document: Document, toml: str | None, origin: Mapping[Place, Place] | None = None) -> Playbook:
    try:
        return Playbook.model_validate(document)
    except ValidationError as error:
        raise InvalidPlaybook(
            [_of_detail(dict(detail), toml, origin) for detail in error.errors(include_url=False)]
        ) from None


def _of_detail(detail: Document, toml: str | None, origin: Mapping[Place, Place] | None) -> PlaybookProblem:
    path: Place = tuple(detail["loc"])
    if origin is not None:
        path = (*origin.get(path[:2], path[:2]), *path[2:])
    message = str(detail["msg"]).removeprefix("Value error, ")
    match detail["type"]:
        case "missing":
            return _problem(path, "is missing", "a value", toml)
        case "extra_forbidden":
            return _problem(path, "is not a known field", "only the fields of docs/playbook.md", toml)
        case "value_error":
            problem, _, expected = message.partition(": expected ")
            return _problem(path, problem, expected or "a value that keeps this rule", toml)
        case _:
            return _problem(path, "does not fit", message.removeprefix("Input should be "), toml)


def _problem(path: Place, problem: str, expected: str, toml: str | None) -> PlaybookProblem:
    line = _line(toml, path) if toml is not None else None
    return PlaybookProblem(field_path(path), problem, expected, line)


def _line(toml: str, path: Place) -> int | None:
    """Where the field is set, else where the table that should have it begins."""
    lines = _lines(toml)
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _lines(toml: str) -> dict[Place, int]:
    """Line of each header and each key of a sound TOML text. Values that go over several lines hold no keys here."""
    found: dict[Place, int] = {}
    counts: dict[str, int] = {}
    place: Place = ()
    for number, line in enumerate(toml.splitlines(), 1):
        if header := _HEADER.match(line):
            bracket, name = header[1], header[2]
            first, *rest = name.split(".")
            if bracket == "[[":
                counts[first] = counts.get(first, -1) + 1
                found.setdefault((first,), number)
            place = (first, counts[first], *rest) if first in counts else (first, *rest)
            found.setdefault(place, number)
        elif key := _KEY.match(line):
            found.setdefault((*place, key[1]), number)
    return found
