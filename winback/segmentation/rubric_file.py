"""Reads a rubric file: TOML that names only what it changes of the settings that ship. A bad one is refused by line."""

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from winback.money import NO_CURRENCY, exponent
from winback.segmentation.rubric_settings import (
    BandSettings,
    BehaviourSettings,
    OverlaySettings,
    PrioritySettings,
    RecencySettings,
    RubricSettings,
    ScoreSettings,
    SegmentPolicy,
    contradictions,
)
from winback.segmentation.toml_lines import lines_of_keys

_LARGEST = 200_000
_TEXTS = ("channels", "leave_alone")
_KNOWN = {
    "bands": tuple(BandSettings.model_fields),
    "recency": tuple(RecencySettings.model_fields),
    "scores": tuple(ScoreSettings.model_fields),
    "overlays": tuple(OverlaySettings.model_fields),
    "behaviours": tuple(BehaviourSettings.model_fields),
    "priorities": tuple(PrioritySettings.model_fields),
}


class RubricFileError(ValueError):
    """A rubric file that is refused: `line` (from 1; None when it is about the whole file) and what is wrong."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem if line is None else f"line {line}: {problem}")
        self.problem = problem
        self.line = line


@dataclass(frozen=True)
class RubricOverrides:
    """What a rubric file changes, and all settings with the changes made."""

    settings: RubricSettings
    changed: dict[str, tuple[Any, Any]]
    """By dotted name: the value that ships and the file's. What equals the shipped value is not a change."""


@cache
def default_rubric_text() -> str:
    """rubric.toml as it ships, comments included."""
    return files("winback.segmentation").joinpath("rubric.toml").read_text(encoding="utf-8")


@cache
def default_settings() -> RubricSettings:
    return RubricSettings.model_validate(tomllib.loads(default_rubric_text(), parse_float=_number))


def read_rubric_file(source: Path | str, currency: str = NO_CURRENCY) -> RubricOverrides:
    """From a path, or from the text itself. Amounts may have as many decimals as `currency`.

    Raises RubricFileError with line and reason: no TOML, an unknown setting, a wrong type, a value out of range,
    or settings that contradict each other. OSError when the path cannot be read.
    """
    text = _text(source)
    try:
        given = tomllib.loads(text, parse_float=_number)
    except tomllib.TOMLDecodeError as error:
        problem, line = _syntax(str(error), text)
        raise RubricFileError(problem, line) from None
    lines = lines_of_keys(text.replace("\r\n", "\n"))
    _refuse_unknown(given, lines)
    _refuse_types(given, lines)
    base = default_settings().model_dump()
    try:
        settings = RubricSettings.model_validate(_merged(base, given))
    except ValidationError as error:
        raise _invalid(error, given, lines) from None
    _refuse_fractions(settings, exponent(currency), currency, lines)
    return RubricOverrides(settings, dict(_changes(base, settings.model_dump())))


def _text(source: Path | str) -> str:
    raw = source.read_bytes() if isinstance(source, Path) else source.encode()
    if len(raw) > _LARGEST:
        raise RubricFileError(f"the file has {len(raw):,} bytes; a rubric has at most {_LARGEST:,}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RubricFileError("not UTF-8 text", raw[: error.start].count(b"\n") + 1) from None


def _number(text: str) -> Decimal:
    """Amounts are exact. TOML's inf and nan become Decimals that no range admits."""
    return Decimal(text)


def _syntax(message: str, text: str) -> tuple[str, int]:
    """tomllib says `... (at line 3, column 5)`, or `(at end of document)`."""
    problem, _, place = message.rpartition(" (at ")
    words = place.rstrip(")").replace(",", "").split()
    line = int(words[1]) if words[:1] == ["line"] else text.rstrip("\n").count("\n") + 1
    return f"not TOML: {problem[:1].lower()}{problem[1:]}", line


def _refuse_unknown(given: dict[str, Any], lines: dict[tuple[str, ...], int]) -> None:
    for heading, content in given.items():
        line = _line(lines, (heading,))
        if heading not in {*_KNOWN, "segments"}:
            raise RubricFileError(f"unknown setting {heading!r}; known headings: {_list([*_KNOWN, 'segments'])}", line)
        if not isinstance(content, dict):
            raise RubricFileError(f"{heading} is a heading: write [{heading}] and its settings below", line)
        groups = {(heading,): content} if heading != "segments" else _policies(content, lines)
        known = _KNOWN.get(heading, tuple(SegmentPolicy.model_fields))
        for path, settings in groups.items():
            for name in settings:
                if name not in known:
                    place = ".".join(path)
                    message = f"unknown setting {name!r} in {place}; known: {_list(known)}"
                    raise RubricFileError(message, _line(lines, (*path, name)))


def _refuse_types(given: dict[str, Any], lines: dict[tuple[str, ...], int], prefix: tuple[str, ...] = ()) -> None:
    """No text where a number belongs, and no true or false anywhere: both could be read as numbers."""
    for name, value in given.items():
        path = (*prefix, name)
        if isinstance(value, dict):
            _refuse_types(value, lines, path)
            continue
        expected = str if name in _TEXTS else (int, Decimal)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, bool) or not isinstance(part, expected):
                wanted = "text in quotes" if name in _TEXTS else "a number"
                raise RubricFileError(
                    f"{'.'.join(path)}: expected {wanted}, but it is {_shown(part)}", _line(lines, path)
                )


def _policies(content: dict[str, Any], lines: dict[tuple[str, ...], int]) -> dict[tuple[str, ...], dict[str, Any]]:
    segments = default_settings().segments
    for name, policy in content.items():
        line = _line(lines, ("segments", name))
        if name not in {str(segment) for segment in segments}:
            raise RubricFileError(f"unknown segment {name!r}; known: {_list(segments)}", line)
        if not isinstance(policy, dict):
            raise RubricFileError(f'segments.{name} is a heading: write [segments."{name}"]', line)
    return {("segments", name): policy for name, policy in content.items()}


def _merged(base: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    merged = {str(name): value for name, value in base.items()}
    for name, value in given.items():
        known = merged.get(name)
        merged[name] = _merged(known, value) if isinstance(value, dict) and isinstance(known, dict) else value
    return merged


def _invalid(error: ValidationError, given: dict[str, Any], lines: dict[tuple[str, ...], int]) -> RubricFileError:
    """The first problem by line. Settings that fit one by one have their contradiction looked up, for its keys."""
    problems = [(_line(lines, path), problem) for path, problem in map(_described, error.errors()) if path]
    if problems:
        line, problem = min(problems, key=lambda found: found[0] or 0)
        return RubricFileError(problem, line)
    unchecked = RubricSettings.model_construct(**_groups(_merged(default_settings().model_dump(), given)))
    keys, problem = next(contradictions(unchecked))
    return RubricFileError(problem, next((lines[key] for key in keys if key in lines), None))


def _groups(merged: dict[str, Any]) -> dict[str, Any]:
    kinds = {name: field.annotation for name, field in RubricSettings.model_fields.items() if name != "segments"}
    return {name: kind.model_validate(merged[name]) for name, kind in kinds.items() if kind is not None}


def _described(error: ErrorDetails) -> tuple[tuple[str, ...], str]:
    path = tuple(str(part) for part in error["loc"] if isinstance(part, str) and "[" not in part)
    name, value = ".".join(path), error["input"]
    if error["type"] == "tuple_type":
        return path, f"{name}: expected a list in brackets, but it is {_shown(value)}"
    if error["type"] in ("missing", "too_long"):
        return path, f"{name}: not as many values as the setting that ships has: {_shown(value)}"
    message = error["msg"].removeprefix("Input ")
    return path, f"{name}: {message[:1].lower()}{message[1:]}, but it is {_shown(value)}"


def _refuse_fractions(
    settings: RubricSettings, decimals: int, currency: str, lines: dict[tuple[str, ...], int]
) -> None:
    amounts = {
        ("bands", name): [value]
        for name in ("high_value", "premium_above", "elite_above", "vip_above")
        if (value := getattr(settings.bands, name)) is not None
    }
    if settings.scores.value is not None:
        amounts["scores", "value"] = list(settings.scores.value)
    for path, values in amounts.items():
        for value in values:
            if value != round(value, decimals):
                message = f"{'.'.join(path)}: {value} has more decimals than {currency} allows ({decimals})"
                raise RubricFileError(message, _line(lines, path))


def _changes(base: dict[str, Any], effective: dict[str, Any], prefix: str = "") -> list[tuple[str, tuple[Any, Any]]]:
    found: list[tuple[str, tuple[Any, Any]]] = []
    for name, value in effective.items():
        if isinstance(value, dict):
            found += _changes(base[name], value, f"{prefix}{name}.")
        elif base[name] != value:
            found.append((f"{prefix}{name}", (base[name], value)))
    return found


def _line(lines: dict[tuple[str, ...], int], path: tuple[str, ...]) -> int | None:
    """Of the key, or of the nearest heading above it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(part) for part in value)}]"
    text = str(value).lower() if isinstance(value, Decimal | bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _list(names: Any) -> str:
    return ", ".join(str(name) for name in names)
