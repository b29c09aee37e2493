"""A quote: what one unit of a base cost in another currency on one day; and how its text is read."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from winback.instants import AFTER_LATEST, EARLIEST
from winback.money import NO_CURRENCY

DECIMALS = 9
"""Of a rate in the lake. Ten significant digits are left of a rate of 1, six of the smallest that is taken."""

_UNIT = Decimal(1).scaleb(-DECIMALS)
_SMALLEST, _TOO_LARGE = Decimal("0.0005"), Decimal(10) ** 9
_CODE = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}(?:[.][0-9]{0,30})?|[.][0-9]{1,30})(?:[eE][+-]?[0-9]{1,2})?")
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_NAMED_DAY = re.compile(r"([0-9]{1,2})[ -]([A-Za-z]{3})[ -]([0-9]{4}|[0-9]{2})")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_FIRST_SHORT_YEAR = 70

REASONS = {
    "day: missing": "is empty",
    "day: not a date": "is not a date: expected one such as 2026-11-20 or 20 Nov 2026",
    "day: out of range": "is out of range: expected a year from 1970 to 2200",
    "day: in the future": "is in the future",
    "currency: missing": "is empty",
    "currency: not a code": "is not an ISO 4217 code such as USD",
    "currency: its own base": "is its own base: expected two different currencies",
    "currency: unknown series": "is not a series of the Bank of England's daily spot rates into sterling",
    "base: missing": "is empty",
    "base: not a code": "is not an ISO 4217 code such as EUR",
    "rate: missing": "is empty",
    "rate: not a number": "is not a decimal number such as 1.0857",
    "rate: not positive": "is not above zero",
    "rate: out of range": "is out of range: expected less than 10^9 units for one of the base",
    "rate: too small": f"has too few digits in {DECIMALS} decimals: give it the other way round, base for currency",
    "rate: given twice": "line {line} has another rate for this day and currency: the first one counts",
    "row: wrong number of fields": "has another number of fields than the header",
    "row: broken quotes": "has broken quotes",
}
"""What is wrong -> a sentence about it."""


class Problem(ValueError):
    """A field that cannot be taken: its text is one of `REASONS`."""


@dataclass(frozen=True)
class Quote:
    """`rate` units of `currency` for one of `base` on `day`; above zero, of at most nine decimals, below 10^9."""

    day: date
    currency: str
    base: str
    rate: Decimal


def day_of(text: str) -> date:
    """From `2026-11-20` or, as the Bank of England writes, `20 Nov 2026` or `20 Nov 26` (1970 on). Raises Problem."""
    text = text.strip()
    if not text:
        raise Problem("day: missing")
    if iso := _ISO_DAY.fullmatch(text):
        year, month, number = (int(part) for part in iso.groups())
    elif (named := _NAMED_DAY.fullmatch(text)) and named[2].lower() in _MONTHS:
        year, month, number = int(named[3]), 1 + _MONTHS.index(named[2].lower()), int(named[1])
        if len(named[3]) == 2:
            year += 1900 if year >= _FIRST_SHORT_YEAR else 2000
    else:
        raise Problem("day: not a date")
    try:
        day = date(year, month, number)
    except ValueError:
        raise Problem("day: not a date") from None
    if not EARLIEST.date() <= day < AFTER_LATEST.date():
        raise Problem("day: out of range")
    return day


def code_of(field: str, text: str) -> str:
    """An ISO 4217 code, in capitals. Raises Problem; XXX, no currency, is none."""
    code = text.strip().upper()
    if not code:
        raise Problem(f"{field}: missing")
    if not _CODE.fullmatch(code) or code == NO_CURRENCY:
        raise Problem(f"{field}: not a code")
    return code


def rate_of(text: str) -> Decimal:
    """Rounded half up to nine decimals, which changes it by a millionth at most. Raises Problem."""
    text = text.strip()
    if not text:
        raise Problem("rate: missing")
    if not _NUMBER.fullmatch(text):
        raise Problem("rate: not a number")
    rate = Decimal(text)
    if rate <= 0:
        raise Problem("rate: not positive")
    if rate >= _TOO_LARGE - 1:
        raise Problem("rate: out of range")
    rounded = rate.quantize(_UNIT, ROUND_HALF_UP)
    if rate < _SMALLEST and rounded != rate:
        raise Problem("rate: too small")
    return rounded
