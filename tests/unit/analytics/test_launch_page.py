"""The page a marketer opens: the verdict first, well-formed, and fetching nothing."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from winback.analytics.launch_page import launch_page

START = datetime(1997, 10, 1, tzinfo=UTC)


@pytest.fixture
def small_launch(story, at):
    """Sixty customers, a fifth held out, every fourth buys, treated ones have opened."""
    for n in range(60):
        arm = "treatment" if n % 5 else "holdout"
        customer = story.customer(arm, segment="Slipping VIPs" if n % 2 else "Slipping Regulars")
        row = {"state": "accepted", "delivered_at": at(0), "opened_at": at(1)} if n % 5 else None
        for step in (1, 2):
            story.planned(customer, row, step=step, reasons=() if n % 5 else ("held_out",))
        if n % 4 == 0:
            story.order(customer, 3)
    return story


def words(page: str) -> str:
    root = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    return " ".join(" ".join(root.find("body").itertext()).split())


def test_the_verdict_comes_first_and_last_touch_beside_it(small_launch):
    text = words(launch_page(small_launch.measured()))
    verdict = text.index("What the campaign caused is too small to tell")
    claim = text.index("Last-touch attribution would have credited it with 12 orders")
    assert verdict < claim < text.index("Customers were divided by chance")


def test_the_page_says_which_open_or_click_of_a_message_counts(small_launch):
    assert "first open or click by a person of each message, the latest such message before the order" in launch_page(
        small_launch.measured()
    )


def test_each_segment_that_is_too_small_says_so(small_launch):
    report = small_launch.measured()
    page = launch_page(report)
    assert page.count("<td>too small to tell</td>") == len(report.segments) + 1


def test_the_page_fetches_nothing(small_launch):
    page = launch_page(small_launch.measured())
    assert not re.search(r"(?i)https?:|//|url\(|@import|<(script|link|img|iframe)\b", page)


def test_no_customer_is_named(small_launch):
    page = launch_page(small_launch.measured())
    assert not any(member["customer_key"] in page for member in small_launch.audience)


def test_an_interim_report_warns_against_looking_often(small_launch):
    page = words(launch_page(small_launch.measured(START + timedelta(days=20))))
    assert "(interim)" in page
    assert "These figures will change" in page


def test_a_broken_rule_is_shown_above_all_charts(small_launch):
    held_out = small_launch.audience[0]["customer_key"]
    small_launch.planned(held_out, {"state": "accepted"}, step=2, reasons=("held_out",))
    text = words(launch_page(small_launch.measured()))
    assert text.index("Broken rule: No held-out customer was sent anything") < text.index(
        "Customers were divided by chance"
    )


def test_a_launch_without_holdout_or_customers_still_has_a_page(story):
    assert "not known" in words(launch_page(story.measured()))


def test_a_campaign_name_cannot_smuggle_markup(story):
    definition = story.launch.definition.model_copy(update={"name": "<script>alert(1)</script>"})
    story.launch = story.launch.model_copy(update={"definition": definition})
    assert "<script" not in launch_page(story.measured())


def test_no_rate_is_promised(small_launch):
    text = words(launch_page(small_launch.measured())).lower()
    assert not re.search(r"guarantee|will (win|bring|recover|increase)|expect(ed)? to", text)
