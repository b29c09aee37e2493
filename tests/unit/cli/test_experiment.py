"""`winback experiment analyze` on files that real exports look like."""

import csv
import gzip
import json
import random

import duckdb
import pytest
from scipy import stats
from typer.testing import CliRunner

from winback.cli import app
from winback.experiments.statistics import Proportion, difference_of_proportions

COLUMNS = ["customer_id", "arm", "bought", "revenue"]


def rows(count=600):
    """Half a control and half an offer; revenue is skewed, and most customers buy nothing."""
    chance = random.Random(7)
    made = []
    for number in range(count):
        arm = "offer" if number % 2 else "none"
        bought = chance.random() < (0.3 if arm == "offer" else 0.15)
        made.append([f"c{number}", arm, int(bought), round(chance.lognormvariate(3, 1), 2) if bought else 0])
    return made


@pytest.fixture
def file(tmp_path):
    def write(made, name="data.csv", columns=COLUMNS):
        path = tmp_path / name
        with gzip.open(path, "wt") if name.endswith(".gz") else path.open("w") as out:
            if ".jsonl" in name:
                out.writelines(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in made)
            else:
                csv.writer(out).writerows([columns, *made])
        return path

    return write


def run(path, *more, arm="arm", control="none", outcome="bought,revenue"):
    arguments = ["--data", path, "--arm", arm, "--control", control, "--outcome", outcome, *more]
    return CliRunner().invoke(app, ["experiment", "analyze", *map(str, arguments)])


def analysed(path, *more, **options):
    result = run(path, *more, "--json", **options)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def rounded(document):
    """Sums of floats differ in their last digits with the order of rows, which threads do not keep."""
    return json.loads(json.dumps(document), parse_float=lambda text: float(f"{float(text):.9g}"))


def test_figures_are_those_of_scipy_and_of_the_campaign_report(file):
    made = rows()
    document = analysed(file(made), "--unit", "customer_id", "--detect", 0.02)
    bought, revenue = (result["comparisons"][0] for result in document["outcomes"])
    counts = {arm: sum(row[2] for row in made if row[1] == arm) for arm in ("offer", "none")}
    expected = difference_of_proportions(Proportion(counts["offer"], 300), Proportion(counts["none"], 300))
    assert (bought["difference"]["low"], bought["difference"]["high"]) == (expected.low, expected.high)
    amounts = {arm: [row[3] for row in made if row[1] == arm] for arm in counts}
    welch = stats.ttest_ind(amounts["offer"], amounts["none"], equal_var=False)
    assert revenue["difference"]["p_value"] == pytest.approx(welch.pvalue)
    assert revenue["difference"]["low"] == pytest.approx(welch.confidence_interval().low)
    cap = sorted(amount for amount in amounts["offer"] + amounts["none"] if amount)
    assert revenue["capped"]["cap"] == cap[-(len(cap) // 100) - 1]
    assert document["comparisons"] == 2
    assert bought["adjusted_p_value"] == pytest.approx(min(2 * bought["difference"]["p_value"], 1))
    assert bought["needed_units"] > 600
    assert document["trustworthy"]


def test_every_format_gives_the_same_analysis(file, tmp_path):
    made = rows()
    expected = rounded(analysed(file(made)))
    assert rounded(analysed(file(made, "data.jsonl"))) == expected
    assert rounded(analysed(file(made, "data.csv.gz"))) == expected
    parquet = tmp_path / "data.parquet"
    duckdb.sql(f"SELECT * FROM read_csv('{tmp_path / 'data.csv'}')").write_parquet(str(parquet))
    assert rounded(analysed(parquet)) == expected


def test_rows_of_the_same_customer_are_not_counted_as_independent(file):
    """Each customer twice, with the same outcome, is as much evidence as each once."""
    made = rows()
    once = analysed(file(made), "--unit", "customer_id", outcome="revenue")
    twice = analysed(file(made + made), "--unit", "customer_id", outcome="revenue")
    ignored = analysed(file(made + made), outcome="revenue")
    errors = [
        found["outcomes"][0]["comparisons"][0]["difference"]["standard_error"] for found in (once, twice, ignored)
    ]
    assert twice["clustered"]
    assert errors[1] == pytest.approx(errors[0])
    assert errors[2] < 0.8 * errors[0]
    assert [arm["units"] for arm in twice["arms"]] == [300, 300]
    assert any("errors those of customer_id" in caution for caution in twice["warnings"])


def test_missing_outcomes_are_counted_per_arm(file):
    made = rows()
    for row in made[:20]:
        row[3] = ""
    document = analysed(file(made), outcome="revenue")
    arms = document["outcomes"][0]["arms"]
    assert [(arm["arm"], arm["known"], arm["missing"]) for arm in arms] == [("none", 290, 10), ("offer", 290, 10)]
    assert any("none 10, offer 10" in caution for caution in document["warnings"])


def test_an_arm_named_none_is_no_missing_one_but_an_empty_one_is(file):
    made = [*rows(), ["x", "", 1, 5]]
    document = analysed(file(made))
    assert document["control"] == "none"
    assert document["rows_without_arm"] == 1


def test_wrong_arm_sizes_are_told_before_anything_else(file):
    result = run(file(rows()), "--expected-shares", "offer=0.8,none=0.2", "--unit", "customer_id")
    assert result.exit_code == 0
    assert "does not fit" in result.stdout
    assert "no difference may be trusted" in result.stdout
    assert "distrust" in result.stdout
    assert "more" not in [word.strip("│ ") for word in result.stdout.split()]


def test_a_table_says_what_is_too_small_to_tell(file):
    result = run(file(rows(60)), outcome="bought")
    assert "too small to tell" in " ".join(result.stdout.replace("│", " ").split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arm": "group"}, "there is no column group; the file has customer_id, arm, bought, revenue"),
        ({"control": "holdout"}, "no row has arm = holdout; it has none, offer"),
        ({"outcome": "customer_id"}, "column customer_id is not a number in 600 rows, such as 'c0'"),
        ({"outcome": "arm"}, "arm is given twice"),
        ({"outcome": ","}, "--outcome: name at least one column"),
    ],
)
def test_what_cannot_be_analysed_is_refused_in_the_users_words(file, options, message):
    result = run(file(rows()), **options)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_one_arm_an_empty_file_and_a_torn_unit_are_refused(file, tmp_path):
    only = run(file([row for row in rows() if row[1] == "none"], "one.csv"))
    assert "there is no arm to compare it with" in " ".join(only.stderr.split())
    (tmp_path / "empty.csv").write_text("")
    assert "is empty" in run(tmp_path / "empty.csv").stderr
    torn = rows()
    torn[1][0] = torn[0][0]
    result = run(file(torn, "torn.csv"), "--unit", "customer_id")
    assert "1 values of customer_id are in more than one arm" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("shares", "message"), [("offer", "'offer' is not ARM=SHARE"), ("offer=1", "no share is given for none")]
)
def test_shares_that_cannot_be_are_refused(file, shares, message):
    result = run(file(rows()), "--expected-shares", shares)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_three_arms_with_money_fit_into_eighty_columns(file, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    made = [
        [row[0], ["holdout", "ten_percent", "free_shipping"][place % 3], row[2], row[3] * 10_000]
        for place, row in enumerate(rows())
    ]
    lines = run(file(made), control="holdout").stdout.splitlines()
    assert any("ten_percent" in line and line.endswith(("too small", "more     ", "less     ")) for line in lines)
    assert not any("…" in line for line in lines)
    assert max(len(line) for line in lines if "capped" in line and "known" not in line) <= 80


@pytest.mark.parametrize("value", ["1e200", "-1e16"])
def test_values_beyond_what_can_be_computed_are_refused(file, value):
    made = [["c1", "none", 0, value], *rows(20)]
    result = run(file(made))
    assert result.exit_code == 2
    assert f"column revenue is beyond 1e+15 in 1 rows, such as {value}" in result.stderr


@pytest.mark.parametrize("detect", ["nan", "inf", "1e-300", "-1"])
def test_a_difference_that_sizes_no_arms_is_refused(file, detect):
    result = run(file(rows(20)), "--detect", detect)
    assert result.exit_code == 2
    assert "--detect" in result.stderr
