from typing import Any

import pytest

from winback.segmentation.measured_lift import MeasuredLift
from winback.segmentation.names import FAMILY_OF, Segment
from winback.segmentation.organic_return import OrganicReturn, SegmentReturn
from winback.segmentation.priorities import Priority, PriorityTier, prioritise
from winback.segmentation.rubric_file import default_settings, read_rubric_file
from winback.segmentation.totals import SegmentTotals

SETTINGS = default_settings()


def totals(**customers: int) -> list[SegmentTotals]:
    """Every customer spent 100.00 in two purchases."""
    return [
        SegmentTotals(
            segment=segment,
            family=family,
            customers=(number := customers.get(segment.name.lower(), 0)),
            net_minor=10_000 * number,
            purchases=2 * number,
        )
        for segment, family in FAMILY_OF.items()
    ]


def returns(
    segment: Segment, customers: int, returned: int, purchased_minor: int = 0, low: float = 0.0
) -> OrganicReturn:
    row = SegmentReturn(
        segment=segment,
        customers=customers,
        returned=returned,
        purchased_minor=purchased_minor,
        share=returned / customers,
        low=low,
        high=1.0,
    )
    return OrganicReturn(since="2025-10-01T00:00:00Z", until="2025-12-31T00:00:00Z", segments=[row])


def priority_of(segment: Segment, found: list[Priority]) -> Priority:
    (row,) = [row for row in found if row.segment is segment]
    return row


def tier_of(segment: Segment, *rows: Any, **more: Any) -> PriorityTier:
    return priority_of(segment, prioritise(*rows, **more)).tier


def test_every_segment_is_listed_once_by_tier_and_then_by_score() -> None:
    found = prioritise(totals(slipping_vips=10, rising=900, long_gone=5, champions=50), SETTINGS)
    assert len(found) == len(Segment)
    assert {row.segment for row in found} == set(Segment)
    tiers = [list(PriorityTier).index(row.tier) for row in found]
    assert tiers == sorted(tiers)
    assert next(row.rank for row in found if row.rank is not None) == 1


def test_the_first_three_by_size_value_and_lift_are_the_headline() -> None:
    found = prioritise(
        totals(slipping_vips=100, slipping_regulars=100, lost_vips=100, big_spenders=90, rising=20), SETTINGS
    )
    assert [(row.segment, row.score_minor) for row in found if row.tier is PriorityTier.HEADLINE] == [
        (Segment.SLIPPING_VIPS, 30_000),
        (Segment.SLIPPING_REGULARS, 20_000),
        (Segment.LOST_VIPS, 15_000),
    ]
    assert [row.segment for row in found if row.tier is PriorityTier.SECONDARY] == [Segment.BIG_SPENDERS]
    assert priority_of(Segment.RISING, found).tier is PriorityTier.LIGHT_TOUCH


def test_nobody_is_a_headline_of_a_tenth_of_the_firsts_figure() -> None:
    rows = totals(slipping_vips=1_000, lost_vips=10)
    assert tier_of(Segment.LOST_VIPS, rows, SETTINGS) is PriorityTier.LIGHT_TOUCH


def test_who_may_be_contacted_once_a_quarter_is_a_light_touch_whatever_the_rank() -> None:
    found = prioritise(totals(long_gone=100_000, slipping_vips=10), SETTINGS)
    assert priority_of(Segment.LONG_GONE, found).rank == 1
    assert priority_of(Segment.LONG_GONE, found).tier is PriorityTier.LIGHT_TOUCH
    assert priority_of(Segment.SLIPPING_VIPS, found).tier is PriorityTier.HEADLINE
    often = read_rubric_file('[segments."Long Gone"]\nat_most = 2\n').settings
    assert tier_of(Segment.LONG_GONE, totals(long_gone=100_000), often) is PriorityTier.HEADLINE


def test_the_rubric_says_whom_to_leave_alone_and_why_and_can_be_told_otherwise() -> None:
    champions = priority_of(Segment.CHAMPIONS, prioritise(totals(champions=10), SETTINGS))
    assert (champions.tier, champions.rank, champions.expected) == (PriorityTier.LEAVE_ALONE, None, None)
    assert "rhythm" in champions.leave_alone
    told = read_rubric_file("[segments.Champions]\nleave_alone = ''\n").settings
    assert tier_of(Segment.CHAMPIONS, totals(champions=10), told) is PriorityTier.HEADLINE


def test_a_segment_that_comes_back_by_itself_is_left_alone() -> None:
    rows = totals(slipping_vips=100)
    sure = returns(Segment.SLIPPING_VIPS, 100, 95, low=0.88)
    found = priority_of(Segment.SLIPPING_VIPS, prioritise(rows, SETTINGS, organic=sure))
    assert found.tier is PriorityTier.LEAVE_ALONE
    assert "95 of 100 came back by themselves" in found.leave_alone
    unsure = returns(Segment.SLIPPING_VIPS, 100, 95, low=0.79)
    assert tier_of(Segment.SLIPPING_VIPS, rows, SETTINGS, organic=unsure) is PriorityTier.HEADLINE


def test_no_more_can_be_won_than_does_not_come_back_anyway() -> None:
    organic = returns(Segment.SLIPPING_VIPS, 100, 99, low=0.5)
    found = prioritise(totals(slipping_vips=100), SETTINGS, organic=organic)
    assert priority_of(Segment.SLIPPING_VIPS, found).lift == pytest.approx(0.01)


def test_a_measured_lift_replaces_the_assumed_one_where_it_tells() -> None:
    rows = totals(slipping_vips=1_000)
    told = MeasuredLift(estimate=0.05, low=0.02, high=0.08, launches=2)
    found = priority_of(Segment.SLIPPING_VIPS, prioritise(rows, SETTINGS, lifts={Segment.SLIPPING_VIPS: told}))
    assert (found.lift, found.lift_from, found.measured) == (0.05, "measured", told)
    assert found.expected is not None
    assert (found.expected.purchasers, found.expected.net_minor) == (50, 250_000)
    assert (found.expected.net_low_minor, found.expected.net_high_minor) == (100_000, 400_000)


def test_a_measured_lift_that_is_too_small_to_tell_is_shown_and_not_used() -> None:
    unsure = MeasuredLift(estimate=0.05, low=-0.02, high=0.12, launches=1)
    rows = totals(slipping_vips=1_000)
    found = priority_of(Segment.SLIPPING_VIPS, prioritise(rows, SETTINGS, lifts={Segment.SLIPPING_VIPS: unsure}))
    assert (found.lift, found.lift_from, found.measured) == (0.03, "assumed", unsure)
    assert found.expected is not None
    assert found.expected.net_low_minor is None


def test_a_segment_that_launches_harmed_is_left_alone() -> None:
    harm = MeasuredLift(estimate=-0.02, low=-0.03, high=-0.01, launches=3)
    rows = totals(slipping_vips=1_000)
    found = priority_of(Segment.SLIPPING_VIPS, prioritise(rows, SETTINGS, lifts={Segment.SLIPPING_VIPS: harm}))
    assert found.tier is PriorityTier.LEAVE_ALONE
    assert found.leave_alone == "Of 100 contacted, 2.0 fewer purchased than held out (1.0 to 3.0, 95 %)."
    assert found.score_minor == 0


def test_what_is_expected_is_counted_at_what_returning_customers_really_purchased() -> None:
    organic = returns(Segment.SLIPPING_VIPS, 200, 40, purchased_minor=40 * 700)
    rows = totals(slipping_vips=1_000)
    expected = priority_of(Segment.SLIPPING_VIPS, prioritise(rows, SETTINGS, organic=organic)).expected
    assert expected is not None
    assert (expected.value_each_from, expected.value_each_minor, expected.net_minor) == ("organic return", 700, 21_000)
    few = returns(Segment.SLIPPING_VIPS, 200, 29, purchased_minor=29 * 700)
    expected = priority_of(Segment.SLIPPING_VIPS, prioritise(rows, SETTINGS, organic=few)).expected
    assert expected is not None
    assert (expected.value_each_from, expected.value_each_minor) == ("average purchase", 5_000)


def test_revenue_and_margin_stay_apart() -> None:
    rows = [
        row.model_copy(update={"margin_minor": 300, "margin_net_minor": 1_000}) for row in totals(slipping_vips=100)
    ]
    expected = priority_of(Segment.SLIPPING_VIPS, prioritise(rows, SETTINGS)).expected
    assert expected is not None
    assert (expected.net_minor, expected.margin_minor) == (15_000, 4_500)
    unknown = priority_of(Segment.SLIPPING_VIPS, prioritise(totals(slipping_vips=100), SETTINGS)).expected
    assert unknown is not None
    assert unknown.margin_minor is None
