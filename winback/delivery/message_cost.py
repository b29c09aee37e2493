"""What handing one message over costs at list price, in hundredths of a US cent, rounded up.

A budget in money counts by it, and a dry run forecasts by it, so it never says too little: a text to a country without
a stated price counts at the account's most for a part. A webhook and a call cost what lies behind them, which is not
known.
"""

from decimal import ROUND_CEILING, Decimal

from winback.accounts.channels import ChannelName, SmsSettings
from winback.costs.prices import price
from winback.delivery.channels import Outgoing
from winback.delivery.channels.phone import country_of
from winback.delivery.channels.sms_parts import measure
from winback.delivery.messages.values import EmailMessage, PushMessage, SmsMessage

CURRENCY = "USD"  # of the price table, and of texts' prices
HUNDREDTHS = 10_000  # of a cent, in a dollar
LISTED = {ChannelName.EMAIL: "ses_email", ChannelName.PUSH: "sns_push"}
"""Channels whose provider has one price for a message."""


def cost_in_hundredths(outgoing: Outgoing) -> int:
    match outgoing.message:
        case EmailMessage():
            return listed_hundredths(ChannelName.EMAIL)
        case PushMessage():
            return listed_hundredths(ChannelName.PUSH)
        case SmsMessage():
            return text_hundredths(outgoing.account.channels.sms, *country_and_parts(outgoing))
        case _:
            return 0


def country_and_parts(text: Outgoing) -> tuple[str | None, int]:
    """What decides a text's price: the country of the number, whatever the profile says, and the parts."""
    if not isinstance(text.message, SmsMessage):
        raise TypeError("a message of another channel was measured as a text")
    return country_of(text.to), max(measure(text.message.text).parts, 1)


def part_price(sms: SmsSettings, country: str | None) -> Decimal:
    """Of one part of a text, in US dollars: the account's for the country, else its most."""
    return sms.prices.get(country or "", Decimal(sms.max_price_cents) / 100)


def text_hundredths(sms: SmsSettings, country: str | None, parts: int) -> int:
    return _rounded_up(part_price(sms, country) * parts)


def listed_hundredths(channel: ChannelName) -> int:
    """0 of a channel without a list price."""
    return _rounded_up(price(LISTED[channel]).of(1)) if channel in LISTED else 0


def _rounded_up(dollars: Decimal) -> int:
    return int((dollars * HUNDREDTHS).to_integral_value(ROUND_CEILING))
