"""Dates, amounts and shares as readers of a locale write them, by the CLDR."""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from winback.money import Money, exponent

if TYPE_CHECKING:
    from babel import Locale  # it loads slowly, so each function imports what it needs: most messages need nothing

_FALLBACK = "en"


def format_locale(locale: str, language: str) -> str:
    """In which locale a message of `language` writes its figures: the reader's region counts where the language fits.

    A reader in de-AT of a message in German reads dates as in Austria; of one in English, as in English.
    """
    same = locale.replace("_", "-").partition("-")[0].casefold() == language.partition("-")[0].casefold()
    return locale if same else language


@lru_cache(maxsize=1024)
def date_text(day: date, locale: str) -> str:
    """The day in words, without its weekday: 3 March 2026, 3. März 2026, March 3, 2026."""
    from babel.dates import format_date  # noqa: PLC0415

    return format_date(day, "long", locale=_babel(locale))


@lru_cache(maxsize=1024)
def money_text(money: Money, locale: str) -> str:
    """With the currency's own sign where the locale knows one; whole amounts without decimals: 10 €, €12.50."""
    from babel.numbers import format_currency  # noqa: PLC0415

    whole = money.amount == money.amount.to_integral_value()
    decimals = 0 if whole else exponent(money.currency)
    return format_currency(
        money.amount,
        money.currency,
        format=_with_decimals(locale, decimals),
        locale=_babel(locale),
        currency_digits=False,
    )


@lru_cache(maxsize=1024)
def percent_text(points: Decimal | int, locale: str) -> str:
    """15 as 15%, 15 % or as the locale writes it; at most two decimals."""
    from babel.numbers import format_percent  # noqa: PLC0415

    return format_percent(Decimal(points) / 100, format=_percent_pattern(locale), locale=_babel(locale))


@lru_cache(maxsize=256)
def _babel(locale: str) -> "Locale":
    """The nearest locale that the CLDR knows: of de-XX it is de, of what it never heard of English."""
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415

    tag = locale.replace("-", "_")
    while tag:
        try:
            return Locale.parse(tag)
        except (UnknownLocaleError, ValueError):
            tag = tag.rpartition("_")[0]
    return Locale.parse(_FALLBACK)


@lru_cache(maxsize=256)
def _with_decimals(locale: str, decimals: int) -> str:
    pattern: str = _babel(locale).currency_formats["standard"].pattern
    return pattern.replace("0.00", "0" + ("." + "0" * decimals if decimals else ""))


@lru_cache(maxsize=256)
def _percent_pattern(locale: str) -> str:
    pattern: str = _babel(locale).percent_formats[None].pattern
    return pattern.replace("0", "0.##", 1) if "." not in pattern else pattern
