"""The SQL of send time: one file a step, each with its grain, inputs and outputs at its head."""

from functools import cache
from pathlib import Path


@cache
def statement(name: str) -> str:
    """Text of `{name}.sql`."""
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
