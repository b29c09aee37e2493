"""Reads a rubric's thresholds from an account's facts, and hands a rubric's numbers to the rules' SQL."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from winback.money import Money
from winback.segmentation.rubric import (
    Bands,
    BehaviourCuts,
    Cuts4,
    OverlayCuts,
    Rubric,
    ScoreCuts,
    Thresholds,
)
from winback.segmentation.rubric_settings import RubricSettings

_MILLION = 1_000_000


class Quantile(NamedTuple):
    """A row of the relation `quantiles` that bands.sql reads."""

    name: str
    measure: str
    millionths: int


def quantiles_of(settings: RubricSettings) -> list[Quantile]:
    """Which quantiles of which measures bands.sql has to find for these settings."""
    bands, overlays, behaviours = settings.bands, settings.overlays, settings.behaviours
    wanted = [
        ("high_value", "net_minor", bands.high_value_quantile),
        ("premium", "net_minor", bands.premium_quantile),
        ("elite", "net_minor", bands.elite_quantile),
        ("vip", "net_minor", bands.vip_quantile),
        ("frequent", "repeaters_purchases", bands.frequent_quantile),
        ("premium_active", "premium_permille", overlays.premium_active_quantile),
        ("discount_repeat", "discount_permille", overlays.discount_repeat_quantile),
        ("wide", "categories", overlays.wide_quantile),
        ("low_frequency", "yearly_milli", behaviours.low_quantile),
        ("high_frequency", "yearly_milli", behaviours.high_quantile),
    ]
    for number, quantile in enumerate(settings.scores.quantiles, start=1):
        wanted += [
            (f"recency_{number}", "silence_days", quantile),
            (f"frequency_{number}", "purchases", quantile),
            (f"monetary_{number}", "net_minor", quantile),
        ]
    for number, quantile in enumerate(overlays.engagement_quantiles, start=1):
        wanted.append((f"engagement_{number}", "engagement_micro", quantile))
    return [Quantile(name, measure, round(quantile * _MILLION)) for name, measure, quantile in wanted]


def thresholds_from(cuts: Mapping[str, int], settings: RubricSettings, currency: str) -> Thresholds:
    """From what bands.sql found, by the quantile's name; one is missing where nobody has the measure.

    Absolute settings, amounts in `currency`, replace what was found. Raises ValueError for an amount with more decimals
    than the currency has.
    """
    scores, overlays, behaviours = settings.scores, settings.overlays, settings.behaviours
    values = None if scores.value is None else Cuts4(*(_minor(amount, currency) for amount in scores.value))
    engagement = overlays.engagement
    return Thresholds(
        bands=_bands(cuts, settings, currency),
        scores=ScoreCuts(
            recency_days=Cuts4(*scores.recency_days) if scores.recency_days is not None else _four("recency", cuts),
            purchases=Cuts4(*scores.purchases) if scores.purchases is not None else _four("frequency", cuts),
            value_minor=values if values is not None else _four("monetary", cuts),
        ),
        overlays=OverlayCuts(
            premium_active_permille=max(round(overlays.premium_active_share * 1000), cuts.get("premium_active", 0)),
            repeat_discount_permille=max(round(overlays.discount_repeat_share * 1000), cuts.get("discount_repeat", 0)),
            wide_categories=(
                overlays.wide_categories
                if overlays.wide_categories is not None
                else max(overlays.wide_at_least, cuts.get("wide", 0))
            ),
            engagement_micro=(
                Cuts4(*(round(cut * _MILLION) for cut in engagement))
                if engagement is not None
                else _four("engagement", cuts)
            ),
        ),
        behaviours=_between(
            cuts.get("low_frequency", 0) / 1000,
            cuts.get("high_frequency", 0) / 1000,
            behaviours.low_per_year,
            behaviours.high_per_year,
        ),
    )


def parameters_of(rubric: Rubric) -> dict[str, int | float]:
    """The parameters of thresholds.sql."""
    settings = rubric.settings
    return {
        **rubric.bands.model_dump(),
        "lost_after": settings.recency.lost_after,
        "new_starter_days": settings.recency.new_starter_days,
        "new_days": settings.recency.new_days,
        "potential_after": settings.recency.potential_after,
        **_numbered("recency", rubric.scores.recency_days),
        **_numbered("frequency", rubric.scores.purchases),
        **_numbered("monetary", rubric.scores.value_minor),
        "premium_active_permille": rubric.overlays.premium_active_permille,
        "repeat_discount_orders": settings.overlays.discount_repeat_orders,
        "repeat_discount_permille": rubric.overlays.repeat_discount_permille,
        "wide_categories": rubric.overlays.wide_categories,
        **_numbered("engagement", rubric.overlays.engagement_micro),
        "repetitive_gaps": settings.behaviours.repetitive_gaps,
        "repetitive_variance": settings.behaviours.repetitive_spread**2,
        "spread_prior_gaps": settings.behaviours.spread_prior_gaps,
        "spread_prior_variance": rubric.rhythm.within,
        "low_yearly_milli": round(rubric.behaviours.low_per_year * 1000),
        "high_yearly_milli": round(rubric.behaviours.high_per_year * 1000),
        "shortest_tenure_days": settings.behaviours.shortest_tenure_days,
    }


def _bands(cuts: Mapping[str, int], settings: RubricSettings, currency: str) -> Bands:
    bands = settings.bands
    given = [
        None if amount is None else _minor(amount, currency)
        for amount in (bands.premium_above, bands.elite_above, bands.vip_above)
    ]
    found = [cuts.get(name, 0) for name in ("premium", "elite", "vip")]
    premium, elite, vip = _ascending(found, given)
    return Bands(
        high_value_minor=cuts.get("high_value", 0) if bands.high_value is None else _minor(bands.high_value, currency),
        frequent_purchases=(
            bands.frequent_purchases
            if bands.frequent_purchases is not None
            else max(bands.frequent_at_least, cuts.get("frequent", 0))
        ),
        premium_above_minor=premium,
        elite_above_minor=elite,
        vip_above_minor=vip,
    )


def _ascending(found: list[int], given: list[int | None]) -> list[int]:
    """The given ones as they are; what was found in the data gives way: never above a later given one or below an
    earlier.
    """
    cuts = []
    for position, (value, absolute) in enumerate(zip(found, given, strict=True)):
        if absolute is None:
            later = [cut for cut in given[position + 1 :] if cut is not None]
            earlier = [cut for cut in given[:position] if cut is not None]
            cuts.append(max([min([value, *later]), *earlier]))
        else:
            cuts.append(absolute)
    return cuts


def _between(found_low: float, found_high: float, low: float | None, high: float | None) -> BehaviourCuts:
    if low is None:
        low = found_low if high is None else min(found_low, high)
    return BehaviourCuts(low_per_year=low, high_per_year=max(found_high, low) if high is None else high)


def _four(name: str, cuts: Mapping[str, int]) -> Cuts4:
    return Cuts4(*(cuts.get(f"{name}_{number}", 0) for number in range(1, 5)))


def _numbered(name: str, values: tuple[int, ...]) -> dict[str, int]:
    return {f"{name}_{number}": value for number, value in enumerate(values, start=1)}


def _minor(amount: Decimal, currency: str) -> int:
    return Money.of(amount, currency).minor
