"""The playbook grid: value tier x status. The grid chooses the playbook; segments drive campaigns.

"VIP" here is the top 0.3 % by historic net value; the "VIPs" of a segment's name are the top 20 %.
"""

from enum import StrEnum
from typing import NamedTuple


class ValueTier(StrEnum):
    VIP = "VIP"
    ELITE = "Elite"
    PREMIUM = "Premium"
    MASS = "Mass"
    HIBERNATING = "Hibernating"


class Status(StrEnum):
    ACTIVE = "Active"
    POTENTIAL = "Potential"
    NEW = "New"
    AT_RISK = "At Risk"
    CANT_LOSE_THEM = "Can't Lose Them"
    HIBERNATING = "Hibernating"


class Cell(NamedTuple):
    value_tier: ValueTier
    status: Status


_STATUSES = {
    ValueTier.VIP: (Status.ACTIVE, Status.AT_RISK),
    ValueTier.ELITE: (Status.ACTIVE, Status.POTENTIAL, Status.AT_RISK),
    ValueTier.PREMIUM: (Status.ACTIVE, Status.POTENTIAL, Status.NEW, Status.AT_RISK),
    ValueTier.MASS: (Status.ACTIVE, Status.POTENTIAL, Status.NEW, Status.AT_RISK),
    ValueTier.HIBERNATING: (Status.AT_RISK, Status.CANT_LOSE_THEM, Status.HIBERNATING),
}

CELLS: tuple[Cell, ...] = tuple(Cell(tier, status) for tier, statuses in _STATUSES.items() for status in statuses)
"""Exactly the 16 cells that the playbook has a row for; no other can occur."""
