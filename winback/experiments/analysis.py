"""What an experiment says: every arm against the control, for every outcome, and what speaks against believing it.

Rates are compared as a campaign's report compares them (winback/experiments/statistics.py): Newcombe's interval,
Fisher's exact test where arms are small or events rare, the pooled z test elsewhere. Means are compared by Welch's t; a
rate of clustered rows is a mean of units too. Claims are corrected for their number by Holm's method. Amounts are
compared a second time capped at a quantile stated beforehand, and once more without the largest units.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isclose

from winback.experiments.cautions import cautions
from winback.experiments.chi_square import goodness_of_fit
from winback.experiments.corrections import holm
from winback.experiments.lift import lift_of_means, lift_of_proportions
from winback.experiments.power import (
    CONFIDENCE,
    detectable_difference_of_means,
    needed_customers,
    needed_for_means,
    smallest_detectable_effect,
)
from winback.experiments.results import Analysis, Arm, ArmOutcome, Capped, Comparison, OutcomeResult
from winback.experiments.samples import Experiment, Kind, Outcome, Sample, without
from winback.experiments.statistics import (
    ERROR,
    SAMPLE_RATIO_ALARM,
    Moments,
    Proportion,
    Verdict,
    difference_of_means,
    difference_of_proportions,
    mean_is_steady,
    sample_ratio_check,
    verdict,
    welch_freedom,
)


class UnusableShares(ValueError):
    """The expected shares do not fit the arms; the message says how."""


def analyse(
    experiment: Experiment, *, expected_shares: Mapping[str, float] | None = None, detect: float | None = None
) -> Analysis:
    """`detect`: an absolute difference, in the outcomes' unit, for which to say how many units it takes.

    Sizes are for 80 % power at 5 %, divided by the number of comparisons, as Holm's first step divides it. Raises
    UnusableShares.
    """
    expected = _expected(experiment, expected_shares)
    ratio = _sample_ratio(experiment.units, expected)
    others = [arm for arm in experiment.units if arm != experiment.control]
    tests = len(others) * len(experiment.outcomes)
    size = Sizes(confidence=1 - ERROR / tests, detect=detect)
    found = [[_compare(outcome, arm, experiment.control, size) for arm in others] for outcome in experiment.outcomes]
    adjusted = iter(holm([_p_value(one) for comparisons in found for one in comparisons]))
    adjusted_capped = iter(holm([_p_value(one.capped or one) for comparisons in found for one in comparisons]))
    results = tuple(
        OutcomeResult(
            outcome.name,
            outcome.kind,
            tuple(_arm_outcome(arm, outcome.samples[arm]) for arm in _order(experiment)),
            tuple(_corrected(one, next(adjusted), next(adjusted_capped)) for one in comparisons),
        )
        for outcome, comparisons in zip(experiment.outcomes, found, strict=True)
    )
    total = sum(experiment.units.values())
    arms = tuple(
        Arm(arm, experiment.units.get(arm, 0), expected[arm], experiment.units.get(arm, 0) / total)
        for arm in [*_order(experiment), *(arm for arm in expected if arm not in experiment.units)]
    )
    trustworthy = ratio >= SAMPLE_RATIO_ALARM
    return Analysis(
        control=experiment.control,
        unit=experiment.unit,
        clustered=experiment.clustered,
        rows=experiment.rows,
        rows_without_arm=experiment.rows_without_arm,
        arms=arms,
        sample_ratio_p_value=ratio,
        trustworthy=trustworthy,
        comparisons=tests,
        detect=detect,
        outcomes=results,
        warnings=tuple(cautions(experiment, results, ratio)),
    )


def _order(experiment: Experiment) -> list[str]:
    """The control first."""
    return [experiment.control, *(arm for arm in experiment.units if arm != experiment.control)]


def _expected(experiment: Experiment, given: Mapping[str, float] | None) -> dict[str, float]:
    if given is None:
        return dict.fromkeys(experiment.units, 1 / len(experiment.units))
    missing = [arm for arm in experiment.units if arm not in given]
    if missing:
        raise UnusableShares(f"no share is given for {', '.join(missing)}: name every arm that the data have")
    if min(given.values()) <= 0 or not isclose(sum(given.values()), 1, abs_tol=1e-6):
        raise UnusableShares(f"shares are above 0 and add up to 1, these to {sum(given.values()):g}")
    return dict(given)


def _sample_ratio(units: Mapping[str, int], expected: Mapping[str, float]) -> float:
    counts = [units.get(arm, 0) for arm in expected]
    if len(counts) == 2:
        return sample_ratio_check(counts[0], counts[1], list(expected.values())[1]).p_value or 0.0
    return goodness_of_fit(counts, list(expected.values()))


def _arm_outcome(arm: str, sample: Sample) -> ArmOutcome:
    moments = sample.moments
    return ArmOutcome(
        arm=arm,
        known=moments.n,
        missing=sample.missing,
        mean=moments.mean if moments.n else None,
        successes=sample.successes,
        total=sample.total,
        skewness=moments.skewness,
        largest_share=sample.largest_share,
    )


@dataclass(frozen=True)
class Sizes:
    """What sizes are asked for."""

    confidence: float = CONFIDENCE
    detect: float | None = None


def _compare(outcome: Outcome, arm: str, control: str, size: Sizes) -> Comparison:
    first, second = outcome.samples[arm], outcome.samples[control]
    if first.successes is not None and second.successes is not None:
        return _compare_rates(
            arm, Proportion(first.successes, first.moments.n), Proportion(second.successes, second.moments.n), size
        )
    return compare_means(arm, outcome, first, second, size)


def _compare_rates(arm: str, first: Proportion, second: Proportion, size: Sizes) -> Comparison:
    found = difference_of_proportions(first, second)
    base, needed, smallest = second.rate, None, None
    if base is not None:
        smallest = smallest_detectable_effect(first.trials, second.trials, base, confidence=size.confidence)
    if base is not None and first.trials and size.detect is not None and base + size.detect <= 1:
        share = second.trials / (first.trials + second.trials)
        needed = needed_customers(base, size.detect, share, confidence=size.confidence)
    test = "Fisher's exact test" if found is not None and found.exact else "pooled z test"
    return Comparison(
        arm=arm,
        method=f"Newcombe's interval, {test}",
        difference=found,
        adjusted_p_value=None,
        verdict=verdict(found),
        lift=lift_of_proportions(first, second),
        smallest_detectable=smallest,
        needed_units=needed,
        capped=None,
        heavy_tail=False,
        hangs_on=None,
    )


def compare_means(arm: str, outcome: Outcome, first: Sample, second: Sample, size: Sizes) -> Comparison:
    """The first sample, that of `arm`, minus the second; the p value is not corrected for other comparisons."""
    one, other = first.moments, second.moments
    found = difference_of_means(one, other)
    smallest = needed = None
    if found is not None and found.standard_error:
        freedom = welch_freedom(one, other)
        smallest = detectable_difference_of_means(found.standard_error, freedom, confidence=size.confidence)
        if size.detect is not None:
            share = other.n / (one.n + other.n)
            needed = needed_for_means(one.variance, other.variance, size.detect, share, confidence=size.confidence)
    continuous = outcome.kind is Kind.CONTINUOUS
    # Two constants differ, or an arm has one member: there is a comparison, but nothing to conclude from it.
    said = Verdict.TOO_SMALL if found is None and one.n and other.n else verdict(found)
    return Comparison(
        arm=arm,
        method="Welch's t" if continuous else "Welch's t over units",
        difference=found,
        adjusted_p_value=None,
        verdict=said,
        lift=lift_of_means(one, other),
        smallest_detectable=smallest,
        needed_units=needed,
        capped=_capped(outcome.cap, first.capped, second.capped),
        heavy_tail=continuous and not (mean_is_steady(one) and mean_is_steady(other)),
        hangs_on=_hangs_on(first, second, said) if continuous else None,
    )


def _p_value(found: Comparison | Capped) -> float | None:
    return found.difference.p_value if found.difference is not None else None


def _corrected(found: Comparison, adjusted: float | None, adjusted_capped: float | None) -> Comparison:
    """The capped amounts are no further claim, but the same one made of them: their family is as large."""
    capped = found.capped
    if capped is not None:
        capped = replace(capped, verdict=_kept(capped.verdict, adjusted_capped))
    return replace(found, adjusted_p_value=adjusted, verdict=_kept(found.verdict, adjusted), capped=capped)


def _kept(said: Verdict, adjusted: float | None) -> Verdict:
    refuted = adjusted is not None and adjusted >= ERROR and said in (Verdict.MORE, Verdict.FEWER)
    return Verdict.TOO_SMALL if refuted else said


def _capped(cap: float | None, first: Moments | None, second: Moments | None) -> Capped | None:
    if cap is None or first is None or second is None:
        return None
    found = difference_of_means(first, second)
    if found is None:
        return None
    return Capped(cap, found, verdict(found))


def _hangs_on(first: Sample, second: Sample, said: Verdict) -> int | None:
    """Takes the largest units of both arms together away, one by one: at most a hundredth of the units, but one."""
    if said not in (Verdict.MORE, Verdict.FEWER):
        return None
    one, other = first.moments, second.moments
    extremes = sorted(
        [(abs(value), value, True) for value in first.largest]
        + [(abs(value), value, False) for value in second.largest],
        reverse=True,
    )
    few = min(max(len(first.largest), len(second.largest)), max(1, (one.n + other.n) // 100))
    for taken, (_, value, of_first) in enumerate(extremes[:few], start=1):
        if (one if of_first else other).n < 3:
            return None
        one, other = (without(one, value), other) if of_first else (one, without(other, value))
        if verdict(difference_of_means(one, other)) is not said:
            return taken
    return None
