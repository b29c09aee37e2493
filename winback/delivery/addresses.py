"""E-mail addresses: which are worth handing to the provider."""

from functools import lru_cache


@lru_cache(maxsize=4096)
def email_is_valid(address: str) -> bool:
    """By syntax (RFC 5322 and 6531, special-use domains refused); no network is asked."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 (slow to load; planning needs it)

    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True
