"""Where faults come in: every call to a table, lake, queue or provider passes its hook before and after its effect."""

from typing import Protocol


class Killed(BaseException):
    """The process is gone at this very point; nothing catches it."""


class Hook(Protocol):
    """`point` names the call, such as `performance.put_item`."""

    def before(self, point: str) -> None:
        """May raise: then the call has no effect."""
        ...

    def after(self, point: str) -> None:
        """May raise: the effect is there, its answer never comes."""
        ...

    def left_over(self, point: str, count: int) -> int:
        """How many of a batch's `count` parts are left undone this time."""
        ...

    def born(self) -> None:
        """Another process takes the place of one that was killed."""
        ...


class NoFaults:
    def before(self, point: str) -> None:
        pass

    def after(self, point: str) -> None:
        pass

    def left_over(self, point: str, count: int) -> int:  # noqa: ARG002
        return 0

    def born(self) -> None:
        pass
