"""`winback recommendations evaluate` on a small file of order lines."""

import csv
import json
from datetime import date, timedelta
from itertools import pairwise

import pytest
from typer.testing import CliRunner

from winback.cli import app

COLUMNS = ["customer_id", "order_id", "ordered_at", "amount", "category"]


@pytest.fixture
def lines(tmp_path):
    """A hundred and fifty customers, each with two things of its own out of ten, every other week."""
    path = tmp_path / "lines.csv"
    rows = []
    for number in range(150):
        for week in range(number % 2, 30, 2):
            day = date(2025, 1, 1) + timedelta(days=7 * week + number % 7)
            for thing in (number % 10, (number * 3 + 1) % 10):
                rows.append([f"c{number}", f"{number}-{week}", day.isoformat(), "10.00", f"thing {thing}"])
    with path.open("w") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


def run(path, *more):
    return CliRunner().invoke(app, ["recommendations", "evaluate", "--orders", str(path), *map(str, more)])


def test_the_model_its_baselines_and_what_is_served_are_printed(lines, tmp_path):
    card = tmp_path / "card.md"
    result = run(lines, "--as-of", "2025-06-01", "--json", "--card", card)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["item"], document["most"], document["orders"], document["customers"]) == ("category", 5, 150, 150)
    assert document["rankers"]["model"]["hit_rate"] == 1
    assert document["rankers"]["popular"]["hit_rate"] < 1
    against = {one["baseline"]: one for one in document["against"]}
    assert against["popular"]["better"]
    assert not against["last"]["better"]
    assert document["serves"] == "model"
    text = card.read_text()
    assert "| this model | 100.0% | 100.0% |" in text
    assert "too small to tell: it is served, and not shown to be better" in text
    table = run(lines, "--as-of", "2025-06-01")
    assert "most popular" in table.stdout


def test_three_moments_are_judged_unless_others_are_named(lines):
    document = json.loads(run(lines, "--json").stdout)
    moments = [date.fromisoformat(moment["as_of"][:10]) for moment in document["moments"]]
    assert [later - earlier for earlier, later in pairwise(moments)] == [timedelta(days=28)] * 2
    assert moments[-1] == date(2025, 7, 30) - timedelta(days=28), "the last order is of 29 July"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--as-of", "2024-06-01"], "leaves no eight weeks of orders before it"),
        (["--as-of", "never"], "--as-of: 'never'"),
        (["--map", "category=kind"], "category is mapped to 'kind'"),
        (["--card", "/nowhere/card.md"], "--card: there is no folder /nowhere"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_the_users_words(lines, options, message):
    result = run(lines, *options)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_orders_without_lines_are_refused(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("customer_id,order_id,ordered_at,amount\na,1,2025-01-01,5\na,2,2025-09-01,5\n")
    result = run(path)
    assert result.exit_code == 2
    assert "no order has lines with a category or a sku" in " ".join(result.stderr.split())
