import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from winback.cli import app
from winback.identifiers import customer_key

HEADER = "customer_id,order_id,ordered_at,amount,currency\n"


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    rows = [f"ann@example.com,a{n},2025-{n:02d}-20,90.00,EUR" for n in range(1, 13)]
    rows += ["bob@example.com,b1,2025-01-20,10.00,EUR"]
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["playbook", *map(str, arguments)])


def test_the_table_has_the_accounts_own_figures(orders: Path) -> None:
    result = _run("--orders", orders, "--as-of", "2026-01-01", "--json")
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    assert table["total"] == {
        "customers": 2,
        "total_cltv_to_date_minor": 109_000,
        "average_cltv_to_date_minor": 54_500,
    }
    assert len(table["cells"]) == 16
    assert sum(cell["customers"] for cell in table["cells"]) == 2


@pytest.mark.parametrize("width", [80, 200])
def test_a_terminal_shows_cells_campaigns_and_behaviours(
    orders: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    result = _run("--orders", orders, "--as-of", "2026-01-01")
    assert result.exit_code == 0, result.output
    for text in ("1,090.00", "Save & Retain", "High Frequency Buyer", "Segments drive campaigns"):
        assert text in result.stdout
    assert "example.com" not in result.stdout


def test_it_is_written_as_page_markdown_and_csv(orders: Path, tmp_path: Path) -> None:
    files = [tmp_path / "new" / f"playbook{ending}" for ending in (".html", ".md", ".csv")]
    options = [part for file in files for part in ("--out", file)]
    result = _run("--orders", orders, "--as-of", "2026-01-01", *options)
    assert result.exit_code == 0, result.output
    for file in files:
        assert "1080.00" in file.read_text(encoding="utf-8").replace(",", "")


def test_an_own_playbook_replaces_rows(orders: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    row = {"value_tier": "Hibernating", "status": "Hibernating", "campaign": "Let them sleep"}
    own.write_text(json.dumps({"cells": [row]}), encoding="utf-8")
    result = _run("--orders", orders, "--as-of", "2026-01-01", "--playbook", own, "--json")
    assert json.loads(result.stdout)["cells"][-1]["campaign"] == "Let them sleep"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--out": "playbook.pdf"}, "--out: playbook.pdf ends in '.pdf'; name a file that ends in .html, .md, .csv"),
        ({"--out": "/proc/x/playbook.md"}, "--out: cannot write to /proc/x/playbook.md"),
        ({"--playbook": "/nowhere.toml"}, "--playbook: cannot read /nowhere.toml: No such file or directory"),
        ({"--orders": "/nowhere.csv"}, "--orders: there is no file /nowhere.csv"),
        ({"--as-of": "soon"}, "--as-of: 'soon' is not a date or time"),
        ({"--currency": "euro"}, "--currency: 'euro' is not an ISO 4217 code"),
    ],
)
def test_what_cannot_be_used_ends_with_2_and_says_what_to_do(
    orders: Path, options: dict[str, str], message: str
) -> None:
    given = {"--orders": str(orders), "--as-of": "2026-01-01", **options}
    result = _run(*(part for option in given.items() for part in option))
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_a_bad_own_playbook_is_refused_with_line_and_reason(orders: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[[cells]]\nvalue_tier = "VIP"\nstatus = "Active"\npriority = "Urgent"\n', encoding="utf-8")
    result = _run("--orders", orders, "--as-of", "2026-01-01", "--playbook", own)
    assert result.exit_code == 2
    assert "line 4: cells[0].priority: does not fit; expected 'Critical'" in result.stderr


def test_a_table_that_is_passed_on_hides_small_rows(orders: Path) -> None:
    result = _run("--orders", orders, "--as-of", "2026-01-01", "--hide-below", "2", "--json")
    assert {cell["customers"] for cell in json.loads(result.stdout)["cells"]} == {0, None}


def test_a_call_list_names_nobody_unless_it_is_asked_to(orders: Path, tmp_path: Path) -> None:
    many = [f"{n:03d}@example.com,o{n},2025-06-01,{10 + n}.00,EUR" for n in range(500)]
    orders.write_text(HEADER + "\n".join(many) + "\n", encoding="utf-8")
    calls = tmp_path / "calls.csv"
    arguments = ["--orders", orders, "--as-of", "2025-07-20", "--calls", calls]
    result = _run(*arguments)
    assert result.exit_code == 0, result.output
    assert "check them before anybody is contacted" in " ".join(result.stdout.split())
    pseudonymous = calls.read_text(encoding="utf-8")
    assert len(pseudonymous.splitlines()) > 1
    assert "@example.com" not in pseudonymous
    _run(*arguments, "--with-ids")
    assert "499@example.com" in calls.read_text(encoding="utf-8")


def test_pseudonyms_are_the_accounts_own_with_its_salt(orders: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls.csv"
    many = [f"{n:03d},o{n},2025-06-01,{10 + n}.00,EUR" for n in range(500)]
    orders.write_text(HEADER + "\n".join(many) + "\n", encoding="utf-8")
    _run("--orders", orders, "--as-of", "2025-07-20", "--calls", calls, "--salt", "5a17")
    assert customer_key("5a17", "499") in calls.read_text(encoding="utf-8")
