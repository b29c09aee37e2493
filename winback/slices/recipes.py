"""The shipped slices, as data (recipes.toml)."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from winback.slices.condition import ConditionTree


class Recipe(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    title: str = Field(min_length=1, max_length=80)
    why: str = Field(min_length=1, max_length=140)
    contact: Literal["campaign", "leave alone"]
    playbook: str = Field(description="the row of the playbook to begin with, as `Premium / At Risk`")
    condition: ConditionTree


@cache
def shipped_recipes() -> dict[str, Recipe]:
    """By name, in the order in which to look at them."""
    text = files("winback.slices").joinpath("recipes.toml").read_text(encoding="utf-8")
    recipes = [Recipe.model_validate(recipe) for recipe in tomllib.loads(text)["recipe"]]
    return {recipe.name: recipe for recipe in recipes}
