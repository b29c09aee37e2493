from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from winback.offers.exposure import ExposureTally, exposure
from winback.offers.offer import NewOffer, Offer
from winback.offers.pool import PoolState
from winback.offers.terms import Barred, Customer, barred, redeemed_minor, redemption_rate, worst_minor

ID = "off-000000000001"
PERCENT = {"kind": "percent", "value": 10, "cost": {"most_discount_minor": 2_000}}
AMOUNT = {"kind": "amount", "value": 500, "minimum_order_minor": 3_000}
GIFT = {"kind": "gift", "cost": {"fixed_minor": 350}}
ANYBODY = Customer("Slipping VIPs", "VIP", 20_000, 4_000, 0.5, frozenset({ID}))


def offer(**changes: Any) -> Offer:
    stated = {"name": "Come back", "currency": "EUR", "offer_id": ID, "created_at": "x", "updated_at": "x", **changes}
    return Offer.model_validate(stated)


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        ({**PERCENT, "value": 101}, "expected 1 to 100"),
        ({"kind": "percent", "value": 10}, "most_discount_minor is missing"),
        ({"kind": "amount"}, "comes with a value"),
        ({**AMOUNT, "minimum_order_minor": 100}, "below the amount off: expected at least 500"),
        ({**GIFT, "value": 5}, "comes with no value"),
        ({"kind": "gift"}, "expected what an offer of kind gift costs"),
        ({**AMOUNT, "cost": {"most_discount_minor": 5}}, "expected it of a percentage only"),
        ({**GIFT, "codes": "shared"}, "shared_code is given with codes 'shared'"),
        ({**GIFT, "code_prefix": "BACK-"}, "expected it with codes 'generated' only"),
        ({**GIFT, "valid_from": "2026-02-02", "valid_until": "2026-02-01"}, "expected the same day or later"),
        ({**GIFT, "redemption": {"given": 5}}, "come together"),
        ({**GIFT, "redemption": {"given": 5, "redeemed": 6}}, "6 redeemed of 5 given"),
        ({**GIFT, "redemption": {"assumed": 0.5}}, "outside its range"),
        ({**GIFT, "eligibility": {"condition": {"slice": "slc-000000000001"}}}, "no saved slice"),
        ({**GIFT, "currency": "euro"}, "currency"),
    ],
)
def test_an_offer_that_cannot_be_meant_is_refused_with_what_would_be_right(stated: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        NewOffer.model_validate({"name": "Come back", "currency": "EUR", **stated})


@given(st.sampled_from([PERCENT, AMOUNT, GIFT]), st.integers(0, 10_000_000))
def test_no_redemption_costs_more_than_the_worst_case(kind: dict[str, Any], price: int) -> None:
    assert 0 <= redeemed_minor(offer(**kind), price) <= worst_minor(offer(**kind))


def test_a_percentage_costs_its_part_of_a_typical_purchase_up_to_the_shops_cap() -> None:
    ten = offer(**PERCENT)
    assert [redeemed_minor(ten, price) for price in (4_001, 19_990, 50_000)] == [401, 1_999, 2_000]
    assert worst_minor(ten) == 2_000
    assert redeemed_minor(offer(**AMOUNT), 1_000) == 500  # who redeems it orders for as much as it takes
    assert worst_minor(offer(**{**AMOUNT, "cost": {"fixed_minor": 30}})) == 530


def test_who_an_offer_is_not_for_does_not_get_it() -> None:
    terms = offer(**GIFT, eligibility={"segments": ["Slipping VIPs"], "value_tiers": ["VIP"], "minimum_value_minor": 1})
    assert barred(terms, ANYBODY) is None
    for other in ({"segment": "Loyal"}, {"value_tier": "Mass"}, {"net_minor": 0}, {"conditions": frozenset[str]()}):
        assert barred(terms, replace(ANYBODY, **other)) is Barred.NOT_ELIGIBLE


def test_the_minimum_margin_holds_on_a_typical_purchase() -> None:
    # 10 % of 40.00 leaves 36.00 paid and 16.00 of the 20.00 margin: 44 % of what is paid.
    assert barred(offer(**PERCENT, minimum_margin=0.44), ANYBODY) is None
    assert barred(offer(**PERCENT, minimum_margin=0.45), ANYBODY) is Barred.TOO_LITTLE_MARGIN
    unknown = replace(ANYBODY, margin_share=None)
    assert barred(offer(**PERCENT, minimum_margin=0.1), unknown) is Barred.UNKNOWN_MARGIN
    assert barred(offer(**PERCENT, minimum_margin=0.1, assumed_margin=0.3), unknown) is None
    assert barred(offer(**PERCENT), unknown) is None


def test_an_offer_ends_with_the_customers_own_days_or_with_the_offers() -> None:
    berlin, sent = ZoneInfo("Europe/Berlin"), datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    assert offer(**GIFT).valid_until_for(sent, berlin) is None
    assert offer(**GIFT, valid_days=7).valid_until_for(sent, berlin) == date(2026, 11, 29)
    both = offer(**GIFT, valid_days=7, valid_until="2026-11-25")
    assert both.valid_until_for(sent, berlin) == date(2026, 11, 25)
    assert both.is_valid_on(date(2026, 11, 25))
    assert not both.is_valid_on(date(2026, 11, 26))


def test_exposure_is_the_worst_case_and_what_redemption_makes_likely_marked_by_its_source() -> None:
    ten, gift = offer(**PERCENT), offer(**GIFT, offer_id="off-000000000002", redemption={"given": 400, "redeemed": 40})
    rows = [
        {"customer_key": str(number), "offer_id": ID, "spend_minor": 2_000, "cost_minor": 400} for number in range(100)
    ]
    rows += [
        {"customer_key": "a", "offer_id": "off-000000000002", "spend_minor": 350, "cost_minor": 350},
        {"customer_key": "b", "offer_id": None, "spend_minor": 0, "cost_minor": 0},
    ]
    tally = ExposureTally()
    tally.add(rows[:50])
    tally.add(rows[50:])
    found = exposure(tally, (ten, gift), 200_000, {ID: PoolState(given=0, left=99)})
    assert found["worst_minor"] == 200_350
    assert not found["within_budget"]
    assert found["customers"] == 101
    assert found["without_offer"] == 1
    first, second = found["offers"]
    assert first["expected_minor"] == {"value": 2_000, "low": 400, "high": 6_000}  # 5 % of 400.00, 1 to 15 %
    assert (first["redemption"]["source"], second["redemption"]["source"]) == ("assumed", "measured")
    assert first["codes"] == {"needed": 100, "left": 99, "enough": False}
    rate = redemption_rate(gift)
    assert rate.low < rate.rate == 0.1 < rate.high
    some = ExposureTally()
    some.add(rows, among={"a", "b"})
    assert exposure(some, (ten, gift), 200_000, {})["worst_minor"] == 350
