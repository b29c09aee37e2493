"""Segments, families, tiers and behaviours in one line each, as pages say them, and one customer's place explained."""

from collections.abc import Mapping
from typing import Any

from winback.pages.figures import money
from winback.segmentation.behaviours import Behaviour
from winback.segmentation.names import Family, Segment
from winback.segmentation.overlays import Overlay

SEGMENTS = {
    Segment.CHAMPIONS: "buy often, spend much, and are in their rhythm",
    Segment.LOYAL: "buy often and are in their rhythm, for smaller sums",
    Segment.BIG_SPENDERS: "came back, spend much, and are in their rhythm",
    Segment.NEW_STARTERS: "bought for the first time, a short while ago",
    Segment.PROMISING: "bought once, and it is not too late for a second time",
    Segment.RISING: "came back at least once and are in their rhythm",
    Segment.SLIPPING_VIPS: "spent much, and are silent for longer than is usual for them",
    Segment.SLIPPING_REGULARS: "came back at least once, and are silent for longer than is usual for them",
    Segment.LOST_VIPS: "spent much over several purchases, and are silent for far longer than is usual for them",
    Segment.LOST_REGULARS: "came back at least once, and are silent for far longer than is usual for them",
    Segment.ONE_AND_DONE: "bought once and are late for a second time",
    Segment.LONG_GONE: "silent for far longer than is usual for them and for all",
    Segment.TREND_AUDIENCE: "only ever buy the one product category with an audience of its own",
}

FAMILIES = {
    Family.HEROES: "the base: keep them, ask little of them",
    Family.CLIMBERS: "recently active, still getting to know you",
    Family.SLIPPING: "drifting away, not gone: what win-back is for",
    Family.ALREADY_LOST: "gone: light touch only",
    Family.TREND_AUDIENCE: "another product, another conversation",
}

OVERLAYS = {
    Overlay.PREMIUM: "whether they buy premium products, and still do",
    Overlay.DISCOUNT: "whether they need a discount to buy",
    Overlay.BREADTH: "whether they buy across categories or keep to a few",
    Overlay.ENGAGEMENT: "whether they open, click and visit",
}

BEHAVIOURS = {
    Behaviour.SEASONAL: "buy in the same months each year",
    Behaviour.ONE_OFF: "bought once",
    Behaviour.REPETITIVE: "come back at regular intervals",
    Behaviour.LOW_FREQUENCY: "came back, and seldom do",
    Behaviour.REGULAR_FREQUENCY: "come back as often as most who do",
    Behaviour.HIGH_FREQUENCY: "come back more often than most who do",
}

EXPLAINED = (
    "segment",
    "net_minor",
    "purchase_orders",
    "median_gap_days",
    "silence_days",
    "lapse_days",
    "seasonal",
    "season_month",
)
"""The columns of the snapshot that `explain` reads."""

_ONE = {
    Segment.CHAMPIONS: "Champion",
    Segment.LOYAL: "Loyal customer",
    Segment.BIG_SPENDERS: "Big Spender",
    Segment.NEW_STARTERS: "New Starter",
    Segment.PROMISING: "Promising customer",
    Segment.RISING: "Rising customer",
    Segment.SLIPPING_VIPS: "Slipping VIP",
    Segment.SLIPPING_REGULARS: "Slipping Regular",
    Segment.LOST_VIPS: "Lost VIP",
    Segment.LOST_REGULARS: "Lost Regular",
    Segment.ONE_AND_DONE: "One-and-Done",
    Segment.LONG_GONE: "Long Gone",
    Segment.TREND_AUDIENCE: "Trend Audience",
}
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def explain(row: Mapping[str, Any], currency: str) -> str:
    """Why a customer is in its segment, of the columns EXPLAINED; the last two may be missing or None.

    "Slipping VIP: spent 2,410.00 GBP in 9 orders, usually every 41 days, silent for 203 (late after 96)".
    """
    segment = Segment(row["segment"])
    orders, silence, lapse = int(row["purchase_orders"]), int(row["silence_days"]), int(row["lapse_days"])
    parts = [f"{_spent(int(row['net_minor']), currency)} in {_number(orders, 'order')}"]
    if segment is Segment.TREND_AUDIENCE:
        parts.append("only ever in the one category")
    if row.get("seasonal") and row.get("season_month"):
        parts.append(f"mostly from {_season(int(row['season_month']))}")
    gap = row["median_gap_days"]
    if gap is not None:
        parts.append("usually every day" if gap < 1.5 else f"usually every {round(gap):,} days")
    if silence <= lapse:
        parts.append(f"last {_number(silence, 'day')} ago" if silence else "last today")
    else:
        parts.append(f"silent for {silence if gap is not None else _number(silence, 'day')}")
    return f"{_ONE[segment]}: {', '.join(parts)} (late after {lapse})"


def _spent(net_minor: int, currency: str) -> str:
    amount = money(abs(net_minor), currency)
    return f"spent {amount}" if net_minor >= 0 else f"returned {amount} more than bought"


def _season(first: int) -> str:
    """The three months that start with number `first`."""
    return f"{_MONTHS[first - 1]} to {_MONTHS[(first + 1) % 12]}"


def _number(number: int, unit: str) -> str:
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"
