"""Sentences about what speaks against believing an analysis."""

from collections.abc import Sequence

from winback.experiments.results import ArmOutcome, Comparison, OutcomeResult
from winback.experiments.samples import CAP_QUANTILE, Experiment, Kind
from winback.experiments.statistics import (
    SAMPLE_RATIO_ALARM,
    Difference,
    Proportion,
    Verdict,
    difference_of_proportions,
    verdict,
)

_CONCLUSIONS = (Verdict.MORE, Verdict.FEWER)


def cautions(experiment: Experiment, results: Sequence[OutcomeResult], ratio: float) -> list[str]:
    found = []
    if ratio < SAMPLE_RATIO_ALARM:
        found.append(
            f"The arms have not the sizes that they should have (p = {ratio:.1g}): the assignment or the data are "
            "broken, and no difference may be trusted. If they were planned so, name the planned shares."
        )
    if experiment.rows_without_arm:
        found.append(f"{experiment.rows_without_arm:,} rows name no arm and are left out.")
    if experiment.clustered:
        found.append(
            f"Some values of {experiment.unit} have several rows: figures are means of rows, their errors those of "
            f"{experiment.unit} (delta method)."
        )
    elif experiment.unit is None:
        found.append("No --unit was named: each row counts as one independent unit.")
    for result in results:
        found += _warnings_of(result, experiment)
    return found


def _warnings_of(result: OutcomeResult, experiment: Experiment) -> list[str]:
    found = []
    control, *others = result.arms
    if sum(arm.missing for arm in result.arms):
        counts = ", ".join(f"{arm.arm} {arm.missing:,}" for arm in result.arms)
        found.append(f"{result.outcome}: missing in some rows, which are left out of it ({counts}).")
    for arm in others:
        gone = _difference_in_missing(arm, control)
        if not experiment.clustered and verdict(gone) in _CONCLUSIONS:
            found.append(
                f"{result.outcome}: missing more often in one of {arm.arm} and {control.arm} than chance explains: "
                "who is left is not comparable."
            )
    if result.kind is Kind.BINARY:
        return found
    for comparison in result.comparisons:
        found += _tail_warnings(result.outcome, comparison)
    return found


def _difference_in_missing(arm: ArmOutcome, control: ArmOutcome) -> Difference | None:
    return difference_of_proportions(
        Proportion(arm.missing, arm.missing + arm.known), Proportion(control.missing, control.missing + control.known)
    )


def _tail_warnings(outcome: str, found: Comparison) -> list[str]:
    name, lines = f"{outcome}, {found.arm}", []
    if found.heavy_tail:
        lines.append(f"{name}: so skewed for its size that the interval of the mean is only a rough guide.")
    concluded = found.verdict in _CONCLUSIONS
    if concluded and found.hangs_on is not None:
        units = "unit" if found.hangs_on == 1 else f"{found.hangs_on} units"
        lines.append(f"{name}: the conclusion hangs on the largest {units}; without, it would be another.")
    if found.capped is not None and concluded and found.capped.verdict is not found.verdict:
        lines.append(
            f"{name}: with amounts capped at their {CAP_QUANTILE:.0%} quantile ({found.capped.cap:g}) the data say: "
            f"{found.capped.verdict}. The conclusion hangs on a few large amounts."
        )
    return lines
