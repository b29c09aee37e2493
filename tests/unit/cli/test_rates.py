import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from winback.cli.rates import app

ORDERS = "customer_id,order_id,ordered_at,amount,currency\n" + "".join(
    f"c{n},o{n},2026-0{1 + n % 9}-15,{10 + n}.00,{('GBP', 'USD', 'EUR')[n % 3]}\n" for n in range(60)
)
ECB = "Date,USD,GBP,\n" + "".join(f"2026-0{n}-01,1.{n}0,0.8{n},\n" for n in range(1, 10))


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    return _written(tmp_path / "orders.csv", ORDERS)


@pytest.fixture
def rates(tmp_path: Path) -> Path:
    return _written(tmp_path / "eurofxref-hist.csv", ECB)


def test_the_check_tells_who_moves_and_states_the_bound(orders: Path, rates: Path) -> None:
    result = _run("--orders", orders, "--rates", rates, "--currency", "GBP", "--as-of", "2027-01-01", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["customers"] == 60
    assert {each["currency"]: each["converted"] for each in found["conversion"]["foreign"]} == {"EUR": 20, "USD": 20}
    assert found["moved"] <= found["within_bound"]
    assert found["bound"] == max(abs(each["share"]) for each in found["deviations"])
    assert {each["currency"] for each in found["deviations"]} == {"EUR", "USD"}
    shown = _run("--orders", orders, "--rates", rates, "--currency", "GBP", "--as-of", "2027-01-01")
    assert "Orders in other currencies: 40 converted to GBP, 0 left out" in shown.stdout
    assert "Of 60 customers" in shown.stdout


def test_orders_of_one_currency_give_figures_too_when_json_is_asked_for(tmp_path: Path, rates: Path) -> None:
    orders = _written(tmp_path / "pounds.csv", ORDERS.replace("USD", "GBP").replace("EUR", "GBP"))
    common = ("--orders", orders, "--rates", rates, "--currency", "GBP", "--as-of", "2027-01-01")
    found = json.loads(_run(*common, "--json").stdout)
    assert (found["customers"], found["moved"], found["within_bound"], found["bound"]) == (60, 0, 0, 0.0)
    assert found["conversion"] == {"currency": "GBP", "foreign": []}
    assert "there is nothing to convert" in _run(*common).stdout


def test_orders_without_a_rate_are_named_by_currency_and_reason(tmp_path: Path, rates: Path) -> None:
    content = ORDERS + "cx,ox,2025-01-01,1.00,USD\ncy,oy,2026-02-01,1.00,CHF\n"
    orders = _written(tmp_path / "more.csv", content)
    shown = _run("--orders", orders, "--rates", rates, "--currency", "GBP", "--as-of", "2027-01-01").stdout
    assert "CHF: 0 converted, 1 left out (no rates)" in shown
    assert "USD: 20 converted, 20 of them by a rate more than a week old, 1 left out (before the first rate)" in shown


def test_of_two_files_of_rates_the_last_counts(tmp_path: Path, orders: Path, rates: Path) -> None:
    level = _written(
        tmp_path / "level.csv", "Date,USD,GBP\n" + "".join(f"2026-0{n}-01,1.1,0.8\n" for n in range(1, 10))
    )
    both = ["--orders", orders, "--rates", rates, "--rates", level, "--currency", "GBP", "--as-of", "2027-01-01"]
    assert json.loads(_run(*both, "--json").stdout)["bound"] == 0


def test_one_currency_has_nothing_to_check(tmp_path: Path, rates: Path) -> None:
    orders = _written(tmp_path / "one.csv", "customer_id,order_id,ordered_at,amount\na,1,2026-01-01,5\n")
    result = _run("--orders", orders, "--rates", rates, "--currency", "GBP", "--as-of", "2027-01-01")
    assert result.exit_code == 0
    assert "All orders are in GBP" in result.stdout


def test_rates_that_are_not_used_are_told(tmp_path: Path, orders: Path) -> None:
    rates = _written(tmp_path / "boe.csv", "DATE,XUDLUSS,XUDLERS,XUDLBK67\n02 Jan 2026,1.3,1.15,80\n")
    result = _run("--orders", orders, "--rates", rates, "--currency", "GBP", "--as-of", "2027-01-01", "--json")
    assert result.exit_code == 0
    assert "1 of 3 rates are not used (1 x currency: unknown series); the first is on line 2" in result.stderr
    json.loads(result.stdout)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--orders", "/nowhere.csv", "--orders: there is no file"),
        ("--rates", "/nowhere.csv", "--rates: there is no file"),
        ("--currency", "pounds", "--currency: 'pounds' is not an ISO 4217 code"),
        ("--as-of", "soon", "--as-of: 'soon' is not a date"),
        ("--map", "customer_id", "--map: 'customer_id' is not NAME=COLUMN"),
    ],
)
def test_what_cannot_be_used_is_refused_by_option(
    orders: Path, rates: Path, option: str, value: str, message: str
) -> None:
    options = {"--orders": orders, "--rates": rates, "--currency": "GBP", "--as-of": "2027-01-01", option: value}
    result = _run(*(part for pair in options.items() for part in pair))
    assert result.exit_code == 2
    assert message in result.stderr


def test_files_that_are_something_else_are_refused(orders: Path, rates: Path) -> None:
    common = ["--currency", "GBP", "--as-of", "2027-01-01"]
    swapped = _run("--orders", orders, "--rates", orders, *common)
    assert (swapped.exit_code, "of no known format of exchange rates" in swapped.stderr) == (2, True)
    assert _run("--orders", rates, "--rates", rates, *common).exit_code == 2


def _written(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["check", *(str(argument) for argument in arguments)], env={"COLUMNS": "200"})
