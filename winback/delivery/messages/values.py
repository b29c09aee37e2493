"""What a template may name, and what comes out of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from winback.delivery.messages.locales import date_text, format_locale, money_text, percent_text
from winback.delivery.messages.words import words, words_in
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


class Utm(NamedTuple):
    """Tags that a shop's analytics reads off a link (utm_source, utm_medium, utm_campaign)."""

    source: str
    medium: str
    campaign: str


@dataclass(frozen=True)
class MessageValues:
    """One recipient's values. What is None renders as nothing, so templates write `| default: "there"`.

    `recommendations`: rows with the names of PRODUCT. `store`: facts of the account's own, as `store.<name>`.
    `variants`: the recipient's variant of each experiment, as `variants.<experiment>`. `locale` is the recipient's, by
    BCP 47 (de-AT). `utm` tags the links to `shop_url`'s host. `two_way`: an SMS can be answered with STOP; else it
    carries the unsubscribe link.
    """

    shop_name: str
    postal_address: str
    unsubscribe_url: str
    shop_url: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    country: str | None = None
    last_order_on: date | None = None
    locale: str = "en"
    offer: OfferValues | None = None
    recommendations: tuple[Mapping[str, Any], ...] = ()
    store: Mapping[str, Any] = field(default_factory=dict)
    variants: Mapping[str, str] = field(default_factory=dict)
    color: str = "#1f6f54"
    logo_url: str | None = None
    utm: Utm | None = None
    two_way: bool = True

    def as_liquid(self, language: str = "en") -> dict[str, Any]:
        """The tokens, figures as a reader of the message's language and the recipient's region writes them."""
        locale = format_locale(self.locale, language)
        return {
            "customer": {
                "first_name": self.first_name,
                "last_name": self.last_name,
                "country": self.country,
                "last_order_on": _shown(self.last_order_on, locale),
            },
            "shop": {
                "name": self.shop_name,
                "url": self.shop_url,
                "postal_address": self.postal_address,
                "color": self.color,
                "logo_url": self.logo_url,
            },
            "offer": _NOTHING if self.offer is None else _offer(self.offer, locale),
            "recommendations": _products(self.recommendations, language) if self.recommendations else (),
            "store": _Named({name: _shown(value, locale) for name, value in self.store.items()}),
            "variants": _Named(self.variants),
            "unsubscribe_url": self.unsubscribe_url,
        }


class _Named(dict[str, Any]):
    """Names that are not there are nothing: which facts there are, and which experiments, differs by account."""

    def __missing__(self, name: str) -> None:
        return None


class _Nothing(_Named):
    """What is not there, of which a template may still ask: `{% if offer.code %}`."""

    def __liquid__(self) -> bool:
        return False


_NOTHING = _Nothing()


def _offer(offer: OfferValues, locale: str) -> dict[str, object]:
    return {
        "name": offer.name,
        "value": _shown(offer.value, locale),
        "code": offer.code,
        "valid_until": _shown(offer.valid_until, locale),
    }


def _products(rows: Iterable[Mapping[str, Any]], language: str) -> list[dict[str, Any]]:
    """Each with `note`: why it is shown, in the message's language."""
    own = words_in(language) or words()["en"]
    return [{**row, "note": _note(row, own)} for row in rows]


def _note(row: Mapping[str, Any], own: Mapping[str, str]) -> str | None:
    if row.get("kind") == "repeat":
        return own["repeat"]
    return own["together"].replace("{item}", str(row["with_item"])) if row.get("with_item") else None


def _shown(value: Any, locale: str) -> Any:
    match value:
        case Percent(points):
            return percent_text(points, locale)
        case Money():
            return money_text(value, locale)
        case date():
            return date_text(value, locale)
    return value


ANY = ("*",)
TOKENS: Mapping[str, tuple[str, ...]] = {
    "customer": ("first_name", "last_name", "country", "last_order_on"),
    "shop": ("name", "url", "postal_address", "color", "logo_url"),
    "offer": ("name", "value", "code", "valid_until"),
    "recommendations": (),
    "store": ANY,
    "variants": ANY,
    "unsubscribe_url": (),
}
"""Every name that a template may use. Under `store` and `variants` stand names of the account's own (ANY)."""
OPT_OUT = "opt_out"
"""In an SMS only: how to hear no more, in the words of its language."""
PRODUCT = (
    *("item", "product", "name", "url", "image_url", "kind", "note"),
    *("purchases", "with_item", "usual_days", "days_since", "due"),
)
"""What is known of each of the `recommendations`, or nothing."""


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
