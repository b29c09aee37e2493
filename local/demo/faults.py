"""Kills workers in the middle of the demo, once each, as a lost machine would: no final figure may change."""

from collections.abc import Sequence

from local.cloud import Cloud

FUNCTIONS = {"import": "import_worker", "plan": "launch_plan", "send": "sender"}
_SENT_BEFORE_THE_KILL = 200


class Faults:
    """`kill` holds names of FUNCTIONS; each is killed once, when it is busy. Raises ValueError for another name."""

    def __init__(self, cloud: Cloud, kill: Sequence[str] = ()) -> None:
        unknown = set(kill) - set(FUNCTIONS)
        if unknown:
            raise ValueError(f"cannot kill {', '.join(sorted(unknown))}: expected some of {', '.join(FUNCTIONS)}")
        self._cloud = cloud
        self._waiting = set(kill)
        self.killed: list[str] = []

    def during_import(self) -> None:
        while "import" in self._waiting:
            self._kill("import")

    def while_planning(self) -> None:
        self._kill("plan")

    def while_sending(self) -> None:
        if "send" in self._waiting and self._cloud.mail.counts().messages >= _SENT_BEFORE_THE_KILL:
            self._kill("send")

    def _kill(self, name: str) -> None:
        if name in self._waiting and self._cloud.kill_function_workers(FUNCTIONS[name]):
            self._waiting.discard(name)
            self.killed.append(name)
