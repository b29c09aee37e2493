"""Made-up customers on whom templates are tried and shown: what is known of them differs as much as it does in life."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from winback.delivery.messages.values import PRODUCT, MessageValues, OfferValues, Percent

UNSUBSCRIBE_LINK = "https://mail.example.com/u/sample"


def product(name: str, **known: Any) -> Mapping[str, Any]:
    """One of the `recommendations`: every name of PRODUCT, None where nothing is known."""
    return {**dict.fromkeys(PRODUCT), "item": name, "name": name, **known}


_RECOMMENDED = (
    product("Coffee beans", kind="repeat", purchases=4, usual_days=30, days_since=41, due="overdue"),
    product("Paper filters", kind="together", with_item="Coffee beans", url="https://shop.example.com/p/filters"),
    product("Stoneware cups", kind="popular", url="https://shop.example.com/p/cups"),
)
_LONG = "Wolfeschlegelsteinhausenbergerdorff"

SAMPLES: Mapping[str, MessageValues] = {
    "nothing-known": MessageValues("Fjord & Sons", "1 Harbour Street, 5003 Bergen", UNSUBSCRIBE_LINK),
    "all-known": MessageValues(
        "Fjord & Sons",
        "1 Harbour Street, 5003 Bergen",
        UNSUBSCRIBE_LINK,
        shop_url="https://shop.example.com",
        first_name="Ada",
        last_name="Lovelace",
        country="GB",
        last_order_on=date(2026, 3, 3),
        locale="en-GB",
        offer=OfferValues("A thank-you for coming back", Percent(15), "FJORD-7K2M-9QXD", date(2026, 12, 31)),
        recommendations=_RECOMMENDED,
    ),
    "long-names": MessageValues(
        "The Very Long Established Norwegian Harbour Trading Company",
        "Suite 1204, The Old Customs House, 1 Harbour Street, 5003 Bergen, Vestland, Norway",
        UNSUBSCRIBE_LINK,
        shop_url="https://shop.example.com",
        first_name=f"{_LONG} {_LONG}",
        last_name=_LONG,
        locale="en",
        offer=OfferValues(
            "A box of the season's best, chosen by the people who roast it, with a handwritten card",
            "Worth twelve ordinary bags",
            "THE-LONGEST-CODE-THAT-ANY-SHOP-EVER-PRINTED-0001",
            date(2026, 12, 31),
        ),
        recommendations=tuple(product(f"{_LONG} {number}", kind="popular") for number in range(5)),
    ),
    "other-scripts": MessageValues(
        "متجر الميناء 🌊",
        "شارع الميناء، بيرغن",
        UNSUBSCRIBE_LINK,
        shop_url="https://shop.example.com",
        first_name="ליאת 🌸",
        last_name="כהן",
        locale="ar-EG",
        offer=OfferValues("هدية صغيرة 🎁", "مجاني", "FJORD-7K2M-9QXD", date(2026, 12, 31)),
        recommendations=(product("قهوة ☕", kind="popular"),),
    ),
}
