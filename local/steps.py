"""Progress by step with elapsed time; a failed step says which one it was and shows the end of its log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

_TAIL_LINES = 40


class StepFailed(RuntimeError):
    """A step of `up` could not be done; `log` is what its process wrote."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


class Steps:
    """Announces steps on a console: a spinner while one runs on a terminal, one line when it is done."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._started = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            with self.console.status(name):
                yield
        except StepFailed as failure:
            self._failed(name, str(failure), failure.log)
            raise
        except Exception as failure:
            self._failed(name, f"{type(failure).__name__}: {failure}", None)
            raise
        self.console.print(f"[green]✓[/] {name}  [dim]{time.monotonic() - begun:.1f} s[/]")

    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def _failed(self, name: str, why: str, log: Path | None) -> None:
        self.console.print(f"[red]✗ {name}[/]: {escape(why)}")
        if log is not None and log.exists():
            self.console.print(f"[dim]the end of {escape(str(log))}:[/]")
            lines = log.read_text(errors="replace").splitlines()
            self.console.print(escape("\n".join(lines[-_TAIL_LINES:])), soft_wrap=True)
