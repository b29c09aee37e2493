import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from ml.churn import card, datasets, evaluate
from ml.churn.fitting import BASELINES
from ml.churn.page import churn_page
from winback.cli import app
from winback.features.examples import STANDINGS, TooLittleHistory


@pytest.fixture(scope="module")
def orders_file(cdnow: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every twentieth of CDNOW's customers, as a store would export them."""
    path = tmp_path_factory.mktemp("orders") / "orders.csv"
    rows = cdnow.sql(
        "SELECT 'o' || row_number() OVER () AS order_id, customer_id, strftime(ordered_at, '%Y-%m-%d') AS ordered_at, "
        "amount_minor / 100 AS amount FROM orders WHERE customer_id::INTEGER % 20 = 0"
    )
    rows.write_csv(str(path), header=True)
    return path


@pytest.fixture(scope="module")
def result(cdnow: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    first = evaluate.first_purchase(cdnow)
    return evaluate.evaluate(cdnow, name="CDNOW", first=first, until=datasets.CDNOW_END, draws=60, splits=1)


def test_the_trees_are_better_than_every_baseline_on_cdnow_beyond_chance(result: dict[str, Any]) -> None:
    (split,) = result["splits"]
    assert split["serves"] == "model"
    everybody = split["groups"]["everybody"]
    assert set(everybody["model_minus"]) == set(BASELINES)
    assert all(gaps["log_loss"]["better"] for gaps in everybody["model_minus"].values())


def test_the_groups_divide_everybody(result: dict[str, Any]) -> None:
    groups = result["splits"][0]["groups"]
    for figure in ("customers", "churned"):
        assert sum(groups[name][figure] for name in STANDINGS) == groups["everybody"][figure]


def test_the_card_shows_the_figures_of_this_code(result: dict[str, Any]) -> None:
    stored = json.loads(evaluate.CARD_FIGURES.read_text())
    (fresh,) = result["splits"]
    test = next(found for found in stored if found["data"] == "CDNOW")["splits"][-1]
    assert test["model_id"] == fresh["model_id"]
    for name, scores in test["groups"]["everybody"]["scores"].items():
        assert scores == pytest.approx(fresh["groups"]["everybody"]["scores"][name], abs=2e-3)
    assert evaluate.CARD.read_text() == card.render(stored)


def test_splits_are_a_horizon_apart_and_too_short_a_history_is_said(cdnow: duckdb.DuckDBPyConnection) -> None:
    first = evaluate.first_purchase(cdnow)
    cuts = evaluate.split_cuts(first, datasets.CDNOW_END, 91)
    assert [f"{cut:%Y-%m-%d}" for cut in cuts] == ["1997-10-01", "1997-12-31", "1998-04-01"]
    with pytest.raises(TooLittleHistory):
        evaluate.split_cuts(first, first.replace(month=9), 91)


def test_the_command_writes_a_table_a_page_and_json_alone(orders_file: Path, tmp_path: Path) -> None:
    arguments = ["churn", "evaluate", "--orders", str(orders_file), "--out", str(tmp_path), "--until", "1998-07-01"]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert figures == json.loads((tmp_path / "churn.json").read_text())
    assert figures["splits"][-1]["cut"] == "1998-04-01"
    text = evaluate.table(figures)
    assert "everybody" in text
    assert "too small to tell" in text or "one order" in text
    assert (tmp_path / "churn.html").read_text() == churn_page(figures)
    assert "Forecast and what happened" in churn_page(figures)


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        ("order_id,customer_id,ordered_at,amount\n1,a,2025-01-01,5\n", [], "0 days of orders lie before"),
        ("order_id,customer_id,ordered_at,amount\n1,a,2025-01-01,5\n", ["--until", "soon"], "--until"),
        ("", [], "is empty"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_words(tmp_path: Path, lines: str, options: list[str], said: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(lines)
    done = CliRunner().invoke(app, ["churn", "evaluate", "--orders", str(path), *options])
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_baseline_that_wins_is_said_to(result: dict[str, Any]) -> None:
    worse = json.loads(json.dumps(result))
    gap = worse["splits"][0]["groups"]["everybody"]["model_minus"]["recency"]["log_loss"]
    gap.update(difference=0.1, low=0.05, high=0.15, better=False)
    assert "  baseline better: recency" in evaluate.table(worse)
    assert "| this |" in card.render([worse])


def test_the_table_fits_into_a_terminal_of_eighty_characters(result: dict[str, Any]) -> None:
    assert max(len(line) for line in evaluate.table(result).splitlines()) <= 80
