"""Typed settings of a function, read from its environment variables once, at first use."""

import os
from dataclasses import fields
from typing import Any, TypeVar

Settings = TypeVar("Settings")


class MissingSetting(RuntimeError):
    """An environment variable that the function needs is not set."""


def read_settings(cls: type[Settings], environ: dict[str, str] | None = None) -> Settings:
    """Builds the frozen dataclass `cls`: each field `lake_bucket: str` comes from `LAKE_BUCKET`.

    Raises MissingSetting, naming all that are missing.
    """
    source = os.environ if environ is None else environ
    names = {field.name: field.name.upper() for field in fields(cls)}  # type: ignore[arg-type]
    missing = [variable for variable in names.values() if variable not in source]
    if missing:
        raise MissingSetting(f"environment variables not set: {', '.join(missing)}")
    values: dict[str, Any] = {name: source[variable] for name, variable in names.items()}
    return cls(**values)
