"""Segments, families and statuses in one line each, as pages say them."""

from winback.segmentation.names import Family, Segment

SEGMENTS = {
    Segment.CHAMPIONS: "buy often, spend much, and are in their rhythm",
    Segment.LOYAL: "buy often and are in their rhythm, for smaller sums",
    Segment.BIG_SPENDERS: "came back, spend much, and are in their rhythm",
    Segment.NEW_STARTERS: "bought for the first time in the last 60 days",
    Segment.PROMISING: "bought once, and it is not too late for a second time",
    Segment.RISING: "came back at least once and are in their rhythm",
    Segment.SLIPPING_VIPS: "spent much, and are silent for longer than is usual for them",
    Segment.SLIPPING_REGULARS: "came back at least once, and are silent for longer than is usual for them",
    Segment.LOST_VIPS: "spent much over several purchases, and are silent for over twice their usual",
    Segment.LOST_REGULARS: "came back at least once, and are silent for over twice their usual",
    Segment.ONE_AND_DONE: "bought once and are late for a second time",
    Segment.LONG_GONE: "silent for over twice their usual and twice the account's",
    Segment.TREND_AUDIENCE: "only ever buy the one product category with an audience of its own",
}

FAMILIES = {
    Family.HEROES: "the base: keep them, ask little of them",
    Family.CLIMBERS: "recently active, still getting to know you",
    Family.SLIPPING: "drifting away, not gone: what win-back is for",
    Family.ALREADY_LOST: "gone: light touch only",
    Family.TREND_AUDIENCE: "another product, another conversation",
}
