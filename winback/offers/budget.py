"""What a launch has spent of its budgets, and what it still may."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Spend:
    """What one send takes, or many have taken: messages, hundredths of minor units for them (an e-mail costs no whole
    one), minor units of offers at their worst."""

    sends: int = 0
    messages_hundredths: int = 0
    offers_minor: int = 0

    def __post_init__(self) -> None:
        if min(self.sends, self.messages_hundredths, self.offers_minor) < 0:
            raise ValueError(f"{self} takes less than nothing: expected no negative amount")

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.sends + other.sends,
            self.messages_hundredths + other.messages_hundredths,
            self.offers_minor + other.offers_minor,
        )


@dataclass(frozen=True)
class Limits:
    """The most of each; None: no limit."""

    sends: int | None = None
    messages_hundredths: int | None = None
    offers_minor: int | None = None

    def hold(self, spent: Spend) -> bool:
        return all(limit is None or getattr(spent, name) <= limit for name, limit in self.by_name.items())

    @property
    def by_name(self) -> dict[str, int | None]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def fitting(wanted: Sequence[Spend], spent: Spend, limits: Limits) -> list[bool]:
    """Which of the wanted, one after the other, still fit beside what is spent; a small one may fit behind a large."""
    answers = []
    for one in wanted:
        fits = limits.hold(spent + one)
        spent = spent + one if fits else spent
        answers.append(fits)
    return answers


def total(spends: Sequence[Spend]) -> Spend:
    whole = Spend()
    for one in spends:
        whole += one
    return whole
