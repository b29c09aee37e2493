"""What free text is taken to say, and what is handed back."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.briefs.notes import LONGEST
from winback.briefs.reading import read_text

TEN_LINES = """
DTC skincare brand, own shop, about 42,000 customers, AOV around €48.50
Gross margin 62%, return rate 6%. People reorder roughly every 60 days
31% buy again
VIPs: 1,200 customers, AOV €92, five orders or more in two years
Lapsed regulars: 6,100, no order for 180 days
One-time buyers: 25k
We use Klaviyo for email and SMSBump, plus WeChat Work for China. No push
Email opt-in 70%, SMS 18%
Goal: bring back lapsed regulars before Christmas without burning margin
Never more than 15% off, at most two emails a week. Our loyalty app is being rebuilt
"""


def noted(text: str) -> dict[str, Any]:
    return read_text(text).notes.model_dump(exclude_defaults=True)


def test_ten_lines_give_every_figure_in_them() -> None:
    reading = read_text(TEN_LINES)
    assert reading.notes.model_dump(exclude_none=True, exclude_defaults=True) == {
        "business": "DTC skincare brand, own shop",
        "currency": "EUR",
        "customers": 42_000,
        "average_order_value": Decimal("48.50"),
        "gross_margin_percent": 62,
        "return_rate_percent": 6,
        "purchase_cycle_days": 60,
        "repeat_rate_percent": 31,
        "opt_in": {"email_percent": 70, "sms_percent": 18},
        "channels": ("Klaviyo", "SMSBump", "WeChat Work"),
        "without_channels": ("App push",),
        "goals": ("bring back lapsed regulars before Christmas without burning margin",),
        "constraints": ("Never more than 15% off, at most two emails a week",),
        "largest_discount_percent": 15,
        "contact_rule": {"messages": 2, "days": 7},
        "segments": (
            {
                "name": "VIPs",
                "definition": "five orders or more in two years",
                "customers": 1_200,
                "average_order_value": 92,
            },
            {"name": "Lapsed regulars", "customers": 6_100, "silent_days": 180},
            {"name": "One-time buyers", "customers": 25_000},
        ),
    }
    assert reading.not_understood == ("Our loyalty app is being rebuilt",)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("AOV 48,50 EUR", "average_order_value", Decimal("48.50")),
        ("basket size $1,234.50", "average_order_value", Decimal("1234.50")),
        ("average order value is £12k", "average_order_value", 12_000),
        ("margins between 40 and 50 %", "gross_margin_percent", 45),
        ("reorder every 6 weeks", "purchase_cycle_days", 42),
        ("2-3 months between orders", "purchase_cycle_days", 76),
        ("lapsed after 6 months", "lapsed_after_days", 183),
        ("they buy 2.5 times a year", "purchases_per_year", Decimal("2.5")),
        ("1 order per month", "purchases_per_year", 12),
        ("refunds 8 percent", "return_rate_percent", 8),
        ("churn 35%", "churn_percent", 35),
        ("We have 1.2m customers", "customers", 1_200_000),
        ("no discounts, never", "largest_discount_percent", 0),
    ],
)
def test_a_figure_beside_its_word_is_taken(text: str, name: str, value: object) -> None:
    assert noted(text)[name] == value


@pytest.mark.parametrize(
    "text",
    [
        "AOV fell from 52 to 48",  # two figures: which one?
        "AOV 52 or 48",
        "margin is fine",
        "17",
        "Goal:",
        "about 40% of something",
        "AOV 48 EUR. AOV 51 EUR",
    ],
)
def test_what_is_not_plain_is_handed_back(text: str) -> None:
    reading = read_text(text)
    assert reading.not_understood
    assert "17" not in str(reading.notes.model_dump(exclude_none=True, exclude_defaults=True))


def test_a_wish_is_no_figure() -> None:
    reading = read_text("Goal: raise AOV to 60 EUR and churn below 10%")
    assert reading.notes.goals == ("raise AOV to 60 EUR and churn below 10%",)
    assert reading.notes.average_order_value is None
    assert reading.notes.churn_percent is None


def test_segments_on_one_line_keep_their_own_figures() -> None:
    found = read_text("VIPs: 1,200, AOV 90 EUR. Lapsed: 300. Email opt-in 70%").notes
    assert [(row.name, row.customers) for row in found.segments] == [("VIPs", 1_200), ("Lapsed", 300)]
    assert found.average_order_value is None
    assert found.opt_in.email_percent == 70


def test_what_somebody_says_not_to_know_is_heard() -> None:
    reading = read_text("gross margin: no idea")
    assert reading.notes.gross_margin_percent is None
    assert reading.understood[0][0] == "not known, as you say: gross margin"


def test_addresses_and_numbers_of_people_are_left_out() -> None:
    reading = read_text("VIP contact is ada@example.com, ring +44 20 7946 0958")
    told = f"{reading.notes} {reading.understood} {reading.not_understood}"
    assert "ada" not in told
    assert "7946" not in told


def test_beyond_the_limit_nothing_is_read_and_it_is_said() -> None:
    reading = read_text("x " * LONGEST + "AOV 48 EUR")
    assert reading.notes.average_order_value is None
    assert reading.not_understood[-1].startswith("everything after the first")


@pytest.mark.parametrize("unit", [" ", "9", "a@", "VIP: ", "1,000 ", "a,", "- ", "x", "no ", "vip =", "\t", " and 1 "])
def test_long_runs_of_anything_are_read_in_linear_time(unit: str) -> None:
    """A pattern that went back and forth over a run would take minutes here."""
    read_text(unit * (LONGEST // len(unit)))


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    read_text(text)


_JUMBLE = """VIPs: lapsed AOV 48 € % 12k , . ; 1,200 customers margin opt-in email SMS no never goal: every days between
and at most 0 99999999999 9.9.9 -5 churn returns = ( ) ?"""


@given(st.lists(st.sampled_from(_JUMBLE.split()), max_size=40))
def test_any_jumble_of_known_words_is_read(words: list[str]) -> None:
    reading = read_text(" ".join(words))
    for name, value in reading.notes.model_dump(exclude_none=True).items():
        if name.endswith("_percent"):
            assert 0 <= value <= 100
