"""How figures read on a page. A missing figure is a dash, never a zero."""

from decimal import ROUND_HALF_UP

from winback.money import NO_CURRENCY, Money, exponent

MISSING = "\N{EN DASH}"
_MINUS, _THIN = "\N{MINUS SIGN}", "\N{NARROW NO-BREAK SPACE}"


def count(number: int | None) -> str:
    """`1,234`."""
    return MISSING if number is None else _signed(f"{number:,}")


def percent(share: float | None, digits: int = 1) -> str:
    """A share of one as `12.3 %`."""
    return MISSING if share is None else _signed(f"{_unsigned_zero(share * 100, digits):.{digits}f}{_THIN}%")


def points(difference: float | None, digits: int = 1, *, sign: bool = True) -> str:
    """A difference of two shares in percentage points: `+1.2 pp`."""
    if difference is None:
        return MISSING
    value = _unsigned_zero(difference * 100, digits)
    return _signed(f"{value:{'+' if sign and value else ''}.{digits}f}{_THIN}pp")


def decimal(number: float | None, digits: int = 2) -> str:
    return MISSING if number is None else _signed(f"{_unsigned_zero(number, digits):,.{digits}f}")


def span(low: str, high: str) -> str:
    """`-1.9 to +3.1 pp`: two written figures, a unit that they share once."""
    number, gap, unit = low.partition(_THIN)
    return f"{number if gap and high.endswith(gap + unit) else low} to {high}"


def money(minor: int | None, currency: str) -> str:
    """Minor units as `1,234.50 EUR`; without a currency `1,234.50`."""
    return MISSING if minor is None else _signed(str(Money(minor, currency)).removesuffix(f" {NO_CURRENCY}"))


def whole_money(minor: int | None, currency: str) -> str:
    """Rounded to major units, for the rest says nothing in a total: `1,234 EUR`; without a currency `1,234`."""
    if minor is None:
        return MISSING
    whole = f"{Money(minor, currency).amount.quantize(1, ROUND_HALF_UP):,}"
    return _signed(whole if currency == NO_CURRENCY else f"{whole} {currency}")


def mean_money(minor: float | None, currency: str, *, sign: bool = False) -> str:
    """An average, in minor units with a fraction, rounded to the currency's own decimals: `12.34 EUR`."""
    if minor is None:
        return MISSING
    digits = exponent(currency)
    value = _unsigned_zero(minor / 10**digits, digits)
    unit = "" if currency == NO_CURRENCY else f"{_THIN}{currency}"
    return _signed(f"{value:{'+' if sign and value else ''},.{digits}f}{unit}")


def _signed(text: str) -> str:
    return text.replace("-", _MINUS)


def _unsigned_zero(value: float, digits: int) -> float:
    """Rounded as it will be shown, so that nothing reads as minus zero."""
    return round(value, digits) + 0.0
