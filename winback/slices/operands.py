"""What a comparison may say of a column: its operators, and values as the column's kind has them."""

from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from winback.fields import plain
from winback.slices.columns import Column, Kind

MAX_VALUES = 200
MOST_DECIMALS = 3  # of any currency
LONGEST_AMOUNT = 24  # characters
LARGEST = 10**15  # keeps minor units, days and counts inside 64 bits
SMALLEST = Decimal("1e-15")  # a table's number holds 38 digits and nothing below 1e-130

Operand = Decimal | int | float | date | bool | str


class Operator(StrEnum):
    EQUAL = "="
    DIFFERENT = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    IN = "in"
    BETWEEN = "between"  # both ends included
    KNOWN = "known"
    UNKNOWN = "unknown"


_O = Operator
ORDER = (_O.EQUAL, _O.DIFFERENT, _O.LESS, _O.AT_MOST, _O.MORE, _O.AT_LEAST)
KNOWING = (_O.KNOWN, _O.UNKNOWN)
OPERATORS: dict[Kind, tuple[Operator, ...]] = {
    Kind.MONEY: (*ORDER, _O.IN, _O.BETWEEN, *KNOWING),
    Kind.WHOLE: (*ORDER, _O.IN, _O.BETWEEN, *KNOWING),
    Kind.NUMBER: (*ORDER, _O.IN, _O.BETWEEN, *KNOWING),
    Kind.DATE: (*ORDER, _O.IN, _O.BETWEEN, *KNOWING),
    Kind.FLAG: (_O.EQUAL, *KNOWING),
    Kind.TEXT: (_O.EQUAL, _O.DIFFERENT, _O.IN, *KNOWING),
}


def values_of(value: object, fewest: int, most: int) -> list[object]:
    """The values of `in` or `between`. Raises ValueError."""
    size = str(fewest) if fewest == most else f"{fewest} to {most}"
    if not isinstance(value, list | tuple) or not fewest <= len(value) <= most:
        raise ValueError(f"is no list of that length: expected a list of {size} values")
    return list(value)


def operand(column: Column, value: object) -> Operand:
    """`value` as the column's kind has it. Raises ValueError saying what would be right."""
    match column.kind:
        case Kind.MONEY:
            return _money(value)
        case Kind.WHOLE:
            return _whole_number(value)
        case Kind.NUMBER:
            return float(_number(value, "a number"))
        case Kind.DATE:
            return _day(value)
        case Kind.FLAG:
            if not isinstance(value, bool):
                raise ValueError("is neither true nor false: expected true or false")
            return value
        case Kind.TEXT:
            return _text(column, value)


def _number(value: object, expected: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"is not a number: expected {expected}")
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or abs(number) >= LARGEST:
        raise ValueError(f"is too large: expected {expected} below {LARGEST:.0e}")
    if 0 < abs(number) < SMALLEST:
        raise ValueError(f"is too close to 0: expected 0, or {expected} of at least {SMALLEST:.0e}")
    return number


def _whole_number(value: object) -> int:
    number = _number(value, "a whole number")
    if number != number.to_integral_value():
        raise ValueError("is not whole: expected a whole number")
    return int(number)


def _money(value: object) -> Decimal:
    expected = 'an amount in major units such as "49.90"'
    amount = _number(_decimal(value) if isinstance(value, str) else value, expected)
    if amount != round(amount, MOST_DECIMALS):
        raise ValueError(f"has more than {MOST_DECIMALS} decimals: expected the decimals of the account's currency")
    return amount


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text) if len(text) <= LONGEST_AMOUNT else None
    except InvalidOperation:
        return None


def _day(value: object) -> date:
    expected = "expected a day such as 2026-01-31"
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError(f"is not a date: {expected}")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"is not a date: {expected}") from None


def _text(column: Column, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("is not text: expected text")
    if column.values and value not in column.values:
        raise ValueError(f"is no value of {column.name}: expected one of {', '.join(column.values)}")
    if not 1 <= len(value) <= 128:
        raise ValueError("is empty or too long: expected 1 to 128 characters")
    return plain(str(value))


def as_json(value: Any) -> Any:
    """An operand as JSON holds it; `operand` reads it back."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else value
