"""What one recipient's message is made of: brand, offer, products and link tags."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from winback.accounts import Account
from winback.accounts.brand import Brand, contrast_with_white
from winback.campaigns.message_values import Given, Person, message_values, utm_of
from winback.delivery.messages import OfferValues, Percent, Utm
from winback.instants import parse_instant
from winback.money import Money
from winback.offers.offer import Offer

ACCOUNT = Account.model_validate(
    {
        "account_id": "acme",
        "name": "Acme",
        "currency": "EUR",
        "time_zone": "Pacific/Auckland",
        "key_salt": "0" * 32,
        "sender": {"name": "Acme", "email": "shop@example.com", "postal_address": "1 Road"},
        "public_url": "https://go.acme.example",
        "locale": "de-AT",
        "brand": {"product_url": "https://acme.example/p/{sku}?a=1", "facts": {"phone": "+43 1 234"}},
    }
)
DAY = date(2026, 3, 26)
ROWS: list[dict[str, Any]] = [
    {"item": "Tea", "product": "T/1 &x", "kind": "popular", "rank": 1},
    {"item": "Cups", "kind": "repeat"},
]


def offer(**stated: Any) -> Offer:
    at = "2026-01-01T00:00:00Z"
    named = {"offer_id": "off-000000000001", "name": "Thanks", "currency": "EUR", "created_at": at, "updated_at": at}
    return Offer.model_validate({**named, **stated})


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        ({"kind": "percent", "value": 15, "cost": {"most_discount_minor": 900}}, Percent(15)),
        ({"kind": "amount", "value": 500, "minimum_order_minor": 2000}, Money(500, "EUR")),
        ({"kind": "free_shipping", "cost": {"fixed_minor": 490}}, None),
    ],
)
def test_an_offer_says_what_it_is_worth_in_figures_that_the_reader_s_locale_writes(
    stated: dict[str, Any], value: Any
) -> None:
    values = message_values(
        ACCOUNT,
        Person(),
        unsubscribe_url="https://go.acme.example/u/x",
        utm=None,
        given=Given(offer(**stated), "A-1", DAY),
        today=DAY,
    )
    assert values.offer == OfferValues("Thanks", value, "A-1", DAY)


def test_products_are_linked_by_the_brand_and_the_account_s_locale_and_facts_stand_in() -> None:
    person = Person(first_name="Ada", last_order_at=parse_instant("2026-03-01T20:00:00Z"))
    values = message_values(ACCOUNT, person, unsubscribe_url="https://u", utm=None, recommendations=ROWS, today=DAY)
    assert [(row["name"], row["url"], row["image_url"]) for row in values.recommendations] == [
        ("Tea", "https://acme.example/p/T%2F1%20%26x?a=1", None),
        ("Cups", None, None),
    ]
    assert (values.locale, values.store) == ("de-AT", {"phone": "+43 1 234"})
    assert values.last_order_on == date(2026, 3, 2)  # in the account's zone


def test_links_are_tagged_by_what_the_campaign_states_else_by_its_name(definition: Any) -> None:
    assert utm_of(definition(name="Come back, Frühling!"), "sms") == Utm("winback", "sms", "come-back-fr-hling")
    assert utm_of(definition(utm={"source": "crm", "campaign": "q1"}), "email") == Utm("crm", "email", "q1")


def test_a_brand_s_colour_can_be_read_on_white() -> None:
    assert contrast_with_white("#000000") == pytest.approx(21)
    assert contrast_with_white("#ffffff") == pytest.approx(1)
    assert contrast_with_white("#767676") == pytest.approx(4.54, abs=0.01)
    with pytest.raises(ValidationError, match=r"contrast of 1\.1 with white.*darker colour"):
        Brand(color="#ffff00")


@pytest.mark.parametrize("pattern", ["https://a.example/p", "http://a.example/{sku}", "https://a.example/{sku}/{id}"])
def test_a_product_s_address_says_where_its_sku_goes(pattern: str) -> None:
    with pytest.raises(ValidationError):
        Brand(product_url=pattern)
