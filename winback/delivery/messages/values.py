"""What a template may name, and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from winback.money import Money


@dataclass(frozen=True)
class Percent:
    """A share as people say it: 15 reads "15%", and "15 %" where it is written so."""

    points: Decimal | int


@dataclass(frozen=True)
class OfferValues:
    """The offer that a message carries. `value` is what it is worth; words are shown as they are."""

    name: str
    value: Percent | Money | str | None = None
    code: str | None = None
    valid_until: date | None = None  # the last day on which it counts


@dataclass(frozen=True)
class Utm:
    """Tags that a shop's analytics reads off a link (utm_source, utm_medium, utm_campaign)."""

    source: str
    medium: str
    campaign: str


@dataclass(frozen=True)
class MessageValues:
    """One recipient's values. What is None renders as nothing, so templates write `| default: "there"`.

    `recommendations`: rows of winback.recommendations.reading.template_values. `store`: facts that a template names as
    `store.<name>`. `variants`: the recipient's variant of each experiment, as `variants.<experiment>`. `locale` is how
    dates, amounts and shares are written, as of BCP 47 (de-AT). `utm` tags the links to `shop_url`'s host.
    `two_way`: whether an SMS can be answered with STOP; else it carries the unsubscribe link.
    """

    shop_name: str
    postal_address: str
    unsubscribe_url: str
    shop_url: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    country: str | None = None
    locale: str = "en"
    offer: OfferValues | None = None
    recommendations: tuple[Mapping[str, Any], ...] = ()
    store: Mapping[str, Any] = field(default_factory=dict)
    variants: Mapping[str, str] = field(default_factory=dict)
    color: str = "#1f6f54"
    logo_url: str | None = None
    utm: Utm | None = None
    two_way: bool = True

    def as_liquid(self) -> dict[str, object]:
        return {
            "customer": {"first_name": self.first_name, "last_name": self.last_name, "country": self.country},
            "shop": {"name": self.shop_name, "url": self.shop_url, "postal_address": self.postal_address},
            "unsubscribe_url": self.unsubscribe_url,
        }


# Every variable that a template may use, as it is written in Liquid.
VARIABLES = frozenset(
    {
        "customer.first_name",
        "customer.last_name",
        "customer.country",
        "shop.name",
        "shop.url",
        "shop.postal_address",
        "unsubscribe_url",
    }
)


@dataclass(frozen=True)
class EmailMessage:
    """Ready for the provider. The subject is one line."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class SmsMessage:
    """One text; how many parts it takes is the channel's to count."""

    text: str


@dataclass(frozen=True)
class PushMessage:
    """`link` is where the app goes when it is touched: the shop, tagged; None without a shop's address."""

    title: str
    body: str
    link: str | None


@dataclass(frozen=True)
class DataMessage:
    """For a webhook or a call list: named texts. A call's is `script`, beside the facts that it rests on."""

    fields: Mapping[str, str]


Message = EmailMessage | SmsMessage | PushMessage | DataMessage


class RenderingFailed(RuntimeError):
    """The template gave no sendable message for some values."""
