"""On which line of a TOML document each key stands; the standard library's parser does not tell."""

import tomllib
from typing import Any

Path = tuple[str, ...]


def lines_of_keys(text: str) -> dict[Path, int]:
    """The line, from 1, of each table and key by its path. `text` is valid TOML."""
    lines: dict[Path, int] = {}
    table: Path = ()
    for number, statement in _statements(text):
        content = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _deepest(content)
            lines.setdefault(table, number)
        else:
            for path in _paths(content):
                lines.setdefault((*table, *path), number)
    return lines


def _statements(text: str) -> list[tuple[int, str]]:
    """Each statement with its first line. One that goes over several lines is none before its last line is there."""
    statements = []
    start, pending = 1, ""
    for number, line in enumerate(text.split("\n"), start=1):
        if not pending:
            start = number
        pending += line + "\n"
        try:
            tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue
        if pending.strip() and not pending.lstrip().startswith("#"):
            statements.append((start, pending))
        pending = ""
    return statements


def _deepest(content: Any) -> Path:
    """The path of a table's heading."""
    path: list[str] = []
    while content:
        if isinstance(content, list):
            content = content[0]
            continue
        ((name, content),) = content.items()
        path.append(name)
    return tuple(path)


def _paths(content: Any, prefix: Path = ()) -> list[Path]:
    if not isinstance(content, dict):
        return [prefix] if prefix else []
    found = [prefix] if prefix else []
    for name, value in content.items():
        found += _paths(value, (*prefix, name))
    return found
