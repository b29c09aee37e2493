"""Pooling of measured lifts."""

import random

import pytest

from winback.experiments.statistics import Proportion, difference_of_proportions
from winback.segmentation.measured_lift import MeasuredLift
from winback.segmentation.names import Segment
from winback.slices.lifts import Arms, LaunchLift, SegmentArms, measured_lifts, pooled_lift, untreated_rates


def arms(treated: int, treated_won: int, held_out: int, held_out_won: int) -> Arms:
    return Arms(treated=treated, treated_won=treated_won, held_out=held_out, held_out_won=held_out_won)


def launch(number: int, *segments: SegmentArms) -> LaunchLift:
    return LaunchLift(
        launch_id=f"lau-{number:012x}",
        campaign_id="cmp-000000000001",
        channel="email",
        segments=segments,
        treated=1,
        treated_won=0,
        held_out=1,
        held_out_won=0,
        evaluation_days=91,
        currency="EUR",
        ended_at="2026-01-01T00:00:00Z",
    )


def found(*launches: Arms) -> MeasuredLift:
    lift = pooled_lift(launches)
    assert lift is not None
    return lift


def test_one_launch_foretells_the_next_less_surely_than_it_told_its_own_effect() -> None:
    told = difference_of_proportions(Proportion(120, 800), Proportion(20, 200))
    assert told is not None
    lift = found(arms(800, 120, 200, 20))
    assert lift.estimate == pytest.approx(told.estimate)
    assert lift.low < told.low < told.high < lift.high
    assert lift.launches == 1


def test_launches_that_agree_make_the_next_one_surer() -> None:
    several = [found(*[arms(8_000, 1_200, 2_000, 200)] * count) for count in (1, 2, 4, 12)]
    widths = [lift.high - lift.low for lift in several]
    assert widths == sorted(widths, reverse=True)
    assert all(lift.estimate == pytest.approx(0.05, abs=1e-6) for lift in several)
    assert not several[0].tells
    assert several[-1].tells


def test_a_large_launch_weighs_more_than_a_small_one() -> None:
    assert 0.04 < found(arms(10_000, 2_500, 10_000, 2_000), arms(100, 20, 100, 20)).estimate < 0.05


def test_launches_that_disagree_widen_the_interval_for_the_next() -> None:
    agree = found(*[arms(1000, 200, 1000, 150)] * 2)
    differ = found(arms(1000, 300, 1000, 150), arms(1000, 100, 1000, 150))
    assert differ.estimate == pytest.approx(agree.estimate, abs=0.01)
    assert differ.high - differ.low > 1.8 * (agree.high - agree.low)
    assert not differ.tells


def test_an_arm_without_anybody_or_without_a_win_is_no_certainty() -> None:
    assert pooled_lift([arms(100, 10, 0, 0)]) is None
    sure = found(arms(5, 0, 5, 0), arms(5, 0, 5, 0))
    assert sure.low < -0.05
    assert sure.high > 0.05


@pytest.mark.parametrize("launches", [2, 5, 12])
def test_the_interval_mostly_contains_the_next_launch(launches: int) -> None:
    """Launches of 800 and 200 customers whose true effects differ with a spread of three points."""
    source = random.Random(20261122)

    def won(customers: int, rate: float) -> int:
        return round(min(customers, max(0.0, source.gauss(customers * rate, (customers * rate * (1 - rate)) ** 0.5))))

    inside = 0
    for _ in range(150):
        effects = [source.gauss(0.05, 0.03) for _ in range(launches + 1)]
        lift = found(*[arms(800, won(800, 0.3 + effect), 200, won(200, 0.3)) for effect in effects[:launches]])
        inside += lift.low <= effects[launches] <= lift.high
    assert 0.91 <= inside / 150 <= 1


def test_segments_are_pooled_apart() -> None:
    vips = SegmentArms(segment=Segment.SLIPPING_VIPS, **arms(100, 40, 100, 20).model_dump())
    loyal = SegmentArms(segment=Segment.LOYAL, **arms(100, 10, 100, 20).model_dump())
    empty = SegmentArms(segment=Segment.LONG_GONE, **arms(5, 1, 0, 0).model_dump())
    lifts = measured_lifts([launch(1, vips, loyal, empty), launch(2, vips)])
    assert set(lifts) == {Segment.SLIPPING_VIPS, Segment.LOYAL}
    assert lifts[Segment.SLIPPING_VIPS].launches == 2
    assert lifts[Segment.LOYAL].estimate < 0
    assert untreated_rates([launch(1, vips, empty), launch(2, vips)]) == {Segment.SLIPPING_VIPS: 0.2}


def test_more_winners_than_customers_are_refused() -> None:
    with pytest.raises(ValueError, match="more customers won"):
        arms(1, 2, 1, 0)
