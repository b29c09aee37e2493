"""Runs one piece of work in a process of its own, so that its time and peak memory are its own too."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    seconds: float
    cpu_seconds: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.seconds:7.2f} s wall {self.cpu_seconds:7.2f} s CPU {self.peak_mb:7,.0f} MB peak"


def measure(module: str, *arguments: str) -> Measured:
    """Runs `python -m module arguments...`, which must end with `report`."""
    command = [sys.executable, "-m", module, *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Measured(**json.loads(output.splitlines()[-1]))


def best(module: str, *arguments: str, runs: int = 3) -> Measured:
    """The fastest of some runs: the one that other work on the machine disturbed least."""
    return min((measure(module, *arguments) for _ in range(runs)), key=lambda run: run.seconds)


def report(work: Callable[[], None]) -> None:
    """Does the work and prints its figures as the last line, for `measure` to read."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak_kb() / 1024}))


def peak_kb(process: str = "self") -> int:
    """VmHWM of Linux, else ru_maxrss: the latter starts at the size of the process that started this one."""
    status = Path("/proc") / process / "status"
    if status.exists():
        (line,) = (line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
