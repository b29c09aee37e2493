import json
from pathlib import Path

from typer.testing import CliRunner, Result

from winback.cli import app


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data-quality", *map(str, arguments)])


def _write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_bare_file_and_a_full_one_lack_different_things(tmp_path: Path) -> None:
    bare = _write(
        tmp_path / "bare.csv",
        "customer_id,order_id,ordered_at,amount",
        ["ann,1,2025-01-01,10", "bob,2,2025-02-01,10", ",3,2025-02-01,10"],
    )
    full = _write(
        tmp_path / "full.csv",
        "customer_id,order_id,ordered_at,amount,discount,cost,sku,category,quantity",
        ["ann,1,2023-01-01T09:30:00Z,10,2,4,s,shoes,1", "ann,2,2025-01-01T10:15:00Z,-5,0,-2,s,shoes,1"],
    )
    found = {}
    for path in (bare, full):
        result = _run("--orders", path, "--as-of", "2026-01-01", "--json")
        assert result.exit_code == 0, result.output
        found[path] = {gap["field"]: gap["share_missing"] for gap in json.loads(result.stdout)["gaps"]}
    assert found[bare]["customer of each row"] == 0.3333
    for field in ("order lines", "costs", "discounts", "time of day", "returns", "two years of history"):
        assert field in found[bare]
        assert field not in found[full]


def test_a_terminal_shows_what_each_gap_would_unlock(tmp_path: Path) -> None:
    orders = _write(tmp_path / "o.csv", "customer_id,order_id,ordered_at,amount", ["ann@example.com,1,2025-01-01,10"])
    result = _run("--orders", orders, "--as-of", "2026-01-01")
    assert "What would help" in result.stdout
    assert "Sending" in result.stdout
    assert "ann@example.com" not in result.stdout


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = _run("--orders", tmp_path / "none.csv", "--as-of", "2026-01-01")
    assert result.exit_code == 2
    assert "--orders: there is no file" in result.stderr
