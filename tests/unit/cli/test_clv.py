import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner, Result

from tests.unit.predictions.lifetime.simulation import draw_histories
from tests.unit.predictions.lifetime.test_published_fits import sample
from winback.cli import app
from winback.predictions.lifetime.purchases import Kind, PurchaseModel

END = date(1997, 9, 30)


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cdnow") / "orders.csv"
    rows = [f"{n},{customer},{day},{amount}" for n, (customer, day, amount) in enumerate(sample())]
    path.write_text("\n".join(["number,buyer,day,total", *rows]) + "\n", encoding="utf-8")
    return path


MAP = ("--map", "order_id=number,customer_id=buyer,ordered_at=day,amount=total")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["clv", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def folder(cdnow: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    result = run("--orders", cdnow, *MAP, "--calibration-end", END, "--out", out, "--with-ids")
    assert result.exit_code == 0, result.output
    assert "39 weeks" in result.output
    return out


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "clv.json").read_text(encoding="utf-8"))
    return found


def test_cdnow_has_the_published_parameters(document: dict[str, Any]) -> None:
    assert {name: round(value, 3) for name, value in document["parameters"]["bg-nbd"].items()} == {
        "r": 0.243,
        "alpha": 4.414,
        "a": 0.793,
        "b": 2.426,
    }
    assert round(document["log_likelihood"]["bg-nbd"], 1) == -9582.4
    found = document["parameters"]["gamma-gamma"]
    assert {name: round(value, 2) for name, value in found.items()} == {"p": 6.25, "q": 3.74, "gamma": 15.44}
    assert document["spend_customers"] == 946


def test_the_39_weeks_after_have_forecast_and_actual(document: dict[str, Any]) -> None:
    known = [week for week in document["weeks"] if week["actual"] is not None]

    assert [week["week"] for week in known] == list(range(1, 40))
    assert known[-1]["ends"] == "1998-06-30"
    assert known[-1]["cumulative_actual"] == sum(week["actual"] for week in known) == 1882
    assert known[-1]["cumulative_forecast"] == pytest.approx(sum(week["forecast"] for week in known), abs=0.5)
    assert document["errors"]["bg-nbd"]["total"] == pytest.approx(-0.1215, abs=1e-3)
    assert len(document["weeks"]) == 52
    assert sum(group["customers"] for group in document["by_calibration_purchases"]) == 2357


def test_every_customer_is_in_the_parquet_file_and_adds_up(folder: Path, document: dict[str, Any]) -> None:
    rows = duckdb.read_parquet(str(folder / "customers.parquet"))

    assert rows.columns == [
        *("customer_id", "x", "t_x", "T", "p_alive", "expected_purchases", "expected_value"),
        *("cltv", "cltv_low", "cltv_high", "expected_margin"),
    ]
    ((customers, worth, purchases, bad, last),) = rows.aggregate(
        "count(*), sum(cltv), sum(expected_purchases), "
        "count(*) FILTER (NOT (cltv_low <= cltv AND cltv <= cltv_high AND p_alive BETWEEN 0 AND 1)), max(t_x)"
    ).fetchall()
    assert (customers, bad) == (2357, 0)
    assert worth == pytest.approx(document["cltv"]["value"], abs=0.01)
    assert purchases == pytest.approx(document["expected_purchases"]["value"], abs=0.01)
    assert last <= 272 / 7


def test_the_page_needs_nothing_from_elsewhere(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")

    assert "Forecast and what happened" in page
    assert 'class="upright"' in page
    assert "src=" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_nothing_after_the_calibrations_end_matters(cdnow: Path, folder: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.csv"
    lines = cdnow.read_text(encoding="utf-8").splitlines()
    cut.write_text("\n".join(line for line in lines if line.split(",")[2] <= END.isoformat() or "day" in line))

    result = run("--orders", cut, *MAP, "--calibration-end", END, "--out", tmp_path / "out", "--with-ids", "--json")

    found = json.loads(result.stdout)
    assert found["weeks_with_actuals"] == 0
    assert found["errors"] == {}
    both = [duckdb.read_parquet(str(out / "customers.parquet")) for out in (folder, tmp_path / "out")]
    assert both[0].order("1").fetchall() == both[1].order("1").fetchall()


def test_days_are_sevenths_of_weeks(cdnow: Path, document: dict[str, Any], tmp_path: Path) -> None:
    options = ("--time-unit", "day", "--horizon", 364, "--json")

    found = json.loads(run("--orders", cdnow, *MAP, "--calibration-end", END, "--out", tmp_path, *options).stdout)

    assert found["parameters"]["bg-nbd"]["alpha"] == pytest.approx(
        document["parameters"]["bg-nbd"]["alpha"] * 7, rel=1e-3
    )
    assert found["cltv"]["value"] == pytest.approx(document["cltv"]["value"], rel=1e-4)


def test_costs_and_returns_give_margins_and_net_values(tmp_path: Path) -> None:
    x, recency, age, _ = draw_histories(PurchaseModel(Kind.MBG_NBD, 1.0, 5.0, 0.7, 2.5), 400, seed=1)
    lines, end = ["order_id,customer_id,ordered_at,amount,cost"], date(2025, 12, 31)
    for customer in range(400):
        days = {0, *range(0, int(recency[customer]) + 1, max(1, int(recency[customer]) // max(int(x[customer]), 1)))}
        for day in sorted(days):
            ordered = end - timedelta(days=int(age[customer]) - day)
            amount = 10 + (customer * 7 + day) % 30
            lines.append(f"{len(lines)},{customer},{ordered},{amount},{amount * 0.6:.2f}")
            if day == 0 and customer % 5 == 0:
                lines.append(f"{len(lines)},{customer},{ordered},-{amount},-{amount * 0.6:.2f}")
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(lines) + "\n")

    found = json.loads(run("--orders", path, "--calibration-end", end, "--out", tmp_path / "out", "--json").stdout)

    assert found["margin_share"] == pytest.approx(0.4, abs=1e-6)
    assert 0.8 < found["share_kept_after_returns"] < 1
    ((margin, worth),) = (
        duckdb.read_parquet(str(tmp_path / "out" / "customers.parquet"))
        .aggregate("sum(expected_margin), sum(cltv)")
        .fetchall()
    )
    assert margin == pytest.approx(0.4 * worth)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--calibration-end", "soon"), "'soon' is not a day"),
        (("--calibration-end", "1990-01-01"), "nobody purchased until 1990-01-01; the orders are from 1997-01-01"),
        (("--calibration-end", "1997-01-05"), "bought again"),
        (("--calibration-end", "9999-12-31"), "9999-12-31 is not a day from 1970 to 2200"),
        (("--calibration-end", "1997-09-30", "--horizon", "1000000"), "at most 1042"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(
    cdnow: Path, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    result = run("--orders", cdnow, *MAP, *options, "--out", tmp_path / "out")

    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())


def test_rows_that_were_not_read_are_told(cdnow: Path, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    lines = cdnow.read_text().splitlines()
    path.write_text("\n".join([*lines, "x1,4,1997-02-30,10", "x2,4,1997-03-01,much", lines[-1]]) + "\n")
    result = run("--orders", path, *MAP, "--calibration-end", END, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "2 were rejected (" in result.stdout
    assert "1 repeat another" in result.stdout


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = run("--orders", tmp_path / "none.csv", "--calibration-end", END, "--out", tmp_path / "out")

    assert result.exit_code == 2
    assert "there is no file" in result.stderr
