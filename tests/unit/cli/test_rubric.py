import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from winback.cli import app as winback
from winback.cli.rubric import app
from winback.segmentation.rubric import Rubric, read_rubric
from winback.segmentation.rubric_file import default_rubric_text

ORDERS = "customer_id,order_id,ordered_at,amount\n" + "".join(
    f"c{customer},{customer}-{month},2025-{month:02}-{customer % 26 + 2:02},{customer}.50\n"
    for customer in range(1, 90)
    for month in range(customer % 9 + 1, 12, 1 + customer % 4)
)


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS, encoding="utf-8")
    return path


@pytest.fixture
def overrides(tmp_path: Path) -> Path:
    path = tmp_path / "rubric.toml"
    path.write_text('[bands]\nhigh_value = 30.00\n[segments."Long Gone"]\nleave_alone = "gone"\n', encoding="utf-8")
    return path


def test_check_says_what_a_file_changes(overrides: Path, tmp_path: Path) -> None:
    result = run("check", overrides)
    assert result.exit_code == 0
    assert "rubric.toml changes 2 settings" in result.stdout
    assert "bands.high_value" in result.stdout
    empty = tmp_path / "empty.toml"
    empty.touch()
    assert "Nothing is changed" in run("check", empty).stdout


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("[bands]\n\nvip_quantile = 2\n", (), "line 3: bands.vip_quantile: should be less than 1, but it is 2"),
        ("[bands]\nhigh_value = 2.5\n", ("--currency", "JPY"), "line 2: bands.high_value: 2.5 has more decimals"),
        ("[bands\n", (), "line 1: not TOML"),
    ],
)
def test_a_bad_file_is_refused_with_line_and_reason(
    tmp_path: Path, text: str, options: tuple[str, ...], message: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    result = run("check", path, *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_show_prints_the_shipped_toml_or_all_settings_with_a_files_changes(overrides: Path) -> None:
    shipped = run("show").stdout
    assert shipped == default_rubric_text()
    assert tomllib.loads(shipped)
    settings = json.loads(run("show", overrides).stdout)
    assert settings["bands"]["high_value"] == "30.00"
    assert settings["segments"]["Long Gone"]["leave_alone"] == "gone"


def test_show_reads_amounts_of_the_currency_that_is_given(tmp_path: Path) -> None:
    dinars = tmp_path / "dinars.toml"
    dinars.write_text("[bands]\nhigh_value = 10.505\n", encoding="utf-8")
    assert "more decimals" in run("show", dinars).stderr
    assert json.loads(run("show", dinars, "--currency", "KWD").stdout)["bands"]["high_value"] == "10.505"


def test_compare_shows_what_a_file_would_move_and_writes_what_can_be_adopted(
    orders: Path, overrides: Path, tmp_path: Path
) -> None:
    out = tmp_path / "adopted.json"
    result = run("compare", "--orders", orders, "--as-of", "2026-01-01", "--rubric", overrides, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "would change segment" in result.stdout
    adopted = read_rubric(json.loads(out.read_text(encoding="utf-8")))
    assert adopted is not None
    assert adopted.bands.high_value_minor == 3_000

    # Reading again by the adopted rubric's settings at the same moment moves nobody.
    again = run("compare", "--orders", orders, "--as-of", "2026-01-01", "--frozen", out, "--json")
    comparison = json.loads(again.stdout)
    assert (comparison["moved"], comparison["thresholds"], comparison["customers"]) == (0, [], 89)
    later = json.loads(run("compare", "--orders", orders, "--as-of", "2026-03-01", "--frozen", out, "--json").stdout)
    assert later["proposed"]["settings"]["bands"]["high_value"] == "30.00"
    assert later["thresholds"]


def test_compare_refuses_what_cannot_be_compared(orders: Path, overrides: Path, tmp_path: Path) -> None:
    out = tmp_path / "rubric.json"
    given = ("compare", "--orders", orders, "--as-of", "2026-01-01")
    run(*given, "--rubric", overrides, "--out", out)
    assert "give --frozen" in run(*given).stderr
    early = run("compare", "--orders", orders, "--as-of", "2025-12-01", "--frozen", out)
    assert "choose a later --as-of" in early.stderr
    first = tmp_path / "first.json"
    first.write_text('{"version": 1}', encoding="utf-8")
    assert "of version 1" in run(*given, "--frozen", first).stderr
    first.write_text("{}", encoding="utf-8")
    assert "is no rubric.json" in run(*given, "--frozen", first).stderr
    assert "No such file" in run(*given, "--frozen", tmp_path / "none.json").stderr
    assert "cannot write" in run(*given, "--rubric", overrides, "--out", tmp_path / "no" / "x.json").stderr
    assert not (tmp_path / "no").exists()


def test_segment_takes_overrides_or_thresholds_of_before(orders: Path, overrides: Path, tmp_path: Path) -> None:
    def segmented(out: str, as_of: str, *options: object) -> Result:
        given = ("--orders", orders, "--as-of", as_of, "--out", tmp_path / out, *options)
        return CliRunner().invoke(winback, ["segment", *(str(part) for part in given)])

    def rubric(out: str) -> Rubric | None:
        return read_rubric(json.loads((tmp_path / out / "rubric.json").read_text(encoding="utf-8")))

    assert segmented("first", "2026-01-01", "--rubric", overrides).exit_code == 0
    first = rubric("first")
    assert first is not None
    assert first.bands.high_value_minor == 3_000
    frozen = tmp_path / "first" / "rubric.json"
    assert segmented("second", "2026-03-01", "--rubric", frozen).exit_code == 0
    assert rubric("second") == first
    assert segmented("third", "2026-03-01").exit_code == 0
    assert rubric("third") != first
    for as_of in ("2025-12-01", "2026-06-01"):
        refused = segmented("no", as_of, "--rubric", frozen)
        assert refused.exit_code == 2
        assert "calibrated as of 2026-01-01T00:00:00Z: it holds for 91 days from then" in refused.stderr


def test_thresholds_in_another_currency_are_refused(orders: Path, tmp_path: Path) -> None:
    pounds = tmp_path / "pounds"
    given = ("--orders", str(orders), "--as-of", "2026-01-01")
    CliRunner().invoke(winback, ["segment", *given, "--currency", "GBP", "--out", str(pounds)])
    euros = ("--currency", "EUR")
    frozen = str(pounds / "rubric.json")
    segmented = CliRunner().invoke(
        winback, ["segment", *given, *euros, "--rubric", frozen, "--out", str(tmp_path / "no")]
    )
    compared = run("compare", *given, *euros, "--frozen", frozen)
    for option, refused in (("--rubric", segmented), ("--frozen", compared)):
        assert refused.exit_code == 2
        assert refused.stderr.count(option) == 1
        assert "was calibrated in GBP, and the orders are in EUR" in " ".join(refused.stderr.split())


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
