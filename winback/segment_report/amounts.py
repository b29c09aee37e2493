"""How the report writes customers and money: in the account's currency, a hidden row as such."""

from winback.money import NO_CURRENCY, Money
from winback.pages.figures import MISSING, count, money, percent
from winback.segmentation.totals import Figures

FEW = "few"
"""Stands for figures of so few customers that they are not shown."""


class Amounts:
    def __init__(self, currency: str) -> None:
        self.currency = "" if currency == NO_CURRENCY else currency
        self._code = currency

    @property
    def unit(self) -> str:
        """What a heading adds when its figures leave the currency out."""
        return f", {self.currency}" if self.currency else ""

    def exact(self, minor: int) -> str:
        return money(minor, self._code).removesuffix(f" {NO_CURRENCY}")

    def whole(self, minor: int | None) -> str:
        """Major units without decimals; cents say nothing in a total."""
        if minor is None:
            return MISSING
        return f"{Money(minor, self._code).amount.to_integral_value():,}".replace("-", "\N{MINUS SIGN}")

    def rounded(self, minor: float, digits: int = 3) -> str:
        """Major units in a few characters, for a scale: `850`, `62 k`, `1.22 M`."""
        major = float(Money(round(minor), self._code).amount)
        for size, letter in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
            if abs(major) >= size:
                return f"{major / size:.{digits}g} {letter}".replace("-", "\N{MINUS SIGN}")
        return f"{float(f'{major:.{digits}g}'):g}".replace("-", "\N{MINUS SIGN}")

    def short(self, minor: int) -> str:
        return f"{self.whole(minor)} {self.currency}".strip()


def customers(row: Figures) -> str:
    return FEW if row.hidden else count(row.customers)


def value(row: Figures, amounts: Amounts) -> str:
    return FEW if row.hidden else amounts.whole(row.net_minor)


def average(row: Figures, amounts: Amounts) -> str:
    return FEW if row.hidden else amounts.whole(row.average_net_minor)


def share_of(row: Figures, whole: Figures) -> str:
    if row.hidden or whole.hidden:
        return FEW
    return percent(row.customers / whole.customers if whole.customers else None)


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
