"""How items lie in memory: packed, a third as large as Python's own dictionaries. Each read is a fresh copy."""

import marshal
from dataclasses import dataclass
from typing import Any

from local.inprocess.values import give, is_plain, size, text_size

Item = dict[str, Any]


@dataclass(frozen=True)
class Found:
    item: Item | None
    size: int = 0  # bytes, as DynamoDB counts them


class Partition:
    """The items of one `pk`, packed, by `sk`."""

    __slots__ = ("_order", "items")

    def __init__(self) -> None:
        self.items: dict[str, bytes] = {}
        self._order: list[str] | None = None

    @property
    def order(self) -> list[str]:
        """The sort keys, in DynamoDB's order: by their bytes, which is that of their code points."""
        if self._order is None:
            self._order = sorted(self.items)
        return self._order

    def put(self, sk: str, packed: bytes) -> None:
        if sk not in self.items:
            self._order = None
        self.items[sk] = packed

    def remove(self, sk: str) -> None:
        if self.items.pop(sk, None) is not None:
            self._order = None


def pack(item: Item) -> tuple[bytes, int]:
    """The stored item as bytes with its size in front, and the size as DynamoDB counts it."""
    length, plain = 0, True
    for name, value in item.items():
        length += text_size(name)
        if type(value) is str:
            length += text_size(value)
        else:
            length += size(value)
            plain = plain and is_plain(value)
    return marshal.dumps((length, plain, item)), length


def unpack(packed: bytes) -> tuple[int, bool, Item]:
    """Size, whether it needs no `give`, and the item, which nobody else holds."""
    found: tuple[int, bool, Item] = marshal.loads(packed)  # noqa: S302 (packed by ourselves, in this process)
    return found


def given(item: Item) -> Item:
    """A stored item as boto3 returns it."""
    return {name: value if type(value) is str else give(value) for name, value in item.items()}
