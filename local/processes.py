"""Starting processes, and ending exactly those, by pid and start time. Works wherever `ps` follows POSIX."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.place import RunningProcess

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Seen:
    """One line of the process table."""

    pid: int
    parent: int
    started: str
    command: str


def process_table() -> dict[int, Seen]:
    # A start time has five words (`Sun Nov 22 00:01:15 2026`) in the C locale; zombies have ended already.
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat=,lstart=,command="],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    ).stdout
    table: dict[int, Seen] = {}
    for line in listing.splitlines():
        pid, parent, stat, *rest = line.split(None, 8)
        if not stat.startswith("Z"):
            command = rest[5] if len(rest) > 5 else ""
            table[int(pid)] = Seen(int(pid), int(parent), " ".join(rest[:5]), command)
    return table


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(name: str, command: Command, *, log: Path, env: Mapping[str, str], cwd: Path) -> RunningProcess:
    """Starts a process in a session of its own, so that Ctrl-C reaches us and not it; its output goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    seen = process_table().get(process.pid)
    return RunningProcess(name, process.pid, seen.started if seen else "")


def is_alive(process: RunningProcess) -> bool:
    seen = process_table().get(process.pid)
    return seen is not None and seen.started == process.started


def descendants(process: RunningProcess) -> list[RunningProcess]:
    """The process's children and theirs, as they are now."""
    table = process_table()
    if process.pid not in table or table[process.pid].started != process.started:
        return []
    found: list[RunningProcess] = []
    parents = {process.pid}
    while parents:
        children = [seen for seen in table.values() if seen.parent in parents]
        found += [RunningProcess(process.name, child.pid, child.started) for child in children]
        parents = {child.pid for child in children}
    return found


def stop(processes: Iterable[RunningProcess], *, grace_seconds: float = 5) -> list[int]:
    """Ends the processes and their descendants: asks first, then kills. Returns the pids that were still running."""
    roots = list(processes)
    seen = dict.fromkeys(_family(roots))
    for process in seen:
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while _alive(seen) and time.monotonic() < deadline:
        time.sleep(0.1)
        seen.update(dict.fromkeys(_family(roots)))  # a child may be born while its parent takes its leave
    while remaining := _alive(seen):
        for process in remaining:
            _signal(process, signal.SIGKILL)
        time.sleep(0.05)
    return [process.pid for process in seen]


def _family(roots: Iterable[RunningProcess]) -> list[RunningProcess]:
    """The living among the roots, and their descendants."""
    living = _alive(roots)
    return [*living, *(child for root in living for child in descendants(root))]


def kill(process: RunningProcess) -> bool:
    """SIGKILL, at once. False when it had ended already."""
    if not is_alive(process):
        return False
    return _signal(process, signal.SIGKILL)


def _alive(processes: Iterable[RunningProcess]) -> list[RunningProcess]:
    table = process_table()
    return [one for one in processes if one.pid in table and table[one.pid].started == one.started]


def _signal(process: RunningProcess, number: int) -> bool:
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    # Reaps our own child; in a later command the process is not ours to wait for.
    try:
        os.waitpid(process.pid, os.WNOHANG)
    except ChildProcessError:
        return True
    return True


def wait_until(ready: Callable[[], bool], *, seconds: float, process: RunningProcess) -> bool:
    """Polls until `ready`; False when the time is over or the process ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ready():
            return True
        if not is_alive(process):
            return False
        time.sleep(0.2)
    return False
