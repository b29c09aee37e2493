"""`up`, `status` and `down` as a person runs them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from local.cloud import Cloud
from local.lifecycle import stop_cloud
from local.place import DIRECTORY_VARIABLE, ROOT, NotRunning, Place, RunningProcess, read_state
from local.processes import is_alive, process_table

LOCAL = [sys.executable, "-m", "local"]


def environment(place: Place) -> dict[str, str]:
    return {**os.environ, DIRECTORY_VARIABLE: str(place.directory.relative_to(ROOT))}


def run(place: Place, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LOCAL, command], cwd=ROOT, env=environment(place), capture_output=True, text=True, check=False
    )


def test_status_tells_where_it_runs(cloud: Cloud, place: Place) -> None:
    told = run(place, "status")
    assert told.returncode == 0, told.stdout + told.stderr
    assert cloud.state.api_url in told.stdout


def test_a_second_up_finds_it_running_and_deploys_again(cloud: Cloud, place: Place) -> None:
    before = read_state(place)
    told = run(place, "up")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "is running" in told.stdout
    assert read_state(place) == before


def test_status_without_a_cloud_says_how_to_get_one() -> None:
    told = run(Place(ROOT / "build" / "local-nowhere"), "status")
    assert told.returncode == 1
    assert "make up" in told.stdout


def test_an_interrupted_up_leaves_nothing_behind() -> None:
    place = Place(ROOT / "build" / "local-interrupted")
    stop_cloud(place)
    process = subprocess.Popen(
        [*LOCAL, "up"], cwd=ROOT, env=environment(place), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        emulator = _wait_for_first_process(place)
        process.send_signal(signal.SIGINT)
        assert process.wait(180) == 130
    finally:
        process.kill()
    assert not is_alive(emulator)
    assert not place.directory.exists()
    assert processes_that_mention(place.directory) == []


def test_an_interrupt_in_the_middle_of_an_import_ends_with_the_same_code(tmp_path: Path) -> None:
    importing = "import os, signal; os.kill(os.getpid(), signal.SIGINT); [_ for _ in range(1000)]"
    (tmp_path / "late.py").write_text(
        f"import typer; from local.commands import _or_exit\ntyper.run(lambda: _or_exit(lambda: exec({importing!r})))"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    assert subprocess.run([sys.executable, "-m", "late"], cwd=ROOT, env=env, check=False).returncode == 130


def _wait_for_first_process(place: Place) -> RunningProcess:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if found := read_state(place).processes:
                return found[0]
        except NotRunning:
            pass
        time.sleep(0.1)
    raise AssertionError("nothing was started")


def processes_that_mention(folder: Path) -> list[str]:
    return [seen.command for seen in process_table().values() if str(folder) in seen.command]
