"""Names clusters by rules over their centres; the first rule that matches decides.

Centres are in standard deviations from the account's mean, so a name says how a cluster differs from this account's
other customers, not from other shops'. Two clusters of one archetype are told apart by a number, the larger first.
"""

from collections.abc import Mapping, Sequence

POWER, PREMIUM, DEAL, CORE, CASUAL = ARCHETYPES = (
    "Power Shoppers",
    "Premium Lovers",
    "Deal Seekers",
    "Core Shoppers",
    "Casual Shoppers",
)
MUCH, SOME = 0.75, 0.5
"""Standard deviations above the account's mean."""


def archetype(centre: Mapping[str, float]) -> str:
    """`centre`: feature -> standard deviations from the account's mean; a feature that is unknown is left out.

    - Power Shoppers: purchase much more often and are worth much more than the mean (0.75 standard deviations each).
    - Deal Seekers: buy at a discount more often than the mean (0.5), and more markedly than they buy premium.
    - Premium Lovers: buy premium more than the mean (0.5; larger orders where premium is unknown), and more markedly
      than they buy often.
    - Core Shoppers: purchase more often than the mean, or are worth more than it.
    - Casual Shoppers: everyone else.
    """
    frequency, value = centre.get("purchases", 0.0), centre.get("net_minor", 0.0)
    deal = centre.get("discount_share", 0.0)
    premium = centre.get("premium_share", centre.get("average_order_minor", 0.0))
    if frequency >= MUCH and value >= MUCH:
        return POWER
    if deal >= SOME and deal > premium:
        return DEAL
    if premium >= SOME and premium > frequency:
        return PREMIUM
    if frequency > 0 or value > 0:
        return CORE
    return CASUAL


def names(centres: Sequence[Mapping[str, float]]) -> list[str]:
    """One name a cluster, in the order given (the largest first): `Casual Shoppers`, `Casual Shoppers 2`, ..."""
    named: list[str] = []
    seen: dict[str, int] = {}
    for centre in centres:
        name = archetype(centre)
        seen[name] = seen.get(name, 0) + 1
        named.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return named
