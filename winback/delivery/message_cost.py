"""What handing one message over costs at list price, in hundredths of a US cent, rounded up.

A budget in money counts by it, so it never says too little: a text to a country without a stated price counts at the
account's most for a part. A webhook and a call cost what lies behind them, which is not known.
"""

from decimal import ROUND_CEILING, Decimal

from winback.costs.prices import price
from winback.delivery.channels import Outgoing
from winback.delivery.channels.phone import country_of
from winback.delivery.channels.sms_parts import measure
from winback.delivery.messages.values import EmailMessage, PushMessage, SmsMessage

CURRENCY = "USD"  # of the price table, and of texts' prices
_HUNDREDTHS = 10_000  # of a cent, in a dollar


def cost_in_hundredths(outgoing: Outgoing) -> int:
    match outgoing.message:
        case EmailMessage():
            dollars = price("ses_email").of(1)
        case PushMessage():
            dollars = price("sns_push").of(1)
        case SmsMessage(text):
            settings = outgoing.account.channels.sms
            ceiling = Decimal(settings.max_price_cents) / 100
            part = settings.prices.get(country_of(outgoing.to) or "", ceiling)
            dollars = part * max(measure(text).parts, 1)
        case _:
            return 0
    return int((dollars * _HUNDREDTHS).to_integral_value(ROUND_CEILING))
