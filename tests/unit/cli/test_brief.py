import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from winback.cli import app

HEADER = "customer_id,order_id,ordered_at,amount,currency\n"


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    rows = [f"ann@example.com,a{n},2025-{n:02d}-20,90.00,EUR" for n in range(1, 8)]
    rows += [f"c{n}@example.com,b{n},2025-12-{n % 28 + 1:02d},10.00,EUR" for n in range(40)]
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["brief", *map(str, arguments)])


@pytest.mark.parametrize("kind", ["crm", "ltv"])
def test_orders_give_a_brief_that_names_nobody(orders: Path, kind: str) -> None:
    result = _run(kind, "--orders", orders, "--as-of", "2026-01-01")
    assert result.exit_code == 0, result.output
    assert "From the orders of 41 customers, as of 2026-01-01" in result.stdout
    assert "example" not in result.stdout


def test_notes_stand_beside_orders(orders: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("We use Klaviyo. Gross margin 40%. Goal: reach new customers", encoding="utf-8")
    result = _run("crm", "--orders", orders, "--as-of", "2026-01-01", "--notes", notes)
    assert result.exit_code == 0, result.output
    assert "Klaviyo" in result.stdout
    assert "10\N{NARROW NO-BREAK SPACE}% off takes 25\N{NARROW NO-BREAK SPACE}%" in result.stdout


def test_the_template_fills_a_brief_in_every_form(tmp_path: Path) -> None:
    form = tmp_path / "notes.toml"
    form.write_text(_run("notes-template").stdout, encoding="utf-8")
    result = _run("ltv", "--notes", form, "--out", tmp_path / "made" / "ltv.md", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["kind"] == "ltv"
    assert (tmp_path / "made" / "ltv.md").read_text(encoding="utf-8").startswith("# Plan for customer lifetime value")


def test_orders_in_two_currencies_are_converted_by_rates(orders: Path, tmp_path: Path) -> None:
    with orders.open("a", encoding="utf-8") as file:
        file.write("c1@example.com,x1,2025-12-30,10.00,USD\n")
    rates = tmp_path / "rates.csv"
    rates.write_text("day,currency,rate,base\n2025-12-29,USD,1.25,EUR\n", encoding="utf-8")
    mixed = _run("crm", "--orders", orders, "--as-of", "2026-01-01")
    assert mixed.exit_code == 2
    result = _run("crm", "--orders", orders, "--as-of", "2026-01-01", "--rates", rates, "--currency", "EUR")
    assert result.exit_code == 0, result.output


def test_few_customers_are_hidden(orders: Path) -> None:
    result = _run("crm", "--orders", orders, "--as-of", "2026-01-01", "--hide-below", "5")
    assert result.exit_code == 0, result.output
    assert "too few to show" in result.stdout
    assert "630" not in result.stdout  # what Ann spent


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name --orders, --notes, or both"),
        (("--orders", "nowhere.csv"), "--as-of"),
        (("--orders", "nowhere.csv", "--as-of", "2026-01-01"), "there is no file"),
        (("--notes", "nowhere.txt"), "cannot read"),
        (("--orders", "nowhere.csv", "--as-of", "2026-01-01", "--rates", "r.csv"), "--currency"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: tuple[str, ...], said: str) -> None:
    result = _run("crm", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_wrong_form_is_refused_by_field(tmp_path: Path) -> None:
    form = tmp_path / "notes.toml"
    form.write_text("aov = 3\n", encoding="utf-8")
    result = _run("crm", "--notes", form)
    assert result.exit_code == 2
    assert "aov: is not a field of the form" in result.stderr
    unused = _run("crm", "--notes", form, "--as-of", "2026-01-01")
    assert unused.exit_code == 2
