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


# Mailboxes of a role rather than a person (RFC 2142, and what senders' guidelines add to it). A win-back message is
# addressed to one person who agreed to it; behind these several may read, and their complaints weigh on the domain.
ROLE_NAMES = frozenset(
    (
        "abuse",
        "admin",
        "administrator",
        "billing",
        "compliance",
        "contact",
        "devnull",
        "dns",
        "ftp",
        "help",
        "hostmaster",
        "info",
        "list",
        "list-request",
        "mailer-daemon",
        "marketing",
        "news",
        "no-reply",
        "noc",
        "noreply",
        "null",
        "office",
        "postmaster",
        "privacy",
        "root",
        "sales",
        "security",
        "spam",
        "support",
        "sysadmin",
        "undisclosed-recipients",
        "unsubscribe",
        "usenet",
        "uucp",
        "webmaster",
        "www",
    )
)


def is_role_address(address: str) -> bool:
    """Whether the part before the @ names a role; a tag after + does not count (`info+shop@`)."""
    return address.strip().rpartition("@")[0].partition("+")[0].lower() in ROLE_NAMES
