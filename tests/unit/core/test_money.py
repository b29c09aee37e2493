from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.money import Money


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_major_units_and_back_lose_nothing(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.of(money.amount, currency) == money


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.30", "EUR", 1230),
        ("12", "JPY", 12),
        ("1.234", "KWD", 1234),
        ("0.1234", "CLF", 1234),
        ("0.1234", "UYW", 1234),
    ],
)
def test_each_currency_has_its_own_minor_unit(amount: str, currency: str, minor: int) -> None:
    assert Money.of(Decimal(amount), currency).minor == minor


def test_more_decimals_than_the_currency_has_are_refused() -> None:
    with pytest.raises(ValueError, match="more decimals than JPY allows"):
        Money.of("0.5", "JPY")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot mix EUR and USD"):
        Money(1, "EUR") + Money(1, "USD")
