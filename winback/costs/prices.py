"""List prices, by name, from `prices.toml`: whoever shows a cost shows `read_on()` and `region()` with it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Price:
    """What `per` units cost, in the table's currency."""

    name: str
    service: str
    amount: Decimal
    per: int
    unit: str
    source: str
    note: str = ""

    def of(self, units: Decimal | int) -> Decimal:
        return self.amount * units / self.per


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("winback.costs").joinpath("prices.toml").read_text(encoding="utf-8"))


@cache
def prices() -> Mapping[str, Price]:
    """Every price by its name, in the table's order."""
    return {name: Price(name, **{**row, "amount": Decimal(row["amount"])}) for name, row in _table()["prices"].items()}


def price(name: str) -> Price:
    """Raises KeyError for a name that the table has not."""
    return prices()[name]


def read_on() -> str:
    """The day on which the prices were looked up, ISO 8601."""
    return str(_table()["read_on"])


def region() -> str:
    return str(_table()["region"])


def currency() -> str:
    return str(_table()["currency"])
