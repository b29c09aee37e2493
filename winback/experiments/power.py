"""How large an effect an experiment can see, and how many customers it takes to see one.

Fleiss, Levin and Paik 2003, *Statistical Methods for Rates and Proportions*, ch. 4, for unequal arms: the test's error
comes from the pooled rate, the effect's own from the two rates. Taking the base rate for both, as the rule of thumb
does, claims 80 % where a launch of 500 against 500 at 6 % has 69 %.
"""

from math import ceil, sqrt
from statistics import NormalDist

from winback.experiments.student import t_quantile

CONFIDENCE = 0.95
POWER = 0.8


def smallest_detectable_effect(
    treated: float, held_out: float, base_rate: float, *, confidence: float = CONFIDENCE, power: float = POWER
) -> float | None:
    """The smallest true increase over the base rate, as a share of 1, that a two-sided test finds with that power.

    None when an arm is empty or no rate up to 1 would be found. Raises ValueError unless the base rate is within 0..1.
    """
    if not 0 <= base_rate <= 1:
        raise ValueError(f"base rate {base_rate} is not within 0 and 1")
    if treated <= 0 or held_out <= 0:
        return None

    def found(effect: float) -> bool:
        return effect >= _needed_effect(base_rate, base_rate + effect, treated, held_out, confidence, power)

    low, high = 0.0, 1 - base_rate
    if high == 0 or not found(high):
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def needed_customers(
    base_rate: float, effect: float, holdout_share: float, *, confidence: float = CONFIDENCE, power: float = POWER
) -> int:
    """How many customers, both arms together, show a true increase of `effect` (a share of 1) with that power.

    Raises ValueError unless the effect is above 0, the raised rate at most 1, and the share between 0 and 1.
    """
    if effect <= 0 or base_rate < 0 or base_rate + effect > 1 or not 0 < holdout_share < 1:
        raise ValueError(
            f"cannot size a launch for effect {effect}, base rate {base_rate}, holdout share {holdout_share}: expected "
            "an effect above 0, a raised rate of at most 1, and a share between 0 and 1"
        )
    of_one = _needed_effect(base_rate, base_rate + effect, 1 - holdout_share, holdout_share, confidence, power)
    return ceil((of_one / effect) ** 2)


def detectable_difference_of_means(
    standard_error: float, freedom: float, *, confidence: float = CONFIDENCE, power: float = POWER
) -> float:
    """The smallest true difference of means that a two-sided Welch test of this error finds with that power.

    (t_(1 - alpha/2) + t_power) standard errors: Cohen 1988, *Statistical Power Analysis*, ch. 2, unequal variances.
    """
    return (t_quantile((1 + confidence) / 2, freedom) + t_quantile(power, freedom)) * standard_error


def needed_for_means(
    first_variance: float,
    second_variance: float,
    effect: float,
    second_share: float,
    *,
    confidence: float = CONFIDENCE,
    power: float = POWER,
) -> int:
    """How many customers, both arms together, show a true difference of means of `effect` with that power.

    Normal quantiles, so it is a few customers short below some thirty. Raises ValueError unless the effect is above 0
    and the second arm's share of the two between 0 and 1.
    """
    if effect <= 0 or not 0 < second_share < 1:
        raise ValueError(f"cannot size arms for effect {effect} and share {second_share}: expected above 0, and 0 to 1")
    normal = NormalDist()
    quantiles = normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(power)
    spread = first_variance / (1 - second_share) + second_variance / second_share
    return max(4, ceil(spread * (quantiles / effect) ** 2))


def _needed_effect(  # noqa: PLR0917 (the six quantities of one formula)
    base: float, raised: float, treated: float, held_out: float, confidence: float, power: float
) -> float:
    pooled = (raised * treated + base * held_out) / (treated + held_out)
    under_null = sqrt(pooled * (1 - pooled) * (1 / treated + 1 / held_out))
    under_effect = sqrt(raised * (1 - raised) / treated + base * (1 - base) / held_out)
    normal = NormalDist()
    return normal.inv_cdf((1 + confidence) / 2) * under_null + normal.inv_cdf(power) * under_effect
