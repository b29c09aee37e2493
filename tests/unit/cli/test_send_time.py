import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from winback.cli import app


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["send-time", "evaluate", *map(str, arguments)])


@pytest.fixture(scope="module")
def opens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty readers, each with an hour of its own, opened by a machine at 3 a.m. as well."""
    draw = random.Random(1)
    lines = ["Email,Time,Event,Bot,Tier"]
    for reader in range(60):
        for week in range(16):
            hour = reader * 5 % 24 if draw.random() < 0.7 else draw.randrange(24)
            day = 1 + (week * 7 + draw.randrange(7)) % 28
            moment = f"2026-{1 + week // 4:02}-{day:02}T{hour:02}:{draw.randrange(60):02}:00Z"
            lines.append(f"r{reader}@example.com,{moment},open,no,{'ab'[reader % 2]}")
            lines.append(f"r{reader}@example.com,{moment[:10]}T03:00:00Z,open,yes,{'ab'[reader % 2]}")
    path = tmp_path_factory.mktemp("events") / "opens.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


MAP = ("--map", "customer_id=Email,occurred_at=Time,kind=Event", "--map", "by_machine=Bot")


def test_the_figures_come_alone_as_json(opens: Path) -> None:
    result = _run("--events", opens, *MAP, "--time-zone", "UTC", "--segment", "Tier", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found["scores"]) == {"model", "account_histogram", "uniform"}
    assert found["model_minus"]["account_histogram"]["better"]
    assert found["model_minus"]["uniform"]["better"]
    assert found["scores"]["uniform"]["within_best"] == {"1": 0.005952, "3": 0.017857, "6": 0.035714}
    assert found["scores"]["uniform"]["log_loss"] == 5.123964
    assert found["rows"]["by_machine"] > 0
    assert found["held_out"]["kinds"] == ["opened"]
    assert found["learned"]["segment_strength"] > 0
    assert any("Opens follow sends" in note for note in found["notes"])


def test_a_terminal_shows_table_strengths_and_what_the_data_cannot_tell(opens: Path) -> None:
    result = _run("--events", opens, *MAP)
    assert result.exit_code == 0, result.output
    for text in ("account's histogram", "best 6 h", "95 % interval", "Learned:", "Opens follow sends", "--time-zone"):
        assert text in result.stdout
    assert "@example.com" not in result.stdout


def test_the_same_file_gives_the_same_figures(opens: Path) -> None:
    arguments = ("--events", opens, *MAP, "--time-zone", "UTC", "--json")
    assert _run(*arguments).stdout == _run(*arguments).stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--time-zone", "Europe/Nowhere"), "--time-zone: Europe/Nowhere is not an IANA time zone"),
        (("--time-zone", "Zone"), "time_zone is mapped to 'Zone', which the file does not have"),
        (("--segment", "Rank"), "segment is mapped to 'Rank'"),
        (("--map", "customer_id"), "--map: 'customer_id' is not NAME=COLUMN"),
    ],
)
def test_what_cannot_be_used_is_said_in_the_users_words(opens: Path, arguments: tuple[str, ...], told: str) -> None:
    mapping = () if "--map" in arguments else MAP
    result = _run("--events", opens, *mapping, *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_files_that_tell_nothing_are_refused(tmp_path: Path) -> None:
    missing = _run("--events", tmp_path / "none.csv")
    assert missing.exit_code == 2
    assert "--events: there is no file" in missing.stderr
    lonely = tmp_path / "one.csv"
    lonely.write_text("customer_id,weekday,hour\nann,Monday,3\nbob,Tuesday,4\n")
    alone = _run("--events", lonely)
    assert alone.exit_code == 2
    assert "no customer has two events" in alone.stderr
    lonely.write_text("customer_id,weekday,hour\nann,Never,3\n")
    broken = _run("--events", lonely)
    assert broken.exit_code == 2
    assert "1 x weekday: not a weekday" in broken.stderr


def test_one_reader_however_regular_shows_nothing_about_readers(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    days = [f"2026-{1 + day // 28:02}-{1 + day % 28:02}" for day in range(56)]
    path.write_text("\n".join(["customer_id,occurred_at", *(f"r1,{day}T10:00:00Z" for day in days)]) + "\n")
    result = _run("--events", path, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["model_minus"]["uniform"]["high"] < 0
    assert not any(gap["better"] for gap in found["model_minus"].values())
    assert found["notes"][0] == "Too small to tell: events of fewer than 20 customers could be forecast."
