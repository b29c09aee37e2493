"""Due entries and releases: rows of a plan chunk that wait for their time, and those handed to the sender."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from winback.identifiers import AccountId, LaunchId

MESSAGE_ROWS = 25  # few enough that one message is sent well within a function's time


class MalformedRelease(ValueError):
    """A message of the queue that no feeder wrote."""


@dataclass(frozen=True)
class DueEntry:
    """Rows `from_row` (included) to `to_row` (excluded) of the plan chunk at S3 `key`, due at `send_at`."""

    channel: str
    account_id: AccountId
    launch_id: LaunchId
    step: int
    chunk: int
    key: str
    from_row: int
    to_row: int
    send_at: datetime
    token: str = ""  # changes with each put; a removal names the one that it read

    def __post_init__(self) -> None:
        if not 0 <= self.from_row < self.to_row:
            raise ValueError(f"rows {self.from_row} to {self.to_row} are no range: expected 0 <= from_row < to_row")

    @property
    def rows(self) -> int:
        return self.to_row - self.from_row


@dataclass(frozen=True)
class Release:
    """Rows `from_row` (included) to `to_row` (excluded) of the plan chunk at S3 `key`: one message of the queue.

    A `probe` is let through to a provider whose circuit is not closed, to find out whether it is back.
    """

    channel: str
    account_id: AccountId
    launch_id: LaunchId
    step: int
    chunk: int
    key: str
    from_row: int
    to_row: int
    probe: bool = False

    @classmethod
    def of(cls, entry: DueEntry, from_row: int, to_row: int, *, probe: bool = False) -> Self:
        return cls(
            channel=entry.channel,
            account_id=entry.account_id,
            launch_id=entry.launch_id,
            step=entry.step,
            chunk=entry.chunk,
            key=entry.key,
            from_row=from_row,
            to_row=to_row,
            probe=probe,
        )

    def due_again(self, from_row: int, send_at: datetime, to_row: int | None = None) -> DueEntry:
        """Its rows from `from_row` on, to its end or to `to_row`, for the due index."""
        return DueEntry(
            channel=self.channel,
            account_id=self.account_id,
            launch_id=self.launch_id,
            step=self.step,
            chunk=self.chunk,
            key=self.key,
            from_row=from_row,
            to_row=self.to_row if to_row is None else to_row,
            send_at=send_at,
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises MalformedRelease."""
        try:
            release = cls(**json.loads(text))
            sound = 0 <= release.from_row < release.to_row and release.step >= 1
        except (TypeError, ValueError) as error:
            raise MalformedRelease("not a release: expected an object with the fields of Release") from error
        if not sound:
            raise MalformedRelease("a release needs 0 <= from_row < to_row and a step from 1 on")
        return release


def message_bounds(from_row: int, to_row: int, rows: int = MESSAGE_ROWS) -> Iterator[tuple[int, int]]:
    """The range cut into messages of at most `rows`."""
    for start in range(from_row, to_row, rows):
        yield start, min(start + rows, to_row)
