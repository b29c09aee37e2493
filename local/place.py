"""Where one local cloud keeps everything it makes, and what it remembers between commands.

One folder holds it all: `build/local`, or the folder named by `WINBACK_LOCAL_DIR` (tests use one of their own, so
that they never meet a cloud that somebody is working with).
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STAGE = "local"
REGION = "us-east-1"
ACCOUNT = "000000000000"
KINDS = ("churn", "offer", "send_time")  # of models: the folders of ml/
ACCESS_KEY = "test"  # the emulator's root
DIRECTORY_VARIABLE = "WINBACK_LOCAL_DIR"


class NotRunning(RuntimeError):
    """There is no local cloud in this folder."""


@dataclass(frozen=True)
class Place:
    """The folder of one local cloud."""

    directory: Path

    @property
    def state_file(self) -> Path:
        return self.directory / "state.json"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    def make(self, *parts: str) -> Path:
        """A folder inside, created with what leads to it."""
        path = self.directory.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True)
        return path


def place_of(environ: Mapping[str, str] | None = None) -> Place:
    named = (os.environ if environ is None else environ).get(DIRECTORY_VARIABLE)
    return Place((ROOT / named).resolve() if named else ROOT / "build" / "local")


@dataclass(frozen=True)
class RunningProcess:
    """A process that we started: pids are reused, so a pid counts only together with its start time."""

    name: str
    pid: int
    started: str


@dataclass(frozen=True)
class State:
    """What `up` leaves behind for `status`, `down`, the demo and tests. Holds secrets: its file is mode 600."""

    processes: list[RunningProcess] = field(default_factory=list)
    endpoint_url: str = ""
    secret_key: str = ""
    mail_url: str = ""
    models_url: str = ""
    api_url: str = ""
    account_id: str = ""
    api_key: str = ""

    def process(self, name: str) -> RunningProcess:
        for process in self.processes:
            if process.name == name:
                return process
        raise NotRunning(f"no process {name!r} was started")


def write_state(place: Place, state: State) -> None:
    place.directory.mkdir(parents=True, exist_ok=True)
    fresh = place.state_file.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(state), file, indent=1)
    fresh.replace(place.state_file)


def read_state(place: Place) -> State:
    """Raises NotRunning when nothing was started here."""
    try:
        raw: dict[str, Any] = json.loads(place.state_file.read_text())
    except FileNotFoundError:
        raise NotRunning(f"no local cloud in {place.directory}: start it with `make up`") from None
    return State(**{**raw, "processes": [RunningProcess(**process) for process in raw["processes"]]})
