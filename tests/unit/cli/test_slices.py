import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from winback.cli import app
from winback.identifiers import customer_key
from winback.slices.recipes import shipped_recipes

LOYAL = {"column": "purchases", "operator": ">=", "value": 10}


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    rows = [f"ann@example.com,a{n},2025-{n:02d}-20,90.00,EUR" for n in range(1, 13)]
    rows += ["bob@example.com,b1,2025-01-20,10.00,EUR"]
    path.write_text("customer_id,order_id,ordered_at,amount,currency\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def condition(tmp_path: Path) -> Path:
    return _written(tmp_path / "condition.json", LOYAL)


def _written(path: Path, tree: Any) -> Path:
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["slice", *map(str, arguments)])


def test_a_condition_is_previewed_from_a_file_of_orders(orders: Path, condition: Path) -> None:
    result = _run("--orders", orders, "--as-of", "2026-01-01", "--condition", condition, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["selected"] == {"customers": 1, "net_minor": 108_000, "average_minor": 108_000}
    assert found["currency"] == "EUR"
    assert "example.com" not in result.stdout


def test_customers_are_named_only_when_asked(orders: Path, condition: Path) -> None:
    asked = ("--orders", orders, "--as-of", "2026-01-01", "--condition", condition)
    assert "ann@example.com" not in _run(*asked).stdout
    assert "ann@example.com" in _run(*asked, "--with-ids").stdout
    assert customer_key("5a17", "ann@example.com") in _run(*asked, "--salt", "5a17").stdout


def test_the_list_says_of_each_recipe_how_many_or_what_is_missing(orders: Path) -> None:
    result = _run("--list", "--orders", orders, "--as-of", "2026-01-01", "--json")
    assert result.exit_code == 0, result.output
    listed = {row["name"]: row for row in json.loads(result.stdout)}
    assert set(listed) == set(shipped_recipes())
    assert "newly_lapsed" in listed["newly-lapsed-reachable"]["problems"][0]
    assert listed["heroes-nearly-due"]["selected"]["customers"] in (0, 1)
    assert "XXX" not in _run("--list", "--orders", orders, "--as-of", "2026-01-01").stdout, "no currency was named"


def test_the_list_needs_no_orders() -> None:
    result = _run("--list")
    assert result.exit_code == 0, result.output
    assert "slipping-vips-wide" in result.stdout


def test_the_schema_is_json() -> None:
    assert json.loads(_run("--schema").stdout)["title"] == "Condition of a slice"


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"any": [LOYAL, {"column": "net", "operator": ">", "value": "x"}]}, "any[1].value is not a number"),
        ({"column": "newly_lapsed", "operator": "=", "value": True}, "newly_lapsed"),
        ({"slice": "slc-000000000000"}, "is no saved slice"),
        ({"not": {"event": "opened", "within_days": 9}}, "not.event needs sends and store events"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(orders: Path, tmp_path: Path, tree: Any, said: str) -> None:
    path = _written(tmp_path / "bad.json", tree)
    result = _run("--orders", orders, "--as-of", "2026-01-01", "--condition", path)
    assert result.exit_code == 2
    assert said in result.stderr


def test_one_thing_is_asked_at_a_time(orders: Path, condition: Path) -> None:
    assert _run("--orders", orders).exit_code == 2
    assert _run("--list", "--condition", condition).exit_code == 2
    assert _run("--condition", condition).exit_code == 2
    unknown = _run("--recipe", "nobody", "--orders", orders, "--as-of", "2026-01-01")
    assert unknown.exit_code == 2
    assert "slipping-vips-wide" in unknown.stderr
