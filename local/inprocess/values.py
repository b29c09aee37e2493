"""Attribute values: what boto3's table resource takes and gives, and how it lies in memory.

In memory numbers are an `int` where they are whole, else a tuple `("N", text)`: equal numbers are then equal. The rest
is as Python has it. Sizes are DynamoDB's, by which it bills and limits items:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import DYNAMODB_CONTEXT, Binary

Stored = Any
_CONTAINER = 3  # bytes of a list or map, beside its elements
_ELEMENT = 1  # byte of each of them


def text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def store(value: object) -> Stored:
    """Raises TypeError for what boto3 refuses, floats above all."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if isinstance(value, str):
        return str.__str__(value)  # an enum's text
    if isinstance(value, int | Decimal):
        return number(DYNAMODB_CONTEXT.create_decimal(value))
    if isinstance(value, float):
        raise TypeError("Float types are not supported. Use Decimal types instead.")
    if isinstance(value, dict):
        return {_name(name): store(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [store(part) for part in value]
    if isinstance(value, set | frozenset):
        return frozenset(store(part) for part in value)
    if isinstance(value, bytes | bytearray | Binary):
        return bytes(value)  # type: ignore[arg-type]  # a Binary has __bytes__
    raise TypeError(f'Unsupported type "{kind}" for value "{value}"')


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"an attribute's name is {type(name).__name__}: expected str")
    return name


def number(value: Decimal) -> Stored:
    whole = int(value)
    return whole if whole == value else ("N", str(value.normalize(DYNAMODB_CONTEXT)))


def decimal(stored: Stored) -> Decimal:
    """Of a stored number."""
    return Decimal(stored[1]) if type(stored) is tuple else Decimal(stored)


def is_number(stored: Stored) -> bool:
    return type(stored) is int or type(stored) is tuple


def give(stored: Stored) -> Any:
    """As boto3's table resource returns it: numbers as Decimal."""
    kind = type(stored)
    if kind is str or kind is bool or stored is None:
        return stored
    if kind is int:
        return Decimal(stored)
    if kind is tuple:
        return Decimal(stored[1])
    if kind is dict:
        return {name: give(part) for name, part in stored.items()}
    if kind is list:
        return [give(part) for part in stored]
    if kind is frozenset:
        return {give(part) for part in stored}
    return Binary(stored)


def is_plain(stored: Stored) -> bool:
    """Whether `give` would return it as it is: text and truth values only."""
    kind = type(stored)
    if kind is dict:
        return all(is_plain(part) for part in stored.values())
    if kind is list:
        return all(is_plain(part) for part in stored)
    return kind is str or kind is bool or stored is None


def size(stored: Stored) -> int:
    kind = type(stored)
    if kind is str:
        return text_size(stored)
    if kind is bool or stored is None:
        return 1
    if kind is int:
        return _digits_size(str(stored))
    if kind is tuple:
        return _digits_size(stored[1])
    if kind is dict:
        return _CONTAINER + sum(text_size(name) + size(part) + _ELEMENT for name, part in stored.items())
    if kind is list:
        return _CONTAINER + sum(size(part) + _ELEMENT for part in stored)
    if kind is frozenset:
        return sum(size(part) for part in stored)
    return len(stored)


def _digits_size(text: str) -> int:
    """About two digits a byte, leading and trailing zeros aside, and one byte; a sign takes one more."""
    digits = text.strip("-").replace(".", "").strip("0") or "0"
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def kind_of(stored: Stored) -> str:
    """DynamoDB's letters for its type: S, N, B, BOOL, NULL, M, L, SS, NS, BS."""
    kind = type(stored)
    if kind is frozenset:
        one = next(iter(stored), "")
        return f"{kind_of(one)}S"
    return {str: "S", bool: "BOOL", int: "N", tuple: "N", dict: "M", list: "L", bytes: "B"}.get(kind, "NULL")


def wire(stored: Stored) -> dict[str, Any]:
    """DynamoDB's own JSON, in which an error carries an item."""
    kind = kind_of(stored)
    match kind:
        case "N":
            return {"N": str(decimal(stored))}
        case "NULL":
            return {"NULL": True}
        case "M":
            return {"M": {name: wire(part) for name, part in stored.items()}}
        case "L":
            return {"L": [wire(part) for part in stored]}
        case "NS":
            return {"NS": [str(decimal(part)) for part in stored]}
        case "SS" | "BS":
            return {kind: list(stored)}
        case _:
            return {kind: stored}
