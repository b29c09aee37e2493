"""A simulated campaign is arithmetic on stated inputs."""

from decimal import Decimal
from typing import Any

import pytest

from winback.slices.simulation import ASSUMED_UP_TO, Group, Lift, Plan, Simulation, assumed, simulate

MEASURED = Lift(estimate=0.04, low=0.01, high=0.07, basis="measured", launches=3)
VIPS = Group(segment="Slipping VIPs", customers=1_200, reachable=1_000, value_each_minor=5_000, margin_share=0.4)
LOST = Group(segment="Long Gone", customers=5_000, reachable=4_000, value_each_minor=1_000, margin_share=0.5)


def run(*groups: Group, lifts: dict[str, Lift] | None = None, currency: str = "USD", **plan: Any) -> Simulation:
    options = {
        "channel": "email",
        "messages": 2,
        "price": Decimal("0.0001"),
        "price_currency": "USD",
        "price_source": "a list",
        "holdout_share": 0.2,
        **plan,
    }
    known = lifts or {"Slipping VIPs": MEASURED, "Long Gone": assumed(0.003)}
    return simulate(
        groups, known, Plan(**options), currency=currency, decimals=2, untreated_rates={"Slipping VIPs": 0.36}
    )


def test_the_held_out_are_neither_paid_for_nor_won_back() -> None:
    found = run(VIPS)
    assert (found.reachable, found.treated, found.held_out) == (1_000, 800, 200)
    assert (found.cost.messages, found.cost.total) == (1_600, "0.16")
    assert found.extra_purchasers.estimate == pytest.approx(32)
    assert found.revenue_minor.estimate == pytest.approx(160_000)
    assert (found.revenue_minor.low, found.revenue_minor.high) == pytest.approx((40_000, 280_000))
    assert found.margin_minor is not None
    assert found.margin_minor.estimate == pytest.approx(64_000)
    assert found.after_cost_minor is not None
    assert found.after_cost_minor.estimate == pytest.approx(64_000 - 16)
    assert found.basis == "measured"
    assert found.untreated_rate == 0.36


def test_an_assumption_is_marked_and_wide() -> None:
    found = run(VIPS, LOST)
    assert found.basis == "measured in part"
    row = found.segments[1]
    assert (row.told, row.lift.basis, row.lift.low) == ("assumed", "assumed", 0)
    assert row.lift.high == pytest.approx(ASSUMED_UP_TO * 0.003)
    assert any("Assumed, not measured, for Long Gone" in note for note in found.notes)
    assert not any("Slipping VIPs" in note for note in found.notes)
    assert run(LOST).basis == "assumed"


def test_the_ranges_of_segments_add_up_end_to_end() -> None:
    both, vips, lost = run(VIPS, LOST), run(VIPS), run(LOST)
    for end in ("low", "estimate", "high"):
        parts = getattr(vips.revenue_minor, end) + getattr(lost.revenue_minor, end)
        assert getattr(both.revenue_minor, end) == parts


def test_money_is_whole_minor_units_and_its_parts_add_up() -> None:
    odd = [
        VIPS.model_copy(update={"reachable": 7 + n, "value_each_minor": 333.3, "segment": f"s{n}"}) for n in range(5)
    ]
    found = run(*odd, lifts={group.segment: MEASURED for group in odd})
    for amounts in (found.revenue_minor, found.margin_minor, found.after_cost_minor, found.segments[0].revenue_minor):
        assert amounts is not None
        assert all(type(amount) is int for amount in amounts.model_dump().values())
    assert found.revenue_minor.estimate == sum(
        row.revenue_minor.estimate for row in found.segments if row.revenue_minor
    )


def test_a_measured_lift_whose_interval_includes_zero_tells_nothing_sure() -> None:
    unsure = Lift(estimate=0.02, low=-0.01, high=0.05, basis="measured", launches=1)
    worse = Lift(estimate=-0.02, low=-0.03, high=-0.01, basis="measured", launches=1)
    assert run(VIPS, lifts={"Slipping VIPs": unsure}).segments[0].told == "too small to tell"
    found = run(VIPS, lifts={"Slipping VIPs": worse})
    assert found.segments[0].told == "fewer"
    assert found.revenue_minor.low < found.revenue_minor.estimate < found.revenue_minor.high < 0
    assert found.verdict == "too small to tell"


def test_a_launch_that_could_not_find_its_own_effect_is_called_too_small() -> None:
    small = VIPS.model_copy(update={"reachable": 100})
    large = VIPS.model_copy(update={"reachable": 100_000})
    assert run(small).verdict == "too small to tell"
    assert run(large).verdict == "large enough to tell"
    assert run(large, holdout_share=0.0).smallest_detectable_effect is None
    assert run(large, holdout_share=0.0).verdict == "too small to tell"


def test_two_currencies_are_not_set_against_each_other() -> None:
    found = run(VIPS, currency="EUR")
    assert found.after_cost_minor is None
    assert found.margin_minor is not None
    assert any("USD and value in EUR" in note for note in found.notes)


def test_margin_is_told_only_where_costs_are_known_for_everybody_reached() -> None:
    unknown = LOST.model_copy(update={"margin_share": None})
    assert run(VIPS, unknown).margin_minor is None
    assert run(VIPS, unknown.model_copy(update={"reachable": 0})).margin_minor is not None


def test_nobody_reachable_returns_nothing() -> None:
    found = run(VIPS.model_copy(update={"reachable": 0, "value_each_minor": None}))
    assert (found.treated, found.cost.total, found.revenue_minor.high) == (0, "0.00", 0)
    assert found.verdict == "too small to tell"
