"""Splits a CSV text into records, knowing the line of each, and recovering after a malformed one."""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

LONGEST_LINE_BYTES = 2_000_000


@dataclass(frozen=True)
class Record:
    line: int  # where it starts, from 1
    fields: list[str]


@dataclass(frozen=True)
class Malformed:
    line: int
    problem: str
    text: str


class _Lines:
    """Lines of the file; those of a record that failed can be given back, all but its first."""

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0  # of the last line given

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._source.readline()
        if not line:
            raise StopIteration
        self.taken.append(line)
        self.number += 1
        return line

    def give_back(self) -> None:
        self.number -= len(self.taken) - 1
        self._again.extendleft(reversed(self.taken[1:]))


def records(source: TextIO, delimiter: str, width: int) -> Iterator[Record | Malformed]:
    """All records but blank lines, the header included. A record whose quotes are broken costs its first line only:
    reading goes on with the next line."""
    csv.field_size_limit(LONGEST_LINE_BYTES)
    lines = _Lines(source)
    while True:
        lines.taken = []
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
        start = lines.number + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            text = lines.taken[0].rstrip("\r\n")
            lines.give_back()
            yield Malformed(start, "row: broken quotes", text)
            continue
        if not fields:
            continue
        if len(fields) == width:
            yield Record(start, fields)
        else:
            yield Malformed(start, "row: wrong number of fields", "".join(lines.taken).rstrip("\r\n"))
