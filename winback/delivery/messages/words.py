"""What the layout and its blocks say, by language."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """By language; every language has the same words."""
    return tomllib.loads((files("winback.delivery.messages.layout") / "words.toml").read_text("utf-8"))


def words_in(language: str) -> Mapping[str, str] | None:
    """Of the language, whatever region it is given with; None when there are none."""
    return words().get(language.partition("-")[0].casefold())
