"""What an arm is expected to change for a customer, and from where that is known."""

from dataclasses import dataclass
from enum import StrEnum

NO_MESSAGE = "no message"
"""Sending nothing: always among the choices, without effect and cost."""
NO_OFFER = "none"
"""A message without an offer: always among the choices."""


class EffectSource(StrEnum):
    """The best first."""

    MODEL = "model"
    LAST = "last"
    """The model's answer of an earlier decision."""
    PRIOR = "prior"


@dataclass(frozen=True)
class Effect:
    """`uplift` against sending nothing and its standard `error`, in purchase margins, before costs."""

    uplift: float
    error: float
    source: EffectSource
    model_id: str | None = None


@dataclass(frozen=True)
class Arm:
    """Something that a customer may get, in minor units.

    `offer_cost_minor`: what the offer costs once given, beyond the discount that the margin of orders shows by itself.
    `reserve_minor`: the most that it can cost, which is what it takes of budget and caps.
    """

    name: str
    offer_cost_minor: int = 0
    reserve_minor: int = 0
    channel_cost_minor: int = 0

    def __post_init__(self) -> None:
        if self.name in (NO_MESSAGE, ""):
            raise ValueError(f"an arm is called {self.name!r}: expected a name of its own; sending nothing is implied")
        if min(self.offer_cost_minor, self.channel_cost_minor) < 0 or self.reserve_minor < self.offer_cost_minor:
            raise ValueError(
                f"arm {self.name!r} costs {self.offer_cost_minor} and {self.channel_cost_minor} and reserves "
                f"{self.reserve_minor}: expected no negative cost, and a reserve of at least the offer's cost"
            )
        if self.name == NO_OFFER and self.reserve_minor:
            raise ValueError(f"arm {NO_OFFER!r} reserves {self.reserve_minor}: expected 0, there is no offer in it")

    @property
    def cost_minor(self) -> int:
        return self.offer_cost_minor + self.channel_cost_minor

    @property
    def spend_minor(self) -> int:
        """What it takes of the budget."""
        return self.reserve_minor + self.channel_cost_minor
