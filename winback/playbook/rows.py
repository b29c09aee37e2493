"""The rows of a playbook: one for each cell of the grid, one for each purchase behaviour.

A playbook is data (TOML or JSON); these models say what may stand in it. It names kinds of offers, never their size: a
person decides on an offer when a launch is approved, and nothing here promises a rate.
"""

import re
from collections import Counter
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from winback.campaigns.steps import MAX_EVALUATION_DAYS, MAX_STEPS
from winback.delivery.messages import shipped_templates
from winback.segmentation.behaviours import Behaviour
from winback.segmentation.grid import CELLS, Cell, Status, ValueTier

QUARTER_DAYS = 91
_RATE = re.compile(r"\d\s*(%|per\s?cent|pct)", re.IGNORECASE)


class Priority(StrEnum):
    """In the order in which people work: the campaign of a critical cell is called top priority."""

    CRITICAL = "Critical"
    HIGHEST = "Highest"
    ELEVATED = "Elevated"
    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"

    @property
    def rank(self) -> int:
        """1 is worked first."""
        return list(Priority).index(self) + 1


class PlaybookChannel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    ACCOUNT_MANAGER = "account manager"
    PHONE = "phone"
    EVENTS = "events"
    ADS = "ads"
    SOCIAL = "social"


BY_PERSON = (PlaybookChannel.ACCOUNT_MANAGER, PlaybookChannel.PHONE, PlaybookChannel.EVENTS)
"""Channels that a person works off a call list."""
ELSEWHERE = (PlaybookChannel.ADS, PlaybookChannel.SOCIAL)
"""Channels that run in somebody else's tool."""


class Cadence(StrEnum):
    ONCE = "once"
    ONGOING = "ongoing"
    QUARTERLY = "quarterly"


class OfferKind(StrEnum):
    ONE_TO_ONE = "one-to-one offer"
    EARLY_ACCESS = "early access"
    TAILORED_PRICING = "tailored pricing"
    PREMIUM_DISCOUNT = "premium discount"
    LOYALTY_POINTS = "loyalty points"
    BUNDLE = "bundle"
    CATEGORY_DISCOUNT = "category discount"
    CROSS_SELL = "cross-sell"
    VOLUME_DISCOUNT = "volume discount"
    COUPON = "coupon"
    NONE = "none"


class HoldoutRule(StrEnum):
    MEASURE = "measure"
    """Some customers of the cell receive nothing, so that the campaign's effect can be told."""
    NONE = "none"
    """Too few and too dear: everybody is contacted, and the effect cannot be told."""


def _no_rate(text: str) -> str:
    if _RATE.search(text):
        raise ValueError("states a rate: expected words without a percentage, for nothing promises one")
    return text


Words = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_no_rate)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Timing(_Part):
    """Days count from the launch's start, for customers who are in the cell by then."""

    words: Words
    earliest_days: int = Field(ge=0, le=MAX_EVALUATION_DAYS)
    latest_days: int | None = Field(default=None, ge=0, le=MAX_EVALUATION_DAYS, description="none: no end")
    cadence: Cadence

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.latest_days is not None and self.latest_days < self.earliest_days:
            raise ValueError(
                f"latest_days is {self.latest_days}: expected at least earliest_days, {self.earliest_days}"
            )
        return self

    @property
    def again_after_days(self) -> int | None:
        """How long the cell is left in peace before its campaign is launched again; None: as needed."""
        return QUARTER_DAYS if self.cadence is Cadence.QUARTERLY else None


class Offer(_Part):
    kinds: tuple[OfferKind, ...] = Field(min_length=1)
    words: Words


class Touch(_Part):
    """One message of the draft campaign."""

    template: str
    after_days: int = Field(ge=0, description="days after the launch's start")

    @field_validator("template")
    @classmethod
    def _shipped(cls, name: str) -> str:
        if name not in shipped_templates():
            raise ValueError(f"no template {name!r}: expected one of {', '.join(shipped_templates())}")
        return name


class Draft(_Part):
    """The e-mail campaign that `apply` makes of the row."""

    touches: tuple[Touch, ...] = Field(min_length=1, max_length=MAX_STEPS)
    holdout: HoldoutRule = HoldoutRule.MEASURE
    evaluation_days: int = Field(default=QUARTER_DAYS, ge=1, le=MAX_EVALUATION_DAYS)

    @model_validator(mode="after")
    def _one_after_another(self) -> Self:
        for one, following in pairwise(self.touches):
            if following.after_days <= one.after_days:
                raise ValueError(
                    f"a touch on day {following.after_days} follows day {one.after_days}: days must increase"
                )
        if self.evaluation_days <= self.touches[-1].after_days + 1:
            raise ValueError(
                f"evaluation_days is {self.evaluation_days}: expected at least {self.touches[-1].after_days + 2}, "
                "two days after the last touch"
            )
        return self


class PlaybookCell(_Part):
    """What to do about the customers of one cell."""

    value_tier: ValueTier
    status: Status
    priority: Priority
    campaign: Words
    tactics: tuple[Words, ...] = Field(min_length=1)
    channels: tuple[PlaybookChannel, ...] = Field(min_length=1)
    timing: Timing
    offer: Offer
    kpis: tuple[Words, ...] = Field(min_length=1)
    draft: Draft | None = None

    @field_validator("channels")
    @classmethod
    def _each_once(cls, channels: tuple[PlaybookChannel, ...]) -> tuple[PlaybookChannel, ...]:
        if len(set(channels)) < len(channels):
            raise ValueError("names a channel twice: expected each once")
        return channels

    @model_validator(mode="after")
    def _drafted_for_email(self) -> Self:
        by_email = PlaybookChannel.EMAIL in self.channels
        if by_email != (self.draft is not None):
            raise ValueError(
                "the channels name email, but there is no draft: expected one"
                if by_email
                else "there is a draft, but the channels do not name email: expected both or neither"
            )
        if self.draft is not None:
            first, last = self.draft.touches[0].after_days, self.draft.touches[-1].after_days
            latest = self.timing.latest_days
            if first < self.timing.earliest_days or (latest is not None and last > latest):
                window = f"{self.timing.earliest_days} to {latest if latest is not None else 'any later day'}"
                raise ValueError(f"touches on days {first} to {last} leave the timing: expected days {window}")
            if self.timing.cadence is Cadence.QUARTERLY and len(self.draft.touches) > 1:
                raise ValueError(
                    f"{len(self.draft.touches)} touches in a quarter: expected one, the cadence is quarterly"
                )
        return self

    @property
    def cell(self) -> Cell:
        return Cell(self.value_tier, self.status)

    @property
    def by_person(self) -> tuple[PlaybookChannel, ...]:
        return tuple(channel for channel in self.channels if channel in BY_PERSON)

    @property
    def elsewhere(self) -> tuple[PlaybookChannel, ...]:
        return tuple(channel for channel in self.channels if channel in ELSEWHERE)


class PlaybookBehaviour(_Part):
    name: Behaviour
    rule: Annotated[str, Field(min_length=1, max_length=400)]
    tactics: tuple[Words, ...] = Field(min_length=1)


class Playbook(_Part):
    """All 16 cells in the grid's order and all six behaviours: none missing, none twice, no other."""

    cells: tuple[PlaybookCell, ...]
    behaviours: tuple[PlaybookBehaviour, ...]

    @field_validator("cells")
    @classmethod
    def _every_cell_once(cls, cells: tuple[PlaybookCell, ...]) -> tuple[PlaybookCell, ...]:
        counts = Counter(row.cell for row in cells)
        impossible = [cell for cell in counts if cell not in CELLS]
        twice = [cell for cell, count in counts.items() if count > 1]
        missing = [cell for cell in CELLS if cell not in counts]
        for cells_, problem, expected in (
            (impossible, "cannot occur in the grid", "one of its 16 cells"),
            (twice, "has more than one row", "one"),
            (missing, "has no row", "one for each of the 16 cells"),
        ):
            if cells_:
                raise ValueError(f"{'; '.join(map(cell_name, cells_))} {problem}: expected {expected}")
        return tuple(sorted(cells, key=lambda row: CELLS.index(row.cell)))

    @field_validator("behaviours")
    @classmethod
    def _every_behaviour_once(cls, rows: tuple[PlaybookBehaviour, ...]) -> tuple[PlaybookBehaviour, ...]:
        order = list(Behaviour)
        if sorted(order.index(row.name) for row in rows) != list(range(len(order))):
            found = ", ".join(row.name for row in rows) or "none"
            raise ValueError(f"there are rows for {found}: expected one for each of {', '.join(order)}")
        return tuple(sorted(rows, key=lambda row: order.index(row.name)))

    def row(self, cell: Cell) -> PlaybookCell:
        return self.cells[CELLS.index(cell)]

    @property
    def called(self) -> tuple[PlaybookCell, ...]:
        """The rows with a channel that a person works."""
        return tuple(row for row in self.cells if row.by_person)


def cell_name(cell: Cell) -> str:
    """`VIP / At Risk`, as people and requests write it."""
    return f"{cell.value_tier} / {cell.status}"


def parse_cell(text: str) -> Cell:
    """From `VIP / At Risk`; case and spaces do not matter. Raises ValueError naming the 16 that there are."""
    wanted = "/".join(" ".join(part.split()) for part in text.split("/")).casefold()
    for cell in CELLS:
        if wanted == f"{cell.value_tier}/{cell.status}".casefold():
            return cell
    raise ValueError(f"is no cell of the grid: expected one of {', '.join(map(cell_name, CELLS))}")
