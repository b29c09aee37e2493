"""An exploration shows segments by overlay, consent and a simulated campaign, and none of it tells what is hidden."""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pytest

from tests.unit.slices.conftest import SNAPSHOT_TYPES, Fill
from winback.segmentation.names import FAMILY_OF, Segment
from winback.segmentation.overlays import Overlay
from winback.slices.exploration import Exploration, explore, groups_of, hidden_groups
from winback.slices.hiding import DIMENSIONS, Crossed, Hidden, Part, hide
from winback.slices.preview import Marked, ground_of
from winback.slices.simulation import Group, Plan, Simulation, assumed, simulate

FEWEST = 10
TIERS = {overlay: ("a", "b", "c", "d")[: 2 + number % 3] for number, overlay in enumerate(Overlay)}
Parts = dict[Part, tuple[int, int]]


@pytest.mark.parametrize("seed", range(25))
def test_no_hidden_segment_and_no_few_follow_from_what_is_shown(seed: int) -> None:
    parts, crossings = _made_up(random.Random(seed))
    hidden = hide(parts, FEWEST, crossings=crossings)
    assert {part for part, (_, members) in parts.items() if 0 < members < FEWEST} <= hidden.selected
    assert {crossed for crossed, members in crossings.items() if members < FEWEST} <= hidden.selected
    for key in _computable(parts, crossings, hidden):
        assert key[0] != "segment"
        assert parts.get(key, (0, FEWEST))[1] >= FEWEST


def test_what_is_hidden_of_everybody_is_hidden_of_the_selected_too() -> None:
    parts: Parts = {("segment", "Loyal"): (3, 0), ("segment", "Rising"): (20, 12), ("segment", "Long Gone"): (50, 40)}
    hidden = hide(parts, FEWEST)
    assert hidden.universe == {("segment", "Loyal"), ("segment", "Rising")}
    assert ("segment", "Rising") in hidden.selected


@pytest.fixture
def explored(fill: Fill, connection: duckdb.DuckDBPyConnection) -> Callable[..., tuple[Exploration, list[Group]]]:
    def build(sizes: dict[str, int], **options: Any) -> tuple[Exploration, list[Group]]:
        rows = [
            {
                "customer_key": f"{segment}{number}",
                "segment": segment,
                "family": str(FAMILY_OF[Segment(segment)]),
                "premium_tier": "none",
                "discount_tier": "never" if number % 3 else "repeat",
                "email_consent": "granted" if number % 4 else "denied",
                "net_minor": 100,
                "gross_minor": 100,
                "purchases": 1,
            }
            for segment, size in sizes.items()
            for number in range(size)
        ]
        fill("customers", SNAPSHOT_TYPES, rows)
        ground = ground_of(connection, as_of=datetime(2026, 1, 1, tzinfo=UTC), currency="EUR", slices={})
        marked = Marked(connection, None, ground)
        return explore(marked, ground, as_of="2026-01-01T00:00:00Z", **options), groups_of(marked, "email", ground)

    return build


def test_a_hidden_segment_does_not_show_in_crossings(explored: Callable[..., tuple[Exploration, list[Group]]]) -> None:
    found, _ = explored({"Champions": 4, "Loyal": 90, "Rising": 60, "Long Gone": 120})
    hidden = {row.value for row in found.representation if row.dimension == "segment" and row.customers is None}
    assert {"Champions"} < hidden
    for row in found.representation:
        if row.dimension == "segment":
            assert (row.universe_customers is None) == (row.value in hidden)
    for crossing in found.crossings:
        if crossing.segment in hidden:
            assert (crossing.customers, crossing.net_minor) == (None, None)
    everything, _ = explored({"Champions": 4, "Loyal": 90}, hidden_below=0)
    assert all(crossing.customers for crossing in everything.crossings)


def test_few_answers_to_a_channel_are_hidden_with_another(
    explored: Callable[..., tuple[Exploration, list[Group]]],
) -> None:
    found, _ = explored({"Loyal": 20})
    assert found.consent[0].model_dump() == {"channel": "email", "granted": None, "denied": None, "unknown": 0}
    found, _ = explored({"Loyal": 80})
    assert (found.consent[0].granted, found.consent[0].denied) == (60, 20)


def test_a_simulation_hides_what_the_exploration_hides_and_keeps_its_totals(
    explored: Callable[..., tuple[Exploration, list[Group]]],
) -> None:
    found, groups = explored({"Champions": 4, "Loyal": 90, "Rising": 60, "Long Gone": 20})
    hidden = hidden_groups(found, groups, FEWEST)
    assert {"Champions", "Long Gone"} <= hidden, "one is of few customers, and of the other few cannot be reached"
    shown, open_ = _simulated(groups, hidden), _simulated(groups, ())
    assert shown.model_dump(exclude={"segments"}) == open_.model_dump(exclude={"segments"})
    for row in shown.segments:
        figures = (row.customers, row.reachable, row.treated, row.extra_purchasers, row.revenue_minor)
        assert all(figure is None for figure in figures) == (row.segment in hidden)
    rest = open_.reachable - sum(row.reachable or 0 for row in shown.segments)
    assert len(hidden) > 1
    assert rest >= FEWEST


def _simulated(groups: list[Group], hidden: Collection[str]) -> Simulation:
    plan = Plan(
        channel="email",
        messages=1,
        price=Decimal("0.0001"),
        price_currency="EUR",
        price_source="a list",
        holdout_share=0.2,
    )
    lifts = {group.segment: assumed(0.01) for group in groups}
    return simulate(groups, lifts, plan, currency="EUR", decimals=2, untreated_rates={}, hidden=hidden)


def _made_up(source: random.Random) -> tuple[Parts, dict[Crossed, int]]:
    parts: Counter[Part] = Counter()
    crossings: Counter[Crossed] = Counter()
    for segment in source.sample(list(Segment), source.randint(3, 12)):
        weights = {overlay: [source.choice([0.02, 0.1, 1, 5]) for _ in tiers] for overlay, tiers in TIERS.items()}
        for _ in range(source.choice([1, 3, 8, 20, 60, 200])):
            parts.update([("segment", str(segment)), ("family", str(FAMILY_OF[segment]))])
            for overlay, tiers in TIERS.items():
                (tier,) = source.choices(tiers, weights[overlay])
                parts[overlay.column, tier] += 1
                crossings[str(segment), str(overlay), tier] += 1
    return {part: (members, members) for part, members in parts.items()}, dict(crossings)


def _computable(parts: Parts, crossings: dict[Crossed, int], hidden: Hidden) -> list[Any]:
    """Hidden keys that all sums together leave one value for: those that no vector of their null space moves."""
    unknown = {key: place for place, key in enumerate(key for key in [*parts, *crossings] if key in hidden.selected)}
    equations = []

    def add(whole: Any, those: Iterable[Any]) -> None:
        row = np.zeros(len(unknown))
        for key, sign in [(whole, -1), *((key, 1) for key in those)]:
            if key in unknown:
                row[unknown[key]] = sign
        equations.append(row)

    for dimension in DIMENSIONS:
        add(None, [part for part in parts if part[0] == dimension])
    for part in parts:
        dimension, value = part
        if dimension == "family":
            add(part, [key for key in parts if key[0] == "segment" and str(FAMILY_OF[Segment(str(key[1]))]) == value])
        elif dimension == "segment":
            for overlay in Overlay:
                add(part, [key for key in crossings if key[:2] == (value, str(overlay))])
        else:
            add(part, [key for key in crossings if (Overlay(key[1]).column, key[2]) == part])
    if not unknown:
        return []
    _, sizes, vectors = np.linalg.svd(np.array(equations))
    free = vectors[int((sizes > 1e-9).sum()) :]
    return [key for key, place in unknown.items() if np.allclose(free[:, place], 0, atol=1e-8)]
