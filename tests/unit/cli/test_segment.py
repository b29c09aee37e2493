import gzip
import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from tests.unit.segmentation.customers import CDNOW
from winback.cli import app
from winback.identifiers import customer_key

ORDERS = """Email,Name,Created,Total
ann@example.com,1,2025-12-20,90.00
ann@example.com,2,2025-12-10T10:00:00Z,80.00
bob@example.com,3,2025-01-20,10.00
bob@example.com,3,2025-01-20,10.00
eve@example.com,4,2025-02-20,-5.00
,5,2025-02-20,5.00
cy@example.com,6,never,5.00
late@example.com,7,2026-01-01,5.00
"""
MAP = "customer_id=Email,order_id=Name,ordered_at=Created,amount=Total"


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS, encoding="utf-8")
    return path


def test_a_file_of_orders_becomes_a_snapshot_a_summary_and_a_report(orders: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = _run("--orders", orders, "--map", MAP, "--as-of", "2026-01-01", "--out", out, "--with-ids")
    assert result.exit_code == 0, result.output
    assert "2 customers" in result.stdout
    snapshot = duckdb.read_parquet(str(out / "snapshot.parquet"))
    rows = snapshot.project("customer_id, segment, family, value_tier, status, net_minor").order("1").fetchall()
    assert rows == [
        ("ann@example.com", "Big Spenders", "Heroes", "Mass", "Active", 17000),
        ("bob@example.com", "Long Gone", "Already Lost", "Hibernating", "Hibernating", 1000),
    ]
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "Where your customers stand" in report
    assert "src=" not in report
    assert "http" not in report.replace("http-equiv", "")


def test_json_on_stdout_is_the_summary_and_nothing_else(orders: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = _run("--orders", orders, "--map", MAP, "--as-of", "2026-01-01", "--out", out, "--json")
    summary = json.loads(result.stdout)
    assert summary == json.loads((out / "summary.json").read_text(encoding="utf-8"))
    rows = summary["rows"]
    assert (rows["read"], rows["accepted"], rows["duplicates"], rows["rejected"]) == (8, 5, 1, 2)
    assert sum(rows["rejects_by_reason"].values()) == 2
    assert any("customer_id" in reason for reason in rows["rejects_by_reason"])
    assert (summary["total"]["customers"], summary["returns_only"]["customers"]) == (2, 1)
    assert len(summary["segments"]) == 13
    assert len(summary["grid"]) == 16
    rejects = (out / "rejects.csv").read_text(encoding="utf-8").splitlines()
    assert len(rejects) == 3
    assert not any("example.com" in line for line in rejects)


def test_as_of_is_exclusive(orders: Path, tmp_path: Path) -> None:
    day_after = _run("--orders", orders, "--map", MAP, "--as-of", "2026-01-02", "--out", tmp_path / "out", "--json")
    assert json.loads(day_after.stdout)["total"]["customers"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--as-of": "soon"}, "--as-of: 'soon' is not a date or time"),
        ({"--map": "customer_id"}, "--map: 'customer_id' is not NAME=COLUMN"),
        ({"--map": "customer_id=a,customer_id=b"}, "--map: customer_id is given twice"),
        ({"--map": "customer_id=Email"}, "order_id"),
        ({"--map": f"{MAP},colour=Total"}, "colour"),
        ({"--currency": "euro"}, "--currency: 'euro' is not an ISO 4217 code"),
        ({"--orders": "/nowhere/orders.csv"}, "--orders: there is no file"),
        ({"--as-of": "0001-03-01"}, "--as-of: '0001-03-01' is out of range"),
        ({"--as-of": "0001-01-01T00:00+14:00"}, "is out of range"),
        ({"--as-of": "1969-12-31"}, "is out of range"),
        ({"--out": "/proc/x/y"}, "--out: cannot write to /proc/x/y"),
        ({"--out": "/proc"}, "--out: cannot write to /proc"),
    ],
)
def test_what_cannot_be_used_ends_with_2_and_says_what_to_do(
    orders: Path, tmp_path: Path, options: dict[str, str], message: str
) -> None:
    given = {"--orders": str(orders), "--map": MAP, "--as-of": "2026-01-01", "--out": str(tmp_path / "out"), **options}
    result = _run(*(part for option in given.items() for part in option))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


HEADER = "customer_id,order_id,ordered_at,amount\n"


def test_a_folder_below_a_file_is_refused(orders: Path) -> None:
    result = _run("--orders", orders, "--map", MAP, "--as-of", "2026-01-01", "--out", orders / "x")
    assert result.exit_code == 2
    assert f"--out: cannot write to {orders / 'x'}: Not a directory" in result.stderr


def test_a_result_that_cannot_be_replaced_is_said_to_be_so(orders: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    result = _run("--orders", orders, "--map", MAP, "--as-of", "2026-01-01", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "--out: cannot write to" in result.stderr


def test_a_file_of_which_no_row_was_accepted_replaces_no_result(orders: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _run("--orders", orders, "--map", MAP, "--as-of", "2026-01-01", "--out", out)
    before = {name: (out / name).read_bytes() for name in ("snapshot.parquet", "summary.json", "report.html")}
    orders.write_text(HEADER + "a,1,never,1\nb,2,never,1\nc,3,2025-01-01,one\n", encoding="utf-8")
    result = _run("--orders", orders, "--as-of", "2026-01-01", "--out", out)
    assert result.exit_code == 2
    assert "none of the 3 rows was accepted" in result.stderr
    assert "1 x amount: not a number; 2 x ordered_at: not a date" in result.stderr
    assert {name: (out / name).read_bytes() for name in before} == before
    assert len((out / "rejects.csv").read_text(encoding="utf-8").splitlines()) == 4


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_called_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    result = _run("--orders", path, "--as-of", "2026-01-01", "--out", tmp_path / "new" / "out")
    assert result.exit_code == 2
    assert f"--orders: {path} is empty" in result.stderr
    assert not (tmp_path / "new").exists()


def test_a_file_of_returns_alone_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(HEADER + "a,1,2025-01-01,-1\nb,2,2025-01-01,-1\n", encoding="utf-8")
    result = _run("--orders", path, "--as-of", "2026-01-01", "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["returns_only"]["customers"] == 2


@pytest.mark.parametrize(("given", "used"), [(["--currency", "EUR"], "EUR"), ([], "XXX")])
def test_an_export_without_orders_keeps_the_currency_it_was_given(tmp_path: Path, given: list[str], used: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(HEADER, encoding="utf-8")
    result = _run("--orders", path, "--as-of", "2026-01-01", "--out", tmp_path / "out", "--json", *given)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["currency"] == used


def test_amounts_in_several_currencies_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "customer_id,order_id,ordered_at,amount,currency\na,1,2025-01-01,1.00,EUR\na,2,2025-01-01,1.00,USD\n",
        encoding="utf-8",
    )
    result = _run("--orders", path, "--as-of", "2026-01-01", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "2 currencies (EUR, USD)" in result.stderr


def test_the_help_teaches_by_an_example() -> None:
    result = _run("--help")
    assert result.exit_code == 0
    assert "winback segment --orders export.csv --as-of 2026-01-01" in " ".join(result.stdout.split())


def test_cdnow_as_a_file_gives_what_the_rubric_lists(tmp_path: Path) -> None:
    path = tmp_path / "cdnow.csv"
    lines = [line.split() for line in CDNOW.read_text(encoding="utf-8").splitlines()[1:] if line.strip()]
    rows = [f"{who},{n},{day[:4]}-{day[4:6]}-{day[6:]},{amount}" for n, (who, day, _, amount) in enumerate(lines)]
    path.write_text("\n".join(["customer_id,order_id,ordered_at,amount", *rows]) + "\n", encoding="utf-8")
    result = _run("--orders", path, "--currency", "USD", "--as-of", "1997-10-01", "--out", tmp_path / "out", "--json")
    summary = json.loads(result.stdout)
    assert summary["rows"] == {
        "read": 69_659,
        "accepted": 69_659,
        "duplicates": 0,
        "rejected": 0,
        "rejects_by_reason": {},
    }
    counts = {segment["segment"]: segment["customers"] for segment in summary["segments"]}
    assert (counts["Champions"], counts["Slipping VIPs"], counts["Long Gone"]) == (2328, 929, 8427)
    assert summary["base_lapse_days"] == 112


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["segment", *(str(argument) for argument in arguments)])


def test_the_files_name_nobody_unless_asked_to(orders: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert _run("--orders", orders, "--map", MAP, "--as-of", "2026-01-01", "--out", out).exit_code == 0
    for path in out.iterdir():
        assert b"example.com" not in path.read_bytes(), path.name
    assert "customer_id" not in duckdb.read_parquet(str(out / "snapshot.parquet")).columns


def test_a_salt_gives_the_keys_of_the_account(orders: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _run("--orders", orders, "--map", MAP, "--as-of", "2026-01-01", "--out", out, "--salt", "s")
    keys = {row[0] for row in duckdb.read_parquet(str(out / "snapshot.parquet")).project("customer_key").fetchall()}
    assert keys == {customer_key("s", "ann@example.com"), customer_key("s", "bob@example.com")}


def test_figures_of_few_customers_are_hidden_on_request(orders: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = _run(
        "--orders", orders, "--map", MAP, "--as-of", "2026-01-01", "--out", out, "--hide-below", "5", "--json"
    )
    summary = json.loads(result.stdout)
    assert {row["customers"] for row in summary["segments"]} == {None, 0}
    across = ("movement", "organic_return", "slices", "newly_lapsed", "reconciliation", "rubric")
    assert [summary[name] for name in across] == [None] * len(across)
    assert [gap["missing"] for gap in summary["data_quality"] if " of 2" in gap["missing"]] == []
    assert "170.00" not in (out / "report.html").read_text(encoding="utf-8")


def test_orders_in_other_currencies_are_converted_by_rates(tmp_path: Path) -> None:
    orders, rates = tmp_path / "orders.csv", tmp_path / "rates.csv"
    orders.write_text(
        "customer_id,order_id,ordered_at,amount,currency\na,1,2025-12-20,10.00,USD\nb,2,2025-12-21,10.00,GBP\n"
    )
    rates.write_text("day,currency,rate,base\n2025-12-19,USD,1.25,GBP\n")
    out = tmp_path / "out"
    common = ("--orders", orders, "--as-of", "2026-01-01", "--out", out)
    refused = _run(*common)
    assert refused.exit_code == 2
    assert "--rates" in refused.stderr
    result = _run(*common, "--rates", rates, "--currency", "GBP", "--json")
    summary = json.loads(result.stdout)
    assert summary["total"]["net_minor"] == 1_800
    assert [(row["currency"], row["converted"]) for row in summary["conversion"]["foreign"]] == [("USD", 1)]
