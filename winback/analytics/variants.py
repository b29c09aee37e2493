"""What a launch's experiments say: each variant against its control, among the treated."""

from collections.abc import Iterable
from typing import Any

import duckdb

from winback.analytics.database import one_value
from winback.analytics.report_parts import (
    TestedExperiment,
    TestedOutcome,
    VariantArm,
    VariantComparison,
)
from winback.campaigns.launch import Launch
from winback.campaigns.policies import Experiment
from winback.experiments.analysis import analyse
from winback.experiments.ratios import group_sizes
from winback.experiments.results import Comparison, OutcomeResult
from winback.experiments.samples import CAP_QUANTILE, LARGEST, Kind, Outcome, Sample
from winback.experiments.samples import Experiment as Compared
from winback.experiments.statistics import Moments, Verdict


def experiments(db: duckdb.DuckDBPyConnection, launch: Launch) -> tuple[TestedExperiment, ...]:
    """Purchases, clicks by a person and revenue of everyone treated, by the variant that chance gave them."""
    return tuple(_experiment(db, experiment) for experiment in launch.definition.experiments)


def _experiment(db: duckdb.DuckDBPyConnection, experiment: Experiment) -> TestedExperiment:
    db.execute(
        "CREATE OR REPLACE TABLE tested AS "
        "SELECT customer_key, variants[$name] AS variant, returned, revenue_minor, "
        "customer_key IN (SELECT customer_key FROM fates WHERE clicked_at IS NOT NULL) AS clicked "
        "FROM outcomes WHERE arm = 'treatment' AND variants[$name] IS NOT NULL",
        {"name": experiment.name},
    )
    counted = dict(db.execute("SELECT variant, count(*) FROM tested GROUP BY variant").fetchall())
    sizes = group_sizes(counted, experiment.shares)
    names = list(experiment.shares)
    total = sum(experiment.shares.values())
    return TestedExperiment(
        experiment=experiment.name,
        step=experiment.step,
        control=names[0],
        expected_shares={name: weight / total for name, weight in experiment.shares.items()},
        customers={name: counted.get(name, 0) for name in names},
        sample_ratio_p_value=sizes.p_value,
        plausible=sizes.plausible,
        outcomes=tuple(_outcomes(db, names, counted, comparable=sizes.plausible)),
    )


def _outcomes(
    db: duckdb.DuckDBPyConnection, names: list[str], counted: dict[str, int], *, comparable: bool
) -> Iterable[TestedOutcome]:
    present = [name for name in names if counted.get(name)]
    if names[0] not in present or len(present) < 2:
        return []
    cap = one_value(
        db,
        "SELECT coalesce(quantile_disc(abs(revenue_minor), ?), 0) FROM tested WHERE revenue_minor <> 0",
        [CAP_QUANTILE],
    )
    found = analyse(
        Compared(
            control=names[0],
            units={name: counted[name] for name in present},
            outcomes=(
                Outcome("purchased", Kind.BINARY, {name: _rate(db, name, "returned") for name in present}),
                Outcome("clicked", Kind.BINARY, {name: _rate(db, name, "clicked") for name in present}),
                Outcome("revenue", Kind.CONTINUOUS, {name: _amounts(db, name, cap) for name in present}, cap or None),
            ),
        )
    )
    return [_outcome(result, comparable=comparable) for result in found.outcomes]


def _rate(db: duckdb.DuckDBPyConnection, variant: str, column: str) -> Sample:
    trials, successes = _row(
        db,
        f"SELECT count(*), count(*) FILTER ({column}) FROM tested WHERE variant = ?",  # noqa: S608 (a column of ours)
        [variant],
    )
    rate = successes / trials
    variance = rate * (1 - rate) * trials / (trials - 1) if trials > 1 else 0.0
    return Sample(missing=0, moments=Moments(trials, rate, variance), total=successes, successes=successes)


def _amounts(db: duckdb.DuckDBPyConnection, variant: str, cap: int) -> Sample:
    customers, revenue, mean, variance, skewness, capped_mean, capped_variance = _row(
        db,
        "SELECT count(*), sum(revenue_minor)::BIGINT, avg(revenue_minor), coalesce(var_samp(revenue_minor), 0), "
        "skewness(revenue_minor), avg(capped), coalesce(var_samp(capped), 0) "
        "FROM (SELECT *, greatest(least(revenue_minor, ?), -?) AS capped FROM tested) WHERE variant = ?",
        [cap, cap, variant],
    )
    largest = db.execute(
        "SELECT revenue_minor FROM tested WHERE variant = ? ORDER BY abs(revenue_minor) DESC, revenue_minor LIMIT ?",
        [variant, LARGEST],
    ).fetchall()
    known = skewness if skewness is not None and abs(skewness) < float("inf") else None
    return Sample(
        missing=0,
        moments=Moments(customers, mean, variance, known),
        total=revenue,
        capped=Moments(customers, capped_mean, capped_variance),
        largest=tuple(float(value) for (value,) in largest),
    )


def _row(db: duckdb.DuckDBPyConnection, query: str, parameters: list[object]) -> tuple[Any, ...]:
    row = db.execute(query, parameters).fetchone()
    if row is None:
        raise LookupError("an aggregate gave no row")
    return row


def _outcome(result: OutcomeResult, *, comparable: bool) -> TestedOutcome:
    return TestedOutcome(
        outcome=result.outcome,
        arms=tuple(VariantArm(variant=arm.arm, customers=arm.known, mean=arm.mean) for arm in result.arms),
        comparisons=tuple(_comparison(found, comparable=comparable) for found in result.comparisons),
    )


def _comparison(found: Comparison, *, comparable: bool) -> VariantComparison:
    difference = found.difference
    return VariantComparison(
        variant=found.arm,
        difference=difference.estimate if difference else None,
        low=difference.low if difference else None,
        high=difference.high if difference else None,
        adjusted_p_value=found.adjusted_p_value,
        verdict=found.verdict if comparable else Verdict.NO_COMPARISON,
        smallest_detectable=found.smallest_detectable,
        steady=not found.heavy_tail,
    )
