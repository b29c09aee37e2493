"""An attacker who knows every rule, and only what a suppressed summary shows, tries to compute what it hides.

Each customer is of one kind: all that the rules tell apart together. The unknowns are how many there are of each kind,
and every shown figure is a sum of some of them. A hidden count that these equations leave one value for has leaked.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy.optimize import linprog

from tests.unit.segmentation.customers import order, segmented
from winback.segmentation.behaviours import Behaviour
from winback.segmentation.names import FAMILY_OF, Segment
from winback.segmentation.summary import Summary, summarise
from winback.segmentation.suppression import suppress

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)

Kind = dict[str, Any]


def kinds() -> Iterator[Kind]:
    values = (("Regular", "Mass"), *(("High", tier) for tier in ("Mass", "Premium", "Elite", "VIP")))
    for recency, frequency, (monetary, tier), tenure, late in product(
        ("Active", "Slip", "Gone", "Long"),
        ("Once", "Repeat", "Frequent"),
        values,
        ("new", "starter", "older"),
        (False, True),
    ):
        if (frequency != "Once" and tenure != "older") or (recency != "Active" and not late):
            continue
        segment = _segment(recency, frequency, monetary == "High", tenure)
        several = [behaviour for behaviour in Behaviour if behaviour is not Behaviour.ONE_OFF]
        for behaviour in [Behaviour.ONE_OFF] if frequency == "Once" else several:
            yield {
                "segment": segment,
                "family": FAMILY_OF[segment],
                "cell": _cell(recency, frequency, tier, tenure, late),
                "behaviour": behaviour,
                "recency": recency,
                "frequency": frequency,
                "monetary": monetary,
                "lapsed": recency != "Active",
            }


def _segment(recency: str, frequency: str, high: bool, tenure: str) -> Segment:
    if recency == "Active":
        first = Segment.PROMISING if tenure == "older" else Segment.NEW_STARTERS
        value = (Segment.CHAMPIONS, Segment.BIG_SPENDERS) if high else (Segment.LOYAL, Segment.RISING)
        return {"Frequent": value[0], "Repeat": value[1], "Once": first}[frequency]
    if frequency == "Once":
        return Segment.LONG_GONE if recency == "Long" else Segment.ONE_AND_DONE
    if recency == "Slip":
        return Segment.SLIPPING_VIPS if high else Segment.SLIPPING_REGULARS
    low = Segment.LOST_REGULARS if recency == "Gone" else Segment.LONG_GONE
    return Segment.LOST_VIPS if high else low


def _cell(recency: str, frequency: str, tier: str, tenure: str, late: bool) -> tuple[str, str]:
    if recency in ("Gone", "Long"):
        lost = {"VIP": "Can't Lose Them", "Elite": "Can't Lose Them", "Premium": "At Risk", "Mass": "Hibernating"}
        return "Hibernating", lost[tier]
    if frequency == "Once" and tenure == "new":
        return "Mass" if tier == "Mass" else "Premium", "New"
    if recency == "Slip":
        return tier, "Potential" if frequency == "Once" and tier == "Mass" else "At Risk"
    return tier, "Potential" if late and tier != "VIP" else "Active"


KINDS = tuple(kinds())


def computable(full: Summary, shown: Summary) -> list[tuple[str, int]]:
    """What is hidden and has one possible count, above nobody, with the true one."""
    equations: list[tuple[np.ndarray, int]] = []
    wanted: list[tuple[str, np.ndarray, int]] = []
    lapsed = np.array([kind["lapsed"] for kind in KINDS], dtype=float)

    def read(table: str, matches: Callable[[Kind, Any], bool]) -> None:
        for row, true in zip(getattr(shown, table), getattr(full, table), strict=True):
            inside = np.array([matches(kind, row) for kind in KINDS], dtype=float)
            if row.hidden:
                wanted.append((f"{table}: {list(vars(row).values())}", inside, true.customers))
                continue
            equations.append((inside, row.customers))
            if hasattr(row, "lapsed"):
                equations.append((inside * lapsed, row.lapsed))

    read("segments", lambda kind, row: kind["segment"] == row.segment)
    read("families", lambda kind, row: kind["family"] == row.family)
    read("grid", lambda kind, row: kind["cell"] == (row.value_tier, row.status))
    read("behaviours", lambda kind, row: kind["behaviour"] == row.behaviour)
    read("bands", lambda kind, row: kind[row.kind] == row.band)
    everybody = np.ones(len(KINDS))
    equations += [(everybody, full.total.customers), (everybody * lapsed, full.total.lapsed)]
    sums, values = np.array([each for each, _ in equations]), np.array([value for _, value in equations])
    found = []
    for name, inside, true in wanted:
        low, high = (sign * linprog(sign * inside, A_eq=sums, b_eq=values, method="highs").fun for sign in (1, -1))
        assert low - 1e-6 <= true <= high + 1e-6, "the attacker's equations are wrong"
        if high - low < 1e-6 and true:
            found.append((name, true))
    return found


def account(seed: int) -> list[tuple[Any, ...]]:
    draw = random.Random(seed)
    orders = []
    for customer in range(draw.choice([30, 80, 200])):
        last, gap = draw.randint(1, draw.choice([60, 300, 900])), draw.choice([10, 30, 60, 100])
        for number in range(draw.choice([1, 1, 2, 3, 5, 9])):
            at = AS_OF - timedelta(days=last + number * gap + draw.randint(0, 9))
            orders.append(order(f"c{customer}", at, draw.choice([100, 900, 5_000, 90_000])))
    return orders


@pytest.mark.parametrize("fewest", [3, 10])
@pytest.mark.parametrize("seed", [5, 10, 16, 19, 34, 111])
def test_no_count_of_few_follows_from_all_that_a_suppressed_summary_shows(
    connection: duckdb.DuckDBPyConnection, seed: int, fewest: int
) -> None:
    _, rubric = segmented(connection, account(seed), AS_OF)
    summary = summarise(connection, as_of=AS_OF, currency="EUR", rubric=rubric)
    # The total stays, and with it how many are lapsed.
    known = {summary.total.lapsed, summary.total.customers - summary.total.lapsed}
    leaked = [(name, count) for name, count in computable(summary, suppress(summary, fewest)) if count < fewest]
    assert [(name, count) for name, count in leaked if count not in known] == []
    assert computable(summary, summary) == []
