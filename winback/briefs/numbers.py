"""Numbers with their units in free text: `£48.50`, `12k`, `1,200`, `60 %`, `20-25%`, `6 weeks`."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Unit = Literal["percent", "money", "days", "plain"]

_SYMBOLS = {"£": "GBP", "€": "EUR", "$": "USD"}
_WORDS = {"euro": "EUR", "euros": "EUR", "pounds": "GBP", "dollars": "USD", "rmb": "CNY", "yuan": "CNY", "yen": "JPY"}
_CODES = (
    "EUR",
    "USD",
    "GBP",
    "CNY",
    "JPY",
    "CHF",
    "SEK",
    "NOK",
    "DKK",
    "PLN",
    "CZK",
    "CAD",
    "AUD",
    "NZD",
    "SGD",
    "HKD",
)
_DAYS = {"day": Decimal(1), "week": Decimal(7), "month": Decimal("30.4375"), "year": Decimal("365.25")}
_TIMES = {"k": 1000, "thousand": 1000, "m": 10**6, "mn": 10**6, "million": 10**6}
_MONEY = rf"[£€$]|(?:{'|'.join(_CODES)})(?![a-z])"
_NUMBER = re.compile(
    rf"""(?ix)
    (?P<before>{_MONEY})?\s?
    (?<![\w.,])(?P<number>\d{{1,12}}(?:[ ,]\d{{3}})*(?:[.,]\d{{1,4}})?)(?!\d)
    (?P<times>\s?(?:k|mn|million|thousand|m)\b)?
    (?:\s?(?P<after>%|percent\b|per\ cent\b|pct\b|{_MONEY}|(?:euros?|pounds|dollars|rmb|yuan|yen)\b
        |[-]?(?:days?|weeks?|months?|years?|yrs?)\b))?
    """
)
_RANGE = re.compile(r"^\s*(?:-|\u2013|to|and)\s*$", re.IGNORECASE)
_BETWEEN = re.compile(r"(?i)\bbetween\s+([^\s]+)\s+and\s+(?=[£€$]?\d)")


@dataclass(frozen=True)
class Quantity:
    """`value` in the unit's own terms: percent of one hundred, major units, days. Of a range it is the middle."""

    value: Decimal
    unit: Unit
    start: int
    end: int
    currency: str | None = None
    of_range: tuple[Decimal, Decimal] | None = None


def join_ranges(text: str) -> str:
    """`between 20 and 25 %` as `20 to 25 %`, so that no list is seen in it."""
    return _BETWEEN.sub(r"\1 to ", text)


def quantities_in(text: str) -> list[Quantity]:
    """In the order of the text."""
    found: list[Quantity] = []
    for match in _NUMBER.finditer(text):
        quantity = _quantity(match)
        if found and _RANGE.match(text[found[-1].end : quantity.start]) and found[-1].of_range is None:
            joined = _joined(found[-1], quantity)
            if joined is not None:
                found[-1] = joined
                continue
        found.append(quantity)
    return found


def _joined(low: Quantity, high: Quantity) -> Quantity | None:
    if low.unit not in ("plain", high.unit) or low.value > high.value:
        return None
    first = low.value * (_per_unit(high) if low.unit == "plain" else 1)
    if first > high.value:
        return None
    middle = (first + high.value) / 2
    return Quantity(middle, high.unit, low.start, high.end, high.currency or low.currency, (first, high.value))


def _per_unit(quantity: Quantity) -> Decimal:
    """What the first number of `2-3 months` has to be multiplied by: its unit stands behind the second."""
    return quantity.value / quantity.stated if isinstance(quantity, _Stated) and quantity.stated else Decimal(1)


@dataclass(frozen=True)
class _Stated(Quantity):
    stated: Decimal = Decimal(0)


def _quantity(match: re.Match[str]) -> Quantity:
    stated = _plain(match["number"])
    value = stated * _TIMES.get((match["times"] or "").strip().lower(), 1)
    after = (match["after"] or "").strip().lower().lstrip("-")
    currency = next((code for code in map(_currency, (match["before"], after)) if code), None)
    unit: Unit = "plain"
    if after.startswith(("%", "p")) and not currency:
        unit = "percent"
    elif currency:
        unit = "money"
    elif after:
        unit = "days"
        value *= next(days for name, days in _DAYS.items() if after.startswith((name, name[:1] + "r")))
    start = match.start("before") if match["before"] else match.start("number")
    return _Stated(value, unit, start, match.end(), currency, None, stated)


def _currency(word: str | None) -> str | None:
    if not word:
        return None
    return _SYMBOLS.get(word) or _WORDS.get(word.lower()) or (word.upper() if word.upper() in _CODES else None)


def _plain(number: str) -> Decimal:
    """A comma or a space before three digits groups; before one or two at the end a comma is a decimal point."""
    if re.search(r",\d{1,2}$", number) and "." not in number:
        whole, _, rest = number.rpartition(",")
        return Decimal(f"{re.sub('[ ,]', '', whole)}.{rest}")
    return Decimal(re.sub("[ ,]", "", number))
