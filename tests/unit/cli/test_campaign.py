import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from winback.campaigns.schema import campaign_schema_text
from winback.cli import app

BRANCHED = """
name: Come back
audience: {families: [Slipping]}
steps:
- {name: hello, template: we-miss-you, after_days: 0, send_at: 10:00}
- branch: {on: engaged}
  after_days: 5
  otherwise: [{template: still-thinking, after_days: 7, on: [tuesday, thursday]}]
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["campaign", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "comeback.yaml"
    path.write_text(BRANCHED, encoding="utf-8")
    return path


def test_check_draws_the_sequence_with_its_dates(file: Path) -> None:
    result = run("check", file, "--starts-at", "2026-12-01T08:00:00Z", "--zone", "Europe/Berlin")
    assert result.exit_code == 0, result.output
    assert "Come back, if it starts Tue 01 Dec 2026 09:00 (Europe/Berlin)" in result.output
    assert "hello (Tue 01 Dec 2026 10:00): first day, at 10:00; by email; we-miss-you" in result.output
    assert "? (Sun 06 Dec 2026 09:00) day 5: opened or clicked hello?" in result.output
    assert "yes: nothing" in result.output
    assert "step-2 (Tue 08 Dec 2026 09:00): day 7, the first Tuesday or Thursday from then on" in result.output
    described = json.loads(run("check", file, "--starts-at", "2026-12-01T08:00:00Z", "--json").stdout)
    assert [step["planned_at"] for step in described["steps"]] == ["2026-12-01T10:00:00Z", "2026-12-08T08:00:00Z"]


def test_check_says_why_a_step_of_the_first_day_leaves_the_day_after(file: Path) -> None:
    shown = run("check", file, "--starts-at", "2026-12-01T12:00:00Z", "--zone", "Europe/Berlin").output
    assert "hello (Wed 02 Dec 2026 10:00, since its time had already begun at the start): first day" in " ".join(
        shown.split()
    )


def test_check_lists_every_problem_with_its_path_those_of_messages_too(file: Path) -> None:
    file.write_text(BRANCHED.replace("after_days: 7", "after_days: 4").replace("name: Come back", "name: ''"))
    result = run("check", file)
    assert result.exit_code == 1
    assert "has a problem (steps[0] is the first step)" in result.output
    assert "name: is empty; expected 1 or more characters" in result.output
    file.write_text("")
    assert "the whole file: does not fit; expected fields, each with its name and value" in run("check", file).output
    file.write_text(BRANCHED.replace("after_days: 7", "after_days: 4"))
    assert "steps[1].otherwise[0].after_days: is 4" in run("check", file).output
    file.write_text(BRANCHED.replace("we-miss-you", '{subject: Hi, mjml: "<mj-text>Hi</mj-txt>"}'))
    assert (
        "steps[0].template.mjml: line 1: </mj-txt> closes nothing; <mj-text> of line 1 is still"
        in run("check", file).output
    )
    file.write_text(BRANCHED.replace("still-thinking", "no-such-message").replace("we-miss-you", "tpl-0123456789ab"))
    found = json.loads(run("check", file, "--json").stdout)
    assert [problem["field"] for problem in found["problems"]] == ["steps[1].otherwise[0].template"]


@pytest.mark.parametrize("arguments", [["--zone", "Berlin"], ["--starts-at", "tomorrow"]])
def test_an_option_that_means_nothing_is_refused(file: Path, arguments: list[str]) -> None:
    assert run("check", file, *arguments).exit_code == 2
    assert run("check", file.with_name("missing.yaml")).exit_code == 2


def test_schema_prints_the_published_one() -> None:
    assert run("schema").stdout == campaign_schema_text()
