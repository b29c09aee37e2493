import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from winback.cli.offers import app

Rows = list[dict[str, Any]]
COMMON = ("--arm", "offer", "--control", "nobody", "--reward", "margin")


@pytest.fixture(scope="module")
def test_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("offers") / "test.csv", rows_of_a_test())


def test_the_figures_of_every_policy_and_arm_are_json(test_file: Path) -> None:
    found = figures(run(test_file, "--randomised", "--cost", "coupon=0.5", "--budget", "30"))
    assert found["control"] == "nobody"
    assert [each["policy"] for each in found["policies"]] == [
        "learned", "learned, within the budget", "all coupon", "all points", "random", "nobody",
    ]  # fmt: skip
    for each in found["policies"]:
        for name in ("doubly_robust", "ips", "self_normalised_ips"):
            assert each[name]["low"] <= each[name]["value"] <= each[name]["high"]
        assert sum(each["shares"].values()) == pytest.approx(1, abs=1e-4)
    value = {each["policy"]: each for each in found["policies"]}
    within = value["learned, within the budget"]
    assert 20 < within["cost_per_row"] * found["rows"] <= 30.001  # figures have six digits
    assert value["learned"]["doubly_robust"]["value"] > value["all coupon"]["doubly_robust"]["value"]
    coupon = next(each for each in found["arms"] if each["arm"] == "coupon")
    assert coupon["qini"]["coefficient"] > 0
    assert len(coupon["qini"]["curve"]) == len(coupon["qini"]["shares"]) == 21
    assert found["verdict"]["serves"] == "personalised"
    assert {"channel=app", "channel=web", "silence is missing"} <= set(found["features"])


def test_the_table_says_what_would_be_served_and_a_page_shows_the_curves(test_file: Path, tmp_path: Path) -> None:
    result = run(test_file, "--randomised", "--out", str(tmp_path / "report"), json_too=False)
    assert result.exit_code == 0, result.output
    assert "Would be served: a choice by customer" in result.stdout
    assert "compare the shares with those of your design" in " ".join(result.stdout.split())
    page = (tmp_path / "report" / "offers.html").read_text()
    assert page.count("<polyline") == 4
    assert "Qini coefficient" in page


def test_recorded_propensities_and_parquet_work_too(tmp_path: Path) -> None:
    rows = [{**row, "p": 1 / 3} for row in rows_of_a_test()]
    written(tmp_path / "test.csv", rows)
    duckdb.sql(f"COPY (FROM '{tmp_path / 'test.csv'}') TO '{tmp_path / 'test.parquet'}'")
    found = figures(run(tmp_path / "test.parquet", "--propensity", "p", "--customer", "person"))
    assert not found["randomised"]
    assert found["customers"] < found["rows"]


def test_without_propensities_nothing_is_said_unless_the_arms_were_drawn(test_file: Path) -> None:
    assert "give either --propensity COL" in refusal(test_file)
    assert "give either --propensity COL" in refusal(test_file, "--randomised", "--propensity", "p")


def test_rows_declared_randomised_that_were_targeted_are_found_out(tmp_path: Path) -> None:
    """As in Complete Journey: those who got the campaign had spent a standard deviation more before."""
    random = np.random.default_rng(1)
    spend = random.normal(size=400)
    rows = [
        {"offer": "coupon" if before + random.normal() > 0 else "nobody", "margin": before + 2, "spend": before}
        for before in spend.tolist()
    ]
    path = written(tmp_path / "targeted.csv", rows)
    result = CliRunner().invoke(
        app, ["evaluate", "--data", str(path), *COMMON, "--features", "spend", "--randomised", "--json"]
    )
    found = json.loads(result.stdout)
    assert found["verdict"]["serves"] == "nobody"
    assert "spend" in found["unbalanced_features"]
    assert "differ before anything was given" in found["warnings"][0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--arm", "gift"), "--arm: the file has no column 'gift': expected one of"),
        (("--reward", "profit"), "--reward: the file has no column 'profit'"),
        (("--features", "silence,gone"), "--features gone: the file has no column 'gone'"),
        (("--features", " , "), "--features: names no column"),
        (("--features", "silence,margin"), "margin is the column of --reward already"),
        (("--features", "person"), "at most 20 categories"),
        (("--features", "day"), "day is of type DATE"),
        (("--control", "x"), "no row of offer is 'x': expected one of coupon, nobody, points"),
        (("--reward", "channel", "--features", "silence"), "--reward: channel is not a number in every row"),
        (("--reward", "silence", "--features", "channel"), "rows have no silence"),
        (("--reward", "one"), "the reward is 1 in every row"),
        (("--features", "one"), "every one is the same in all rows"),
        (("--cost", "gold=2"), "there is no arm 'gold'"),
        (("--cost", "coupon"), "'coupon' is not arm=amount"),
        (("--cost", "coupon=-1"), "is not arm=amount"),
        (("--cost", "coupon=1,coupon=2"), "coupon is given twice"),
        (("--budget", "5"), "no arm costs anything"),
        (("--data", "nothing.csv"), "there is no file nothing.csv"),
        (("--data", "orders.xlsx"), "expected a file that ends in .csv or .parquet"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(test_file: Path, options: tuple[str, ...], said: str) -> None:
    assert said in refusal(test_file, "--randomised", *options)


@pytest.mark.parametrize(
    ("change", "more", "said"),
    [
        ({"margin": 1e200}, (), "--reward: margin is beyond 1e+15"),
        ({"silence": 1e200}, (), "--features: silence is beyond 1e+30"),
        ({"person": "one"}, ("--customer", "person"), "the rows are of 1 customers: expected at least 20"),
        ({"person": None}, ("--customer", "person"), "420 rows have no person"),
    ],
)
def test_values_that_cannot_be_computed_with_are_refused(
    tmp_path: Path, change: dict[str, Any], more: tuple[str, ...], said: str
) -> None:
    rows = rows_of_a_test()
    rows = [{**row, **change} for row in rows] if "person" in change else [{**rows[0], **change}, *rows[1:]]
    assert said in refusal(written(tmp_path / "odd.csv", rows), "--randomised", *more)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text("offer,margin,silence,channel\n")
    assert "has no rows" in refusal(path, "--randomised")


def test_an_arm_of_one_lucky_row_stands_in_no_other_arms_way(tmp_path: Path) -> None:
    rows = rows_of_a_test()
    lucky = {**rows[0], "offer": "gold", "margin": 10_000.0}
    better = [{**row, "margin": float(row["margin"]) + (20 if row["offer"] == "points" else 0)} for row in rows]
    found = figures(run(written(tmp_path / "lucky.csv", [*better, lucky]), "--randomised"))
    assert found["verdict"]["best_single_arm"] == "points"
    assert found["verdict"]["serves"] in ("points", "personalised")
    assert not found["unbalanced_features"]
    (learned,) = [policy for policy in found["policies"] if policy["policy"] == "learned"]
    assert learned["shares"]["gold"] == 0
    assert learned["doubly_robust"]["value"] < 40


def test_propensities_that_cannot_be_are_refused(tmp_path: Path) -> None:
    def with_propensity(*values: float) -> Path:
        rows = [{**row, "p": values[number % len(values)]} for number, row in enumerate(rows_of_a_test())]
        return written(tmp_path / "p.csv", rows)

    assert "not within (0, 1], first 1.5 in row 2" in refusal(with_propensity(0.5, 1.5), "--propensity", "p")
    assert "the propensities cannot be those of arm" in refusal(with_propensity(0.1), "--propensity", "p")


def test_tiny_propensities_are_raised_and_it_is_said(tmp_path: Path) -> None:
    rows = [{**row, "p": 0.001 if number < 3 else 0.36} for number, row in enumerate(rows_of_a_test())]
    found = figures(run(written(tmp_path / "p.csv", rows), "--propensity", "p"))
    assert found["clipped_propensities"] == 3
    assert any("were raised to it" in said for said in found["warnings"])


def test_a_file_of_one_arm_or_too_few_rows_is_refused(tmp_path: Path) -> None:
    rows = rows_of_a_test()
    alone = [row for row in rows if row["offer"] == "nobody"]
    assert "there is only one arm" in refusal(written(tmp_path / "one.csv", alone), "--randomised")
    assert "20 rows are too few" in refusal(written(tmp_path / "few.csv", rows[:20]), "--randomised")


def rows_of_a_test(size: int = 420) -> Rows:
    """A coupon that helps after a long silence and harms before, points that help in the app."""
    random = np.random.default_rng(7)
    rows = []
    for number in range(size):
        silence, channel = int(random.integers(1, 200)), str(random.choice(["web", "app"]))
        offer = str(random.choice(["nobody", "coupon", "points"]))
        effect = {"nobody": 0.0, "coupon": 3.0 if silence > 100 else -1.0, "points": 2.0 if channel == "app" else -1.0}
        rows.append(
            {
                "offer": offer,
                "margin": round(5 + effect[offer] + random.normal(), 2),
                "silence": "" if number % 50 == 0 else silence,
                "channel": channel,
                "person": f"p{number // 2}",
                "day": "2026-01-01",
                "one": 1,
            }
        )
    return rows


def written(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(path: Path, *options: str, json_too: bool = True) -> Result:
    defaults = ["--data", str(path), *COMMON]
    if "--features" not in options:
        defaults += ["--features", "silence,channel"]
    return CliRunner().invoke(app, ["evaluate", *defaults, *options, *(["--json"] if json_too else [])])


def figures(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def refusal(path: Path, *options: str) -> str:
    result = run(path, *options)
    assert result.exit_code == 2, result.output
    assert not result.stdout
    return result.stderr
