"""What a campaign's message says to one recipient: the account's brand, the offer and the products, as values."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from winback.accounts import Account
from winback.accounts.brand import Brand
from winback.campaigns.definition import CampaignDefinition
from winback.delivery.messages.values import MessageValues, OfferValues, Percent, Utm
from winback.money import Money
from winback.offers.offer import Offer, OfferKind
from winback.recommendations.reading import template_values

UTM_SOURCE = "winback"
_NO_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Person:
    """What is known of the recipient; `locale` by BCP 47."""

    first_name: str | None = None
    last_name: str | None = None
    country: str | None = None
    locale: str | None = None
    last_order_at: datetime | None = None


@dataclass(frozen=True)
class Given:
    """The offer that one customer gets, its code, and the last day on which it counts for them."""

    offer: Offer
    code: str | None
    valid_until: date | None


def message_values(
    account: Account,
    person: Person,
    *,
    unsubscribe_url: str,
    utm: Utm | None,
    given: Given | None = None,
    recommendations: Iterable[Mapping[str, Any]] = (),
    variants: Mapping[str, str] | None = None,
    today: date,
) -> MessageValues:
    """`recommendations`: rows of a snapshot, as winback.recommendations.reading gives them. `today` in the account's
    zone."""
    ordered_at = person.last_order_at
    return MessageValues(
        shop_name=account.name,
        postal_address=account.sender.postal_address,
        unsubscribe_url=unsubscribe_url,
        shop_url=account.website,
        first_name=person.first_name,
        last_name=person.last_name,
        country=person.country,
        last_order_on=ordered_at.astimezone(account.zone).date() if ordered_at is not None else None,
        locale=person.locale or account.locale,
        offer=None if given is None else offer_values(given),
        recommendations=tuple(_product(row, account.brand) for row in template_values(recommendations, today)),
        store=account.brand.facts,
        variants=variants or {},
        color=account.brand.color,
        logo_url=account.brand.logo_url,
        utm=utm,
        two_way=account.channels.sms.answerable,
    )


def offer_values(given: Given) -> OfferValues:
    offer = given.offer
    value: Percent | Money | None = None
    if offer.kind is OfferKind.PERCENT and offer.value is not None:
        value = Percent(offer.value)
    elif offer.kind is OfferKind.AMOUNT and offer.value is not None:
        value = Money(offer.value, offer.currency)
    return OfferValues(offer.name, value, given.code, given.valid_until)


def utm_of(definition: CampaignDefinition, channel: str) -> Utm:
    """What the definition states; else the product's name, the channel and the campaign's name as a slug."""
    stated = definition.utm
    campaign = (stated.campaign if stated is not None else None) or _slug(definition.name)
    if stated is None:
        return Utm(UTM_SOURCE, str(channel), campaign)
    return Utm(stated.source or UTM_SOURCE, stated.medium or str(channel), campaign)


@lru_cache(maxsize=256)
def _slug(name: str) -> str:
    return _NO_SLUG.sub("-", name.casefold()).strip("-")[:60].strip("-") or "campaign"


def _product(row: Mapping[str, Any], brand: Brand) -> dict[str, Any]:
    """The item by the shop's own word for it; its page and picture where the brand says where they lie."""
    sku = row.get("product")
    return {
        **row,
        "name": row["item"],
        "url": _address(brand.product_url, sku),
        "image_url": _address(brand.product_image_url, sku),
    }


def _address(pattern: str | None, sku: str | None) -> str | None:
    return pattern.replace("{sku}", quote(sku, safe="")) if pattern and sku else None
