"""Runs the functions' own handlers, and notes what each run computed, asked and logged, by cause and function."""

import importlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from bench._meter import Meter
from local.invocation import Invocation

_CONTEXT = Invocation(memory_limit_in_mb=512, seconds_left=50)


@dataclass
class Invocations:
    meter: Meter
    times: Counter[tuple[str, str]] = field(default_factory=Counter)  # (cause, function)
    cpu_seconds: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    calls: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (cause, function, service)
    logged: Counter[str] = field(default_factory=Counter)  # bytes by cause

    def run(self, cause: str, function: str, event: Mapping[str, Any], *, count: int = 0) -> Any:
        """Through JSON, as the runtime does, which is counted too. Raises RuntimeError when messages came back."""
        text = json.dumps(event)
        handler = importlib.import_module(f"functions.{function}.handler")
        place = (cause, function)
        if place not in self.times:
            _warm(handler)
        with self.meter.cause(cause, count) as usage, _log_of(handler) as log:
            cpu, calls = usage.cpu_seconds, Counter(usage.calls)
            answer = json.loads(json.dumps(handler.handler(json.loads(text), _CONTEXT)))
        self.times[place] += 1
        self.cpu_seconds[place] += usage.cpu_seconds - cpu
        for service, number in (usage.calls - calls).items():
            self.calls[*place, service] += number
        self.logged[cause] += len(log.getvalue())
        failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
        if failures:
            raise RuntimeError(f"{function} returned {len(failures)} messages: {log.getvalue()[-2000:]}")
        return answer


def _warm(handler: Any) -> None:
    """A function that runs has made its clients: boto3's start-up is not of the first message alone."""
    for name in ("parts", "dispatch", "lake", "settings", "control", "intake"):
        if hasattr(handler, name):
            getattr(handler, name)()


@contextmanager
def _log_of(handler: Any) -> Iterator[io.StringIO]:
    """What the function would log, its metrics included."""
    log = io.StringIO()
    stream = handler.logger.registered_handler.stream
    handler.logger.registered_handler.stream = log
    try:
        with redirect_stdout(log):
            yield log
    finally:
        handler.logger.registered_handler.stream = stream
