"""What the engine asks of AWS beside the messages themselves, as it was counted on a run: `counted.json`.

`python -m bench campaign_cost` runs the very functions from audience to report, counts, and writes the file; dry runs,
`winback cost` and docs/costs.md read it. Each cause has its own measure (customers enrolled, rows planned, messages
sent ...), so that a launch of other proportions costs what its own numbers make of it.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from winback.costs.prices import price

MILLION = 1_000_000
LAUNCH_MESSAGES = 100_000  # of a launch, where a million messages are spoken of


class Measure(StrEnum):
    """What a cause is counted by."""

    CANDIDATE = "candidate"
    """A customer of the audience."""
    PLANNED = "planned"
    """A row of a dry run's or a live step's plan."""
    MESSAGE = "message"
    """A message that a provider took."""
    LAUNCH = "launch"
    """A launch, however many it addresses."""
    ORDER = "order"
    """An order taken in."""
    CUSTOMER_DAY = "customer_day"
    """A customer in one daily refresh."""
    MINUTE = "minute"
    """A minute in which nothing is due."""
    MONTH = "month"
    """A month of a deployed stage."""


class Cause(BaseModel):
    """`units`: how many of each priced unit (prices.toml) `count` of its measure took."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    does: str
    measure: Measure
    count: int = Field(ge=1)
    units: Mapping[str, float]
    calls: Mapping[str, int] = Field(default_factory=dict, description="requests by service")

    def of(self, number: float) -> dict[str, Decimal]:
        """Dollars by service for `number` of the measure."""
        found: dict[str, Decimal] = {}
        for name, units in self.units.items():
            listed = price(name)
            dollars = listed.of(Decimal(str(units)) * Decimal(str(number)) / self.count)
            found[listed.service] = found.get(listed.service, Decimal(0)) + dollars
        return found

    def total(self, number: float) -> Decimal:
        return sum(self.of(number).values(), Decimal(0))


class Run(BaseModel):
    """The proportions of the run that was counted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: int
    planned: int
    messages: int
    events: int = Field(description="of the provider, about those messages")
    steps: int
    chunk_rows: int


class Counted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    counted_on: str
    how: str
    assumed: tuple[str, ...]
    run: Run
    causes: tuple[Cause, ...]

    def per_million_messages(self) -> dict[str, dict[str, Decimal]]:
        """Dollars by cause and service for a million messages in the proportions of the run, by launches of
        LAUNCH_MESSAGES.

        One month's storage is in; import, refresh and what a stage costs by the month are out.
        """
        per_message = {
            Measure.CANDIDATE: self.run.candidates / self.run.messages,
            Measure.PLANNED: self.run.planned / self.run.messages,
            Measure.MESSAGE: 1.0,
            Measure.LAUNCH: 1 / LAUNCH_MESSAGES,
        }
        return {
            cause.name: cause.of(MILLION * per_message[cause.measure])
            for cause in self.causes
            if cause.measure in per_message
        }

    def launch_cost(self, *, candidates: int, planned: int, messages: int) -> dict[str, Decimal]:
        """Dollars by cause for a launch of these numbers, beyond the providers'."""
        numbers = {
            Measure.CANDIDATE: candidates,
            Measure.PLANNED: planned,
            Measure.MESSAGE: messages,
            Measure.LAUNCH: 1,
        }
        return {cause.name: cause.total(numbers[cause.measure]) for cause in self.causes if cause.measure in numbers}

    def cause(self, name: str) -> Cause:
        """Raises KeyError when nothing of that name was counted."""
        for cause in self.causes:
            if cause.name == name:
                return cause
        raise KeyError(name)

    @classmethod
    def read(cls, text: str) -> Self:
        return cls.model_validate_json(text)


@cache
def counted() -> Counted:
    """The figures that ship."""
    return Counted.read(files("winback.costs").joinpath("counted.json").read_text(encoding="utf-8"))
