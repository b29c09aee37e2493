"""The report of `winback segment`: whole, well-formed, for every account, and without persons."""

import csv
import html.parser
import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from ml.archetypes.__main__ import main as find_archetypes
from winback.cli import app

SECTIONS = (
    "The families, and where the money is",
    "What to do first",
    "The segments",
    "How they moved",
    "The playbook grid",
    "The overlays",
    "How they buy",
    "Slices: the cohorts to talk to",
    "What would help",
    "What was read",
    "How customers are judged",
)


class Headings(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "h2"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.append(data)
            self._inside = False


def sections(page: str) -> list[str]:
    parser = Headings()
    parser.feed(page)
    return parser.found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 customers of three kinds over two years: often and much, now and then, and once long ago."""
    path = tmp_path_factory.mktemp("shop") / "orders.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("customer_id", "order_id", "ordered_at", "amount", "sku", "category", "discount"))
        for number in range(240):
            kind = number % 3
            for visit in range((24, 6, 1)[kind]):
                day = (visit * (30, 110, 1)[kind] + number) % 720
                amount, discount = (200 + number, 40, 15)[kind], (0, 10, 0)[kind]
                when = f"{2024 + day // 360}-{1 + day % 360 // 30:02d}-{1 + day % 28:02d}"
                category = ("shoes", "hats", "coats")[(visit + number) % 3]
                writer.writerow(
                    (f"c{number}@example.com", f"{number}-{visit}", when, amount, f"s{visit % 5}", category, discount)
                )
    return path


def run(*options: str | Path) -> Result:
    return CliRunner().invoke(app, ["segment", *map(str, options)])


def test_every_view_is_there_and_nobody_is_named(shop: Path, tmp_path: Path) -> None:
    result = run("--orders", shop, "--as-of", "2026-01-01", "--out", tmp_path, "--currency", "EUR")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert sections(page) == list(SECTIONS)
    assert "example.com" not in page
    assert "None" not in page


def test_clusters_of_the_same_salt_are_laid_beside_the_segments(shop: Path, tmp_path: Path) -> None:
    common = ("--orders", shop, "--as-of", "2026-01-01", "--out", tmp_path / "out", "--salt", "s")
    run(*common)
    find_archetypes(["--snapshot", str(tmp_path / "out" / "snapshot.parquet"), "--out", str(tmp_path / "found")])
    result = run(*common, "--archetypes", tmp_path / "found", "--json")
    matrix = json.loads(result.stdout)["reconciliation"]
    assert sum(row["customers"] for row in matrix["rows"]) == 240
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Where rules and clusters agree" in sections(page)
    other = run(*common[:-1], "another", "--archetypes", tmp_path / "found")
    assert (other.exit_code, "the same --salt" in other.stderr) == (2, True)
    missing = run(*common, "--archetypes", tmp_path / "nowhere")
    assert (missing.exit_code, "ml.archetypes" in missing.stderr) == (2, True)


def test_movement_adds_up_to_everybody(shop: Path, tmp_path: Path) -> None:
    result = run("--orders", shop, "--as-of", "2026-01-01", "--out", tmp_path, "--json")
    summary = json.loads(result.stdout)
    for moves in ("segments", "families", "cells"):
        now = [move for move in summary["movement"][moves] if move[f"to_{_one(moves)}"] is not None]
        assert sum(move["customers"] for move in now) == summary["total"]["customers"]
    assert summary["moved_since"] == "2025-10-02T00:00:00Z"


def test_an_account_without_customers_has_a_page_too(tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("customer_id,order_id,ordered_at,amount\na,1,2026-02-01,5.00\n")
    result = run("--orders", orders, "--as-of", "2026-01-01", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "No customer has purchased before this moment." in page


def test_what_few_customers_did_cannot_be_read_from_the_page(shop: Path, tmp_path: Path) -> None:
    small = tmp_path / "orders.csv"
    with duckdb.connect() as connection:
        rows = connection.read_csv(str(shop)).filter("customer_id IN ('c0@example.com', 'c1@example.com')")
        rows.write_csv(str(small), header=True)
    run("--orders", small, "--as-of", "2026-01-01", "--out", tmp_path / "out", "--hide-below", "10")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Not shown where rows of few customers are hidden" in page
    assert "Slices: the cohorts to talk to" not in sections(page)
    assert ">few<" in page


def test_a_hidden_row_of_a_chart_has_no_figure(shop: Path, tmp_path: Path) -> None:
    run("--orders", shop, "--as-of", "2026-01-01", "--out", tmp_path / "all", "--hide-below", "1000")
    page = (tmp_path / "all" / "report.html").read_text(encoding="utf-8")
    for family in ("Heroes", "Already Lost", "One-off Buyer"):
        row = page[page.index(f">{family}</span>") :]
        figure = row[row.index('"bar-value"') :].split("</li>", 1)[0]
        assert "few" in figure
        assert not any(character.isdigit() for character in figure)


def _one(moves: str) -> str:
    return {"segments": "segment", "families": "family", "cells": "cell"}[moves]
