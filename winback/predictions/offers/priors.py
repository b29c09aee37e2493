"""What is assumed of messages and offers where nothing has been learned yet: by cell of the grid, from priors.toml."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from winback.predictions.offers.effects import NO_OFFER, Effect, EffectSource


@dataclass(frozen=True)
class Prior:
    """In purchase margins against sending nothing; `offer` is what an offer adds to the message."""

    message: float
    offer: float
    error: float


@cache
def shipped_priors() -> dict[tuple[str, str], Prior]:
    """By (value tier, status). Raises ValueError for a cell that comes twice or an error that is not above 0."""
    text = files("winback.predictions.offers").joinpath("priors.toml").read_text(encoding="utf-8")
    priors: dict[tuple[str, str], Prior] = {}
    for row in tomllib.loads(text)["cells"]:
        cell = (row["value_tier"], row["status"])
        if cell in priors or row["error"] <= 0:
            raise ValueError(
                f"the prior of {' / '.join(cell)} comes twice or has no error: expected one, error above 0"
            )
        priors[cell] = Prior(float(row["message"]), float(row["offer"]), float(row["error"]))
    return priors


def prior_effects(value_tier: str, status: str, arms: Iterable[str]) -> dict[str, Effect]:
    """The assumed effect of each arm on a customer of that cell, marked as a prior. Raises KeyError for no cell."""
    prior = shipped_priors()[value_tier, status]
    return {
        arm: Effect(
            uplift=round(prior.message + (0.0 if arm == NO_OFFER else prior.offer), 6),
            error=prior.error,
            source=EffectSource.PRIOR,
        )
        for arm in arms
    }
