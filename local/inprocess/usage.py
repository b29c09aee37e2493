"""Calls and request units, counted as DynamoDB bills them on demand.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html: a write unit is 1 KB, a
consistent read's unit 4 KB, half of it for any other read; a transaction's cost double; a refused write costs what is
there.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

WRITE_BYTES, READ_BYTES = 1024, 4096


@dataclass
class Usage:
    """By (table, kind of item): `writes` and `reads` are items, `write_units` and `read_units` are billed."""

    calls: Counter[str] = field(default_factory=Counter)  # by `table.operation`
    writes: Counter[tuple[str, str]] = field(default_factory=Counter)
    reads: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)  # of the writes: their condition failed
    write_units: Counter[tuple[str, str]] = field(default_factory=Counter)
    read_units: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))

    def wrote(self, table: str, kind: str, size: int, *, times: int = 1) -> None:
        place = (table, kind)
        self.writes[place] += 1
        self.write_units[place] += times * max(1, -(-size // WRITE_BYTES))

    def refuse(self, table: str, kind: str, size: int) -> None:
        """A conditional write that failed costs by the size of what is there."""
        self.refused[table, kind] += 1
        self.write_units[table, kind] += max(1, -(-size // WRITE_BYTES))

    def read(self, table: str, kind: str, size: int, items: int, *, consistent: bool, times: int = 1) -> None:
        place = (table, kind)
        units = max(1, -(-size // READ_BYTES)) * times
        self.reads[place] += items
        self.read_units[place] += units if consistent else units / 2

    def clear(self) -> None:
        for counter in (self.calls, self.writes, self.reads, self.refused, self.write_units, self.read_units):
            counter.clear()


def kind_of(pk: str, sk: str) -> str:
    """The item's kind by its key (winback/aws/keys.py): `send`, `contacts`, `profile`, `due`, `quota`, `launch`..."""
    head = sk.partition("#")[0]
    if "#" not in pk:
        return pk
    if head.isalpha():
        return head
    parts = pk.split("#")
    return parts[0] if parts[0] in ("due", "quota", "models") else parts[-1]
