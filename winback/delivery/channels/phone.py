"""Telephone numbers: which can be dialled or texted, and in which form."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=4096)
def dialled_form(number: str, country: str | None, *, texted: bool = False) -> str | None:
    """E.164, such as +4930123456; None when it is no valid number, or none that texts reach (`texted`).

    A number without + and country code is read as one of `country` (ISO 3166-1 alpha-2). By the numbering plans of
    the phonenumbers library; no network is asked.
    """
    import phonenumbers  # noqa: PLC0415 (slow to load)

    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    if texted and phonenumbers.number_type(parsed) not in (
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
        phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
    ):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def phone_of(profile: Mapping[str, Any]) -> str | None:
    """As providers and answers name it, so that suppressions of either meet: stores write +49 (0)151 23456789, which is
    imported as +49015123456789. A number that is none stays as it is."""
    number = profile.get("phone")
    return (dialled_form(number, profile.get("country")) or number) if number else None


def country_of(number: str) -> str | None:
    """The country (ISO 3166-1 alpha-2) that a number in E.164 belongs to."""
    import phonenumbers  # noqa: PLC0415

    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return None
