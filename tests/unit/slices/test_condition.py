"""What a tree may say, and how it is told what does not fit."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from tests.unit.slices import strategies
from winback.features import FEATURES
from winback.playbook.rows import parse_cell
from winback.slices.columns import COLUMNS, Kind
from winback.slices.condition import MAX_DEPTH, MAX_LEAVES, Comparison, Condition
from winback.slices.problems import ConditionRefused, parse_condition
from winback.slices.recipes import shipped_recipes
from winback.slices.schema import condition_schema

SCHEMA = Path(__file__).parents[3] / "docs" / "condition.schema.json"
SEGMENT = {"column": "segment", "operator": "=", "value": "Loyal"}
KINDS = {
    "INTEGER": {Kind.WHOLE},
    "BIGINT": {Kind.WHOLE, Kind.MONEY},
    "DOUBLE": {Kind.NUMBER, Kind.MONEY},
    "TIMESTAMP": {Kind.DATE},
    "BOOLEAN": {Kind.FLAG},
    "VARCHAR": {Kind.TEXT},
}


def refusal(tree: Any) -> dict[str, tuple[str, str]]:
    with pytest.raises(ConditionRefused) as caught:
        parse_condition(tree)
    return {found.path: (found.problem, found.expected) for found in caught.value.problems}


def test_every_feature_is_a_column_of_its_type() -> None:
    """A new feature must be given a place here, or be left out on purpose."""
    stored = {column.stored: column for column in COLUMNS.values()}
    for feature in FEATURES:
        if feature.name == "customer_id":
            continue
        assert stored[feature.name].kind in KINDS[feature.type], feature.name
        if feature.unit == "minor units":
            assert stored[feature.name].kind is Kind.MONEY


def test_a_problem_is_named_by_its_path_and_by_what_would_be_right() -> None:
    tree = {"all": [SEGMENT, {"any": [{"column": "net", "operator": ">=", "value": "abc"}]}]}
    assert refusal(tree) == {"all[1].any[0].value": ("is not a number", 'an amount in major units such as "49.90"')}


@pytest.mark.parametrize(
    ("tree", "path", "problem"),
    [
        ({"column": "net_minor", "operator": ">", "value": 1}, "column", "is in minor units"),
        ({"column": "email", "operator": "=", "value": "a"}, "column", "is no column of a snapshot"),
        ({"column": "customer_key", "operator": "=", "value": "a"}, "column", "is no column of a snapshot"),
        ({"column": "lapsed", "operator": "<", "value": True}, "operator", "does not go with lapsed"),
        ({"column": "lapsed", "operator": "=", "value": "yes"}, "value", "is neither true nor false"),
        ({"column": "segment", "operator": "=", "value": "VIPs"}, "value", "is no value of segment"),
        ({"column": "purchases", "operator": "=", "value": 1.5}, "value", "is not whole"),
        ({"column": "purchases", "operator": "=", "value": True}, "value", "is not a number"),
        ({"column": "net", "operator": "=", "value": "1e99"}, "value", "is too large"),
        ({"column": "net", "operator": "=", "value": float("nan")}, "value", "is too large"),
        ({"column": "net", "operator": "=", "value": "0.0001"}, "value", "has more than 3 decimals"),
        ({"column": "net", "operator": "between", "value": [2, 1]}, "value", "has its ends the wrong way round"),
        ({"column": "net", "operator": "between", "value": [1]}, "value", "is no list of that length"),
        ({"column": "net", "operator": "in", "value": []}, "value", "is no list of that length"),
        ({"column": "net", "operator": "known", "value": 1}, "value", "means nothing with known"),
        ({"column": "acquired_at", "operator": "<", "value": "2026-02-30"}, "value", "is not a date"),
        ({"column": "model_id", "operator": "=", "value": "a\x00b"}, "value", "has control characters"),
        ({"all": []}, "all", "is empty"),
        ({"cells": [{"value_tier": "VIP", "status": "New"}]}, "cells[0]", "is no cell of the grid"),
        ({"event": "opened"}, "", "has 0 times"),
        (
            {"event": "purchased", "channel": "web", "since": "2026-01-01"},
            "",
            "has a channel, which a purchase has not",
        ),
        ({"not": 5}, "not", "does not fit"),
        ({"everybody": True}, "", "does not fit"),
        ({"column": "net", "operator": "known", "above": 1}, "above", "is not known"),
        ({"column": "net", "value": 1}, "operator", "is missing"),
    ],
)
def test_what_does_not_fit_is_refused(tree: Any, path: str, problem: str) -> None:
    found = refusal(tree)
    assert list(found) == [path]
    assert found[path][0] == problem
    assert found[path][1]


def test_depth_and_size_have_limits() -> None:
    deep: Any = SEGMENT
    for _ in range(MAX_DEPTH):
        deep = {"not": deep}
    parse_condition(deep)
    assert "deep" in refusal({"not": deep})[""][0]
    assert "deep" in refusal(_nested(50_000))[""][0]
    parse_condition({"any": [SEGMENT] * MAX_LEAVES})
    assert str(MAX_LEAVES) in refusal({"any": [SEGMENT] * (MAX_LEAVES + 1)})[""][0]


def _nested(depth: int) -> Any:
    tree: Any = SEGMENT
    for _ in range(depth):
        tree = {"not": tree}
    return tree


@settings(max_examples=60, deadline=None)
@given(tree=strategies.trees(*strategies.SLICES))
def test_a_tree_survives_json_and_the_table(tree: dict[str, Any]) -> None:
    condition = parse_condition(tree)
    text = condition.model_dump_json(exclude_none=True)
    assert parse_condition(json.loads(text)) == condition
    assert parse_condition(json.loads(text, parse_float=Decimal, parse_int=Decimal)) == condition


@settings(max_examples=60, deadline=None)
@given(tree=strategies.trees(*strategies.SLICES))
def test_the_published_schema_takes_what_the_models_take(tree: dict[str, Any]) -> None:
    jsonschema.validate(json.loads(json.dumps(tree)), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_published_schema_is_the_models(condition: Callable[[Any], Condition]) -> None:
    """After a change: winback slice --schema > docs/condition.schema.json"""
    assert SCHEMA.read_text(encoding="utf-8") == condition_schema()
    for bad in ({"column": "segment", "operator": "=", "value": "VIPs"}, {"all": []}, {"column": "net_minor"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, json.loads(condition_schema()))


def test_the_shipped_recipes_are_told_in_a_line_and_begin_at_a_row_of_the_playbook() -> None:
    recipes = shipped_recipes()
    assert len(recipes) >= 8
    for recipe in recipes.values():
        parse_cell(recipe.playbook)
    assert recipes["discount-one-timers"].contact == "leave alone"
    wide = recipes["slipping-vips-wide"].condition
    assert Comparison(column="breadth_tier", operator="=", value="wide") in wide.conditions
