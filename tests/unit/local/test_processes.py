"""What was started is ended, and nothing else."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from local.place import NotRunning, Place, RunningProcess, State, place_of, read_state, write_state
from local.processes import descendants, is_alive, kill, start, stop, wait_until

PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
time.sleep(60)
"""


def started(tmp_path: Path, code: str) -> RunningProcess:
    return start(
        "it", [sys.executable, "-c", code], log=tmp_path / "logs" / "it.log", env=dict(os.environ), cwd=tmp_path
    )


def test_stopping_ends_a_process_and_its_children(tmp_path: Path) -> None:
    process = started(tmp_path, PARENT)
    assert wait_until(lambda: len(descendants(process)) == 1, seconds=20, process=process)
    family = [process, *descendants(process)]
    assert sorted(stop([process])) == sorted(member.pid for member in family)
    assert not any(is_alive(member) for member in family)


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    process = started(tmp_path, code)
    log = tmp_path / "logs" / "it.log"
    assert wait_until(lambda: "on" in log.read_text(), seconds=20, process=process)
    stop([process], grace_seconds=0.3)
    assert not is_alive(process)


def test_a_pid_that_now_belongs_to_another_process_is_left_alone(tmp_path: Path) -> None:
    process = started(tmp_path, "import time; time.sleep(60)")
    reused = replace(process, started="Mon Jan  1 00:00:00 2001")
    assert stop([reused]) == []
    assert not kill(reused)
    assert is_alive(process)
    stop([process])


def test_waiting_ends_when_the_process_does(tmp_path: Path) -> None:
    process = started(tmp_path, "raise SystemExit(3)")
    assert not wait_until(lambda: False, seconds=60, process=process)


def test_the_state_is_for_its_owners_eyes_only_and_reads_back(tmp_path: Path) -> None:
    place = Place(tmp_path / "cloud")
    state = State(processes=[RunningProcess("mail", 7, "then")], api_key="secret")
    write_state(place, state)
    assert place.state_file.stat().st_mode & 0o777 == 0o600
    assert read_state(place) == state


def test_a_folder_without_a_cloud_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="make up"):
        read_state(Place(tmp_path))


def test_the_folder_can_be_chosen() -> None:
    assert place_of({}).directory.parts[-2:] == ("build", "local")
    assert place_of({"WINBACK_LOCAL_DIR": "build/other"}).directory.parts[-2:] == ("build", "other")
