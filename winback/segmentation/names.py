"""The 13 segments of the rule track and their 5 families, by the names that snapshots, audiences and pages use."""

from enum import StrEnum


class Family(StrEnum):
    HEROES = "Heroes"
    CLIMBERS = "Climbers"
    SLIPPING = "Slipping"
    ALREADY_LOST = "Already Lost"
    TREND_AUDIENCE = "Trend Audience"


class Segment(StrEnum):
    CHAMPIONS = "Champions"
    LOYAL = "Loyal"
    BIG_SPENDERS = "Big Spenders"
    NEW_STARTERS = "New Starters"
    PROMISING = "Promising"
    RISING = "Rising"
    SLIPPING_VIPS = "Slipping VIPs"
    SLIPPING_REGULARS = "Slipping Regulars"
    LOST_VIPS = "Lost VIPs"
    LOST_REGULARS = "Lost Regulars"
    ONE_AND_DONE = "One-and-Done"
    LONG_GONE = "Long Gone"
    TREND_AUDIENCE = "Trend Audience"


FAMILY_OF = {
    Segment.CHAMPIONS: Family.HEROES,
    Segment.LOYAL: Family.HEROES,
    Segment.BIG_SPENDERS: Family.HEROES,
    Segment.NEW_STARTERS: Family.CLIMBERS,
    Segment.PROMISING: Family.CLIMBERS,
    Segment.RISING: Family.CLIMBERS,
    Segment.SLIPPING_VIPS: Family.SLIPPING,
    Segment.SLIPPING_REGULARS: Family.SLIPPING,
    Segment.LOST_VIPS: Family.ALREADY_LOST,
    Segment.LOST_REGULARS: Family.ALREADY_LOST,
    Segment.ONE_AND_DONE: Family.ALREADY_LOST,
    Segment.LONG_GONE: Family.ALREADY_LOST,
    Segment.TREND_AUDIENCE: Family.TREND_AUDIENCE,
}
