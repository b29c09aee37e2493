"""Costs: counted units times dated prices, and the documents that show them say the same."""

import json
from decimal import Decimal
from pathlib import Path

from typer.testing import CliRunner

from winback.cli import app
from winback.costs import prices
from winback.costs.bills import Month, bill, total
from winback.costs.costs_page import costs_page
from winback.costs.counted import Cause, Counted, Measure, Run, counted

DOCS = Path(__file__).parents[3] / "docs"


def a_run(**units: float) -> Counted:
    cause = Cause(name="sending", does="sends", measure=Measure.MESSAGE, count=100, units=units)
    planned = Cause(name="planning", does="plans", measure=Measure.PLANNED, count=400, units={"dynamodb_read": 800})
    return Counted(
        counted_on="2026-11-22",
        how="by hand",
        assumed=(),
        run=Run(candidates=125, planned=400, messages=100, events=0, steps=2, chunk_rows=500),
        causes=(cause, planned),
    )


def test_a_million_messages_cost_their_units_in_the_proportions_of_the_run() -> None:
    found = a_run(dynamodb_write=300, sqs_request=50).per_million_messages()
    assert found["sending"] == {"DynamoDB": Decimal("1.875"), "SQS": Decimal("0.2")}
    assert found["planning"] == {"DynamoDB": Decimal("1.0")}  # 4 rows a message, 2 units each


def test_a_launch_costs_what_its_own_numbers_make_of_each_cause() -> None:
    table = a_run(dynamodb_write=300)
    twice = table.launch_cost(candidates=10, planned=800, messages=100)
    assert twice["planning"] == 2 * table.launch_cost(candidates=10, planned=400, messages=100)["planning"]
    assert twice["sending"] == prices.price("dynamodb_write").of(300)


def test_what_ships_was_counted_with_known_prices_and_keeps_the_budget() -> None:
    table = counted()
    assert all(name in prices.prices() for cause in table.causes for name in cause.units)
    assert {cause.measure for cause in table.causes} >= {Measure.CANDIDATE, Measure.PLANNED, Measure.MESSAGE}
    whole = sum((sum(row.values(), Decimal(0)) for row in table.per_million_messages().values()), Decimal(0))
    assert whole <= 10


def test_each_price_names_the_page_that_says_it() -> None:
    assert all(price.source.startswith("https://aws.amazon.com/") for price in prices.prices().values())
    assert all(price.amount > 0 and price.per > 0 for price in prices.prices().values())


def test_a_months_bill_is_the_sum_of_its_causes_and_grows_with_the_customers() -> None:
    small, large = (bill(counted(), Month(customers)) for customers in (10_000, 100_000))
    assert total(small) == sum((line.dollars for line in small), Decimal(0))
    assert total(small) < total(large) < 10 * total(small)  # what a stage costs anyway is shared


def test_the_command_prints_the_same_figures_as_its_json() -> None:
    shown = CliRunner().invoke(app, ["cost", "--customers", "40000", "--json"])
    assert shown.exit_code == 0, shown.output
    figures = json.loads(shown.output)
    (month,) = figures["months"]
    assert Decimal(month["total"]) == total(bill(counted(), Month(40_000))).quantize(Decimal("0.0001"))
    printed = CliRunner().invoke(app, ["cost", "--customers", "40000"], env={"COLUMNS": "100"})
    assert f"{Decimal(figures['per_million_messages']['total']):.2f}" in printed.output
    assert figures["prices_of"] in printed.output


def test_the_page_in_docs_is_the_one_that_the_table_makes() -> None:
    written = (DOCS / "costs.md").read_text(encoding="utf-8")
    assert written == costs_page(counted()), "run: python -m bench campaign_cost, or winback.costs.costs_page"
