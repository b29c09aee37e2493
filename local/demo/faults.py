"""Kills workers in the middle of the demo, once each, as a lost machine would: no final figure may change."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from local.cloud import Cloud

FUNCTIONS = {"import": "import_worker", "plan": "launch_plan", "send": "sender"}
_SENT_BEFORE_THE_KILL = 200
_IMPORT_SECONDS = 30


class NotKilled(RuntimeError):
    """A worker that was to be killed was never met at work."""


class Faults:
    """`kill` holds names of FUNCTIONS; each is killed once, when it is at work. Raises ValueError for another name."""

    def __init__(self, cloud: Cloud, kill: Sequence[str] = ()) -> None:
        unknown = set(kill) - set(FUNCTIONS)
        if unknown:
            raise ValueError(f"cannot kill {', '.join(sorted(unknown))}: expected some of {', '.join(FUNCTIONS)}")
        self._cloud = cloud
        self._waiting = set(kill)
        self.killed: list[str] = []

    def during_import(self) -> None:
        """While the worker has taken the file from its queue and not finished it."""
        deadline = time.monotonic() + _IMPORT_SECONDS
        while "import" in self._waiting and time.monotonic() < deadline:
            if self._cloud.queue_depth("imports"):
                self._kill("import")

    def while_planning(self, chunks: Mapping[str, Any]) -> None:
        """When some chunks of the step are planned and others are not."""
        if 0 < chunks["planned"] < chunks["of"]:
            self._kill("plan")

    def while_sending(self) -> None:
        if "send" in self._waiting and self._cloud.mail.counts().messages >= _SENT_BEFORE_THE_KILL:
            self._kill("send")

    def require_all(self) -> None:
        """Raises NotKilled when a worker was never met at work: then the run has shown nothing."""
        if self._waiting:
            raise NotKilled(f"never met at work: {', '.join(sorted(self._waiting))}")

    def _kill(self, name: str) -> None:
        if name in self._waiting and self._cloud.kill_function_workers(FUNCTIONS[name]):
            self._waiting.discard(name)
            self.killed.append(name)
