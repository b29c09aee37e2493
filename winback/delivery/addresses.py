"""E-mail addresses: which are worth handing to the provider, and in which form."""

from functools import lru_cache


@lru_cache(maxsize=4096)
def deliverable_form(address: str) -> str | None:
    """The address as SES takes it, an international domain in its ASCII form; None when it cannot be delivered to.

    By syntax (RFC 5322, special-use domains refused); no network is asked. SES supports no characters beyond ASCII
    before the @: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html.
    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 (slow to load; planning needs it)

    try:
        return validate_email(address, check_deliverability=False, allow_smtputf8=False).ascii_email
    except EmailNotValidError:
        return None


def email_is_valid(address: str) -> bool:
    return deliverable_form(address) is not None
