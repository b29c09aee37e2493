"""Which codes of a launch's offers orders name, and what that cost."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.analytics.conftest import DAY, START, Story
from winback.analytics.database import Limits, Sources, connect, load
from winback.analytics.launch_page import launch_page
from winback.analytics.report import LaunchReport
from winback.analytics.report_parts import OffersGiven, Redemptions
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch
from winback.instants import format_instant
from winback.offers.offer import CodeKind, Offer

OWN, SHARED = "off-000000000001", "off-000000000002"
STATED: dict[str, Any] = {
    "version": 1,
    "currency": "USD",
    "created_at": format_instant(START),
    "updated_at": format_instant(START),
}
FIVE_OFF = Offer.model_validate(
    {
        **STATED,
        "offer_id": OWN,
        "name": "Five off",
        "kind": "amount",
        "value": 500,
        "minimum_order_minor": 1000,
        "cost": {"fixed_minor": 20},
        "valid_days": 21,
        "codes": "generated",
    }
)
GIFT = Offer.model_validate(
    {
        **STATED,
        "offer_id": SHARED,
        "name": "A gift",
        "kind": "gift",
        "cost": {"fixed_minor": 300},
        "codes": "shared",
        "shared_code": "Gift-1",
    }
)


def offering(launch: Launch, *offers: Offer) -> Launch:
    choice = "fixed" if len(offers) == 1 else "best"
    stated = launch.definition.model_dump(mode="json", exclude_none=True)
    stated["offers"] = {"choose": choice, "offers": [each.offer_id for each in offers], "budget_minor": 9000}
    stated["steps"][0]["offer"] = True
    definition = CampaignDefinition.model_validate(stated)
    return launch.model_copy(update={"definition": definition, "offers": offers, "approved_at": START})


def sent(offer: str, code: str, day: float, *, delivered: bool = True) -> dict[str, Any]:
    at = format_instant(START + day * DAY)
    row = {"channel": "email", "offer_id": offer, "code": code, "claimed_at": at}
    return (
        {**row, "state": "accepted", "accepted_at": at, "delivered_at": at}
        if delivered
        else {**row, "state": "unknown"}
    )


def offers_of(report: LaunchReport) -> OffersGiven:
    assert report.offers is not None
    return report.offers


def redeemed(report: LaunchReport, place: int = 0) -> Redemptions:
    found = offers_of(report).offers[place].redemptions
    assert found is not None
    return found


@pytest.fixture
def own_codes(story: Story) -> Story:
    """Six customers with a code of their own, until 22 October in New York, which is over at four o'clock UTC."""
    story.launch, story.zone = offering(story.launch, FIVE_OFF), ZoneInfo("America/New_York")
    keys = [story.customer() for _ in range(6)]
    for number, key in enumerate(keys, 1):
        story.planned(key, sent(OWN, f"BACK-{number}", 0.5, delivered=number < 6))
        story.offers.append({"customer_key": key, "offer_id": OWN, "spend_minor": 520})
    without, held_out = story.customer(), story.customer("holdout")
    story.order(keys[0], 3, codes=["back-1"], discount=500)
    story.order(keys[0], 4, codes=["BACK-1"], discount=300)
    story.order(keys[1], 22.15, codes=["BACK-2", "XMAS"], discount=None, order_id="late in the evening")
    story.order(keys[2], 22.2, codes=["BACK-3"], discount=500)
    story.order(held_out, 5, codes=["BACK-4"], discount=500)
    story.order(without, 5, codes=["BACK-5"], discount=500)
    story.order(keys[4], 6, codes=["BACK-5"], discount=500)
    story.order(keys[5], 2, codes=["BACK-6"], discount=400)
    story.order(keys[3], 7, -1000, codes=["BACK-4"])
    story.order(keys[3], 8, codes=["XMAS"], discount=100)
    story.plan_the_rest()
    return story


def test_a_code_is_redeemed_by_an_order_of_its_customer_within_its_days(own_codes: Story) -> None:
    found = redeemed(own_codes.measured())
    assert (found.customers, found.delivered) == (6, 5)
    assert found.redeemed == 4  # the first, second, fifth and sixth
    assert (found.outside_days, found.by_held_out, found.by_others) == (1, 1, 0)
    assert (found.redeemed_of_delivered, found.rate) == (3, 0.6)
    assert found.rate_low is not None
    assert found.rate_high is not None
    assert 0.2 < found.rate_low < 0.6 < found.rate_high < 0.9
    assert (found.orders, found.discount_minor, found.discount_unknown) == (5, 500 + 300 + 500 + 400, 1)
    assert found.cost_minor is None
    assert found.still_valid == 0


def test_the_cost_is_what_orders_state_and_the_fixed_cost_of_each(own_codes: Story) -> None:
    second = own_codes.audience[1]["customer_key"]
    own_codes.order(second, 22.15, discount=250, order_id="late in the evening", version=1)
    report = own_codes.measured()
    assert redeemed(report).cost_minor == 1700 + 250 + 5 * 20, "a version that states no codes takes none away"
    assert (offers_of(report).redeemed, offers_of(report).cost_minor) == (4, 2050)
    own_codes.order(second, 22.15, codes=[], order_id="late in the evening", version=2)
    assert redeemed(own_codes.measured()).redeemed == 3


def test_a_code_that_can_still_be_redeemed_is_counted_apart(own_codes: Story) -> None:
    found = redeemed(own_codes.measured(START + timedelta(days=10)))
    assert (found.redeemed, found.still_valid) == (3, 3)


def test_a_shared_code_counts_once_for_each_customer_who_was_given_it(story: Story) -> None:
    story.launch = offering(story.launch, GIFT)
    first, second = story.customer(), story.customer()
    for key in (first, second):
        story.planned(key, sent(SHARED, "Gift-1", 1.4))
    without, held_out = story.customer(), story.customer("holdout")
    story.order(first, 0.9, codes=["GIFT-1"])
    story.order(second, 1.1, codes=["gift-1"], discount=None)  # of the message's day: the hour may not be known
    for key in (held_out, without):
        for day in (3, 4):
            story.order(key, day, codes=["GIFT-1"])
    story.plan_the_rest()
    found = redeemed(story.measured())
    assert (found.redeemed, found.outside_days, found.by_held_out, found.by_others) == (1, 1, 1, 1)
    assert found.cost_minor == 300, "a gift costs what the offer states, whatever was taken off the order"
    story.order(first, 2, codes=["GIFT-1"])
    found = redeemed(story.measured())
    assert (found.redeemed, found.outside_days, found.orders) == (2, 0, 2)


def test_orders_that_name_no_codes_are_not_orders_without_any(story: Story) -> None:
    story.launch = offering(story.launch, FIVE_OFF)
    key = story.customer()
    story.planned(key, sent(OWN, "BACK-1", 0))
    story.plan_the_rest()
    story.order(key, 3)
    report = story.measured()
    assert (offers_of(report).orders_state_codes, offers_of(report).redeemed) == (False, None)
    assert "orders of this shop name no codes" in launch_page(report)
    story.order(key, 4, codes=[])
    report = story.measured()
    assert (offers_of(report).redeemed, offers_of(report).cost_minor) == (0, 0)
    assert "orders of this shop name no codes" not in launch_page(report)


def test_an_offer_without_codes_is_not_counted(story: Story) -> None:
    story.launch = offering(story.launch, GIFT.model_copy(update={"codes": CodeKind.NONE, "shared_code": None}))
    key = story.customer()
    story.planned(key, {**sent(SHARED, "", 0), "code": None})
    story.plan_the_rest()
    story.order(key, 4, codes=["XMAS"])
    report = story.measured()
    assert (offers_of(report).offers[0].redemptions, offers_of(report).cost_minor) == (None, None)
    assert "leaves no trace in an order" in launch_page(report)


def test_the_page_tells_redemption_from_effect_and_names_no_code(own_codes: Story) -> None:
    report = own_codes.measured()
    page = launch_page(report)
    assert "A redemption is no effect" in page
    assert "3, 60.0" in page
    assert "Codes used by customers who were held out, and should have none: 1." in page
    assert "Codes used by their customers, but outside their days: 1." in page
    assert "BACK-" not in page + report.model_dump_json()


def test_what_was_redeemed_stands_beside_the_forecast(own_codes: Story) -> None:
    def line(name: str, **more: Any) -> dict[str, Any]:
        row = next(each for each in own_codes.measured(dry_run=dry_run, **more).forecast if each.name == name)
        return row.model_dump(include={"estimate", "low", "high", "actual", "inside"})

    amounts = {"estimate": 0.0, "low": 0.0, "high": 0.0}
    redemption = {"value": 0.05, "low": 0.01, "high": 0.15, "source": "assumed"}
    dry_run = {
        "steps": [],
        "branches": [],
        "audience": {"excluded": {"customers": 0}},
        "cost": {"channels": {}},
        "outlook": {"basis": "assumed", "extra_purchasers": amounts, "revenue_minor": amounts},
        "offers": {
            "worst_minor": 6 * 520,
            "expected_minor": {"value": 156, "low": 31, "high": 468},
            "offers": [{"offer_id": OWN, "name": "Five off", "customers": 6, "redemption": redemption}],
        },
    }
    beside = {"low": 0.0, "high": 1.0, "actual": 4.0, "inside": False}
    assert line("Codes redeemed: Five off") == {"estimate": pytest.approx(0.3), **beside}
    worst = "Cost of the offers, all redeemed at their most"
    assert line(worst)["actual"] is None, "one order states no discount"
    own_codes.orders[2]["discount_minor"] = 250
    assert line("Cost of the offers") == {"estimate": 156, "low": 31, "high": 468, "actual": 2050, "inside": False}
    assert line(worst) == {"estimate": None, "low": None, "high": 3120, "actual": 2050, "inside": True}
    assert line(worst, computed_at=START + 9 * DAY)["actual"] is None, "not over yet"
    for order in own_codes.orders:
        order["discount_codes"] = None
    assert line("Codes redeemed: Five off")["actual"] is None


customers = st.lists(st.sampled_from(["own", "shared", "nothing", "holdout"]), min_size=1, max_size=6)
bought = st.tuples(
    st.integers(0, 5), st.integers(0, 30), st.sets(st.sampled_from(["B-0", "b-1", "B-2", "gift-1", "X"]))
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(customers, st.lists(bought, max_size=12))
def test_each_code_counts_at_most_once_and_offers_add_up(
    new_story: Any, kinds: list[str], purchases: list[tuple[int, int, set[str]]]
) -> None:
    story = new_story()
    story.launch = offering(story.launch, FIVE_OFF, GIFT)
    given_own, keys = set(), []
    for number, kind in enumerate(kinds):
        keys.append(story.customer("holdout" if kind == "holdout" else "treatment"))
        if kind == "own":
            given_own.add(f"B-{number}")
            story.planned(keys[-1], sent(OWN, f"B-{number}", 1))
        elif kind == "shared":
            story.planned(keys[-1], sent(SHARED, "Gift-1", 1))
    story.plan_the_rest()
    units = set()
    for number, day, codes in purchases:
        key = keys[number % len(keys)]
        story.order(key, day, codes=sorted(codes), discount=100)
        named = {code.upper() for code in codes}
        units |= {(OWN, code) for code in named & given_own}
        units |= {(SHARED, key) for code in named if code == "GIFT-1" and "shared" in kinds}
    report = story.measured()
    if not purchases:
        assert offers_of(report).redeemed is None
        return
    counts = [redeemed(report, place) for place in (0, 1)]
    for offer_id, found in zip((OWN, SHARED), counts, strict=True):
        counted = found.redeemed + found.outside_days + found.by_held_out + found.by_others
        assert counted == sum(1 for unit in units if unit[0] == offer_id)
        assert found.redeemed_of_delivered <= found.redeemed <= min(found.customers, found.orders)
        assert found.discount_minor == 100 * found.orders
        assert found.redeemed + found.still_valid <= found.customers
    assert offers_of(report).redeemed == sum(found.redeemed for found in counts)
    assert sum(found.orders for found in counts) <= len(purchases)
    assert offers_of(report).cost_minor == sum(found.cost_minor or 0 for found in counts)


def test_order_files_older_than_codes_are_read_beside_those_with_them(tmp_path: Path) -> None:
    columns = (
        "'k' AS customer_key, TIMESTAMP '1997-10-02' AS ordered_at, 1::BIGINT AS amount_minor, 'USD' AS currency, "
        "0::BIGINT AS discount_minor, 'f' AS fingerprint, TIMESTAMP '1997-10-03' AS received_at"
    )
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    duckdb.sql(f"SELECT 'o1' AS order_id, {columns}").write_parquet(str(old))
    duckdb.sql(f"SELECT 'o2' AS order_id, ['A'] AS discount_codes, {columns}").write_parquet(str(new))
    for files, codes in (([old], [(None,)]), ([old, new], [(None,), (["A"],)])):
        with connect(Limits()) as db:
            load(db, Sources(audience=[], fates=[], orders=files))
            assert db.execute("SELECT discount_codes FROM orders ORDER BY order_id").fetchall() == codes
