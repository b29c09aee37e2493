"""The four overlays: independent tiers laid over the segments, each customer in exactly one tier of each.

overlays.sql has the rules; rubric.toml documents their settings.
"""

from enum import StrEnum


class PremiumTier(StrEnum):
    ACTIVE = "active"
    LAPSED = "lapsed"
    MIXED = "mixed"
    NONE = "none"


class DiscountTier(StrEnum):
    NEVER = "never"
    OCCASIONAL = "occasional"
    ACQUISITION_ONE_SHOT = "acquisition one-shot"
    REPEAT = "repeat"


class BreadthTier(StrEnum):
    NARROW = "narrow"
    WIDE = "wide"
    NOT_KNOWN = "n/a"


class EngagementTier(StrEnum):
    VERY_HIGH = "very high"
    HIGH = "high"
    MIDDLE = "middle"
    LOW = "low"
    VERY_LOW = "very low"
    NOT_KNOWN = "n/a"


class Overlay(StrEnum):
    PREMIUM = "premium"
    DISCOUNT = "discount"
    BREADTH = "breadth"
    ENGAGEMENT = "engagement"

    @property
    def column(self) -> str:
        """Its column of the snapshot, such as `premium_tier`."""
        return f"{self}_tier"


TIERS: dict[Overlay, tuple[str, ...]] = {
    Overlay.PREMIUM: tuple(PremiumTier),
    Overlay.DISCOUNT: tuple(DiscountTier),
    Overlay.BREADTH: tuple(BreadthTier),
    Overlay.ENGAGEMENT: tuple(EngagementTier),
}
"""The tiers of each overlay, in the order that pages list them."""
