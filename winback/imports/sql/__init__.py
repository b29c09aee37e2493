"""The SQL of imports: one file a step, each with its grain, inputs and outputs at its head."""

from functools import cache
from pathlib import Path


@cache
def statement(name: str) -> str:
    """Text of `{name}.sql`."""
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")


def literal(text: str) -> str:
    """As an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """As an SQL name."""
    return '"' + name.replace('"', '""') + '"'
