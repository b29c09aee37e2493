"""Measures a launch: intention to treat against its holdout, in SQL over local files, and statistics on the counts."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import duckdb

from winback.accounts.frequency_caps import FrequencyCaps
from winback.analytics import wording
from winback.analytics.checks import prepare_checks, run_checks
from winback.analytics.database import Limits, Sources, connect, load, naive_utc, one_row, one_value, run
from winback.analytics.forecast import forecast
from winback.analytics.ledger_counts import most_frequent_first, read_ledger
from winback.analytics.redemptions import offers_given
from winback.analytics.report import (
    Arm,
    AttributedStep,
    Attribution,
    Comparison,
    Customers,
    Effect,
    LaunchReport,
    Revenue,
    RevenueArm,
    SampleRatio,
    Week,
    comparison_holds,
)
from winback.analytics.report_parts import Pause
from winback.analytics.spending import branches_taken, cost_of
from winback.analytics.variants import experiments
from winback.campaigns.launch import Launch
from winback.experiments.analysis import Sizes, compare_means
from winback.experiments.assignment import Arm as ArmName
from winback.experiments.corrections import holm
from winback.experiments.power import smallest_detectable_effect
from winback.experiments.samples import CAP_QUANTILE, LARGEST, Kind, Outcome, Sample
from winback.experiments.statistics import (
    ERROR,
    Difference,
    Moments,
    Proportion,
    Verdict,
    difference_of_proportions,
    sample_ratio_check,
    verdict,
)
from winback.segmentation.names import Segment

_USABLE_ARM = 30  # with fewer customers in an arm, hardly any effect can be told


def measure(
    launch: Launch,
    sources: Sources,
    *,
    currency: str,
    zone: ZoneInfo,
    computed_at: datetime,
    limits: Limits | None = None,
    caps: FrequencyCaps | None = None,
    dry_run: Mapping[str, Any] | None = None,
) -> LaunchReport:
    """The report as of `computed_at`: outcomes from assignment to then, or to the end of the evaluation window.

    `currency`, `zone`, `caps`: the account's; the last are checked where they are given. `dry_run`: the JSON that was
    approved, to hold against it.
    """
    observed_until = max(launch.starts_at, min(launch.evaluation_ends_at, computed_at))
    with connect(limits or Limits()) as db:
        load(db, sources)
        window = {"assigned_at": naive_utc(launch.starts_at), "observed_until": naive_utc(observed_until)}
        run(db, "outcomes", {**window, "currency": currency})
        run(db, "arrivals", {})
        run(db, "attribution", {"days": launch.definition.attribution_days})
        prepare_checks(db, launch, caps)
        offers = offers_given(db, launch, currency=currency, zone=zone, until=observed_until)
        report = _report(db, launch, currency, computed_at=computed_at, observed_until=observed_until, dry_run=dry_run)
        whole = report.model_copy(update={"offers": offers})
        return whole.model_copy(update={"forecast": forecast(dry_run, whole)})


def _report(
    db: duckdb.DuckDBPyConnection,
    launch: Launch,
    currency: str,
    *,
    computed_at: datetime,
    observed_until: datetime,
    dry_run: Mapping[str, Any] | None,
) -> LaunchReport:
    arms = _arms(db)
    assigned = dict(db.execute("SELECT arm, count(*) FROM outcomes GROUP BY arm").fetchall())
    everyone = {arm: assigned.get(arm.value, 0) for arm in ArmName}
    lapsed = _compare("Lapsed at assignment", arms, lapsed=True)
    others = _compare("Not lapsed at assignment", arms, lapsed=False)
    main, beside = _main_and_beside(lapsed, others)
    compared = {arm: sum(c for (name, *_), (c, _) in arms.items() if name == arm) for arm in ArmName}
    customers = _customers(db, launch, everyone, compared)
    ledger, funnel, channels = read_ledger(db)
    revenue = _revenue(db, currency)
    attribution = _attribution(db, launch, currency, everyone[ArmName.TREATMENT])
    interim = observed_until < launch.evaluation_ends_at
    checks = run_checks(db, ledger, launch, interim=interim)
    comparable = customers.sample_ratio.plausible and comparison_holds(checks)
    primary: Literal["win-back", "conversion"] = "win-back" if main is lapsed else "conversion"
    return LaunchReport(
        account_id=launch.account_id,
        launch_id=launch.launch_id,
        campaign_id=launch.campaign_id,
        campaign_name=launch.definition.name,
        snapshot_id=launch.snapshot_id,
        state=launch.state,
        interim=interim,
        computed_at=computed_at,
        assigned_at=launch.starts_at,
        observed_until=observed_until,
        evaluation_ends_at=launch.evaluation_ends_at,
        headline=wording.headline(main, attribution, revenue, primary, comparable=comparable),
        primary=primary,
        main=main,
        lapsed=lapsed if beside is lapsed else None,
        not_lapsed=others if beside is others else None,
        segments=_corrected([_compare(name, arms, segment=name) for name in _segments(arms)]),
        weeks=_weeks(db, launch.starts_at, observed_until, main, lapsed=main is lapsed),
        revenue=revenue,
        attribution=attribution,
        customers=customers,
        funnel=funnel,
        ledger=ledger,
        cost=cost_of(ledger, customers.candidates, dry_run),
        checks=checks,
        channels=channels,
        experiments=experiments(db, launch),
        branches=branches_taken(db, launch, dry_run),
        pauses=tuple(Pause(**pause.model_dump()) for pause in launch.pauses),
    )


def _main_and_beside(lapsed: Comparison, others: Comparison) -> tuple[Comparison, Comparison | None]:
    """Which customers the headline is about, and the rest, if any.

    The lapsed ones, unless too few of them were assigned to compare while enough of the others were: a handful must not
    hide what happened to a thousand. Only sizes at assignment decide, never outcomes.
    """

    def smaller(comparison: Comparison) -> int:
        return min(comparison.treated.customers, comparison.held_out.customers)

    def anybody(comparison: Comparison) -> bool:
        return comparison.treated.customers + comparison.held_out.customers > 0

    candidates = [group for group in (lapsed, others) if anybody(group)] or [others]
    # Most usable first; of equally usable ones the lapsed.
    main = max(candidates, key=lambda group: (smaller(group) >= _USABLE_ARM, smaller(group) > 0))
    return main, next((group for group in candidates if group is not main), None)


ArmCounts = dict[tuple[str, str, bool], tuple[int, int]]


def _arms(db: duckdb.DuckDBPyConnection) -> ArmCounts:
    """(arm, segment, lapsed) -> customers, and how many of them returned."""
    rows = db.execute(
        "SELECT arm, segment, lapsed, count(*), count(*) FILTER (returned) FROM outcomes WHERE measured GROUP BY ALL"
    ).fetchall()
    return {(arm, segment, lapsed): (customers, returned) for arm, segment, lapsed, customers, returned in rows}


def _compare(label: str, arms: ArmCounts, *, lapsed: bool | None = None, segment: str | None = None) -> Comparison:
    def total(arm: ArmName) -> Proportion:
        counts = [
            value
            for (name, of_segment, was_lapsed), value in arms.items()
            if name == arm and lapsed in (None, was_lapsed) and segment in (None, of_segment)
        ]
        return Proportion(sum(returned for _, returned in counts), sum(customers for customers, _ in counts))

    treated, held_out = total(ArmName.TREATMENT), total(ArmName.HOLDOUT)
    difference = difference_of_proportions(treated, held_out)
    base = held_out.rate
    return Comparison(
        label=label,
        treated=_arm(treated),
        held_out=_arm(held_out),
        effect=_effect(difference),
        verdict=verdict(difference),
        smallest_detectable_effect=(
            None if base is None else smallest_detectable_effect(treated.trials, held_out.trials, base)
        ),
    )


def _corrected(segments: list[Comparison]) -> tuple[Comparison, ...]:
    """Holm's correction: of a dozen segments in which nothing happened, half of all launches show a difference."""
    adjusted = holm([one.effect.p_value if one.effect is not None else None for one in segments])
    found = []
    for one, p_value in zip(segments, adjusted, strict=True):
        refuted = one.verdict in (Verdict.MORE, Verdict.FEWER) and p_value is not None and p_value >= ERROR
        said = Verdict.TOO_SMALL if refuted else one.verdict
        found.append(one.model_copy(update={"adjusted_p_value": p_value, "verdict": said}))
    return tuple(found)


def _arm(observed: Proportion) -> Arm:
    return Arm(customers=observed.trials, returned=observed.successes, rate=observed.rate)


def _effect(difference: Difference | None) -> Effect | None:
    if difference is None:
        return None
    return Effect(difference=difference.estimate, low=difference.low, high=difference.high, p_value=difference.p_value)


def _segments(arms: ArmCounts) -> list[str]:
    order = {name.value: place for place, name in enumerate(Segment)}
    return sorted({segment for _, segment, _ in arms}, key=lambda name: (order.get(name, len(order)), name))


def _customers(
    db: duckdb.DuckDBPyConnection, launch: Launch, everyone: dict[ArmName, int], compared: dict[ArmName, int]
) -> Customers:
    candidates, excluded = one_row(db, "SELECT count(*), count(*) FILTER (arm IS NULL) FROM audience")
    exclusions = db.execute(
        "SELECT reason, count(*) FROM (SELECT unnest(reasons) AS reason FROM audience WHERE arm IS NULL) GROUP BY ALL"
    ).fetchall()
    treated, held_out = everyone[ArmName.TREATMENT], everyone[ArmName.HOLDOUT]
    ratio = sample_ratio_check(compared[ArmName.TREATMENT], compared[ArmName.HOLDOUT], launch.holdout_share)
    return Customers(
        candidates=candidates,
        excluded=excluded,
        exclusions=most_frequent_first(exclusions),
        treated=treated,
        held_out=held_out,
        never_held_out=treated - compared[ArmName.TREATMENT],
        sample_ratio=SampleRatio(
            expected_holdout_share=ratio.expected_share,
            observed_holdout_share=ratio.observed_share,
            p_value=ratio.p_value,
            plausible=ratio.plausible,
        ),
    )


def _revenue(db: duckdb.DuckDBPyConnection, currency: str) -> Revenue:
    query = (
        "SELECT coalesce(quantile_disc(abs(revenue_minor), ?), 0) FROM outcomes WHERE revenue_minor <> 0 AND measured"
    )
    cap = one_value(db, query, [CAP_QUANTILE])
    samples = {arm: _revenue_of(db, arm, cap) for arm in ArmName}
    outcome = Outcome("revenue", Kind.CONTINUOUS, {arm.value: sample for arm, sample in samples.items()}, cap or None)
    found = compare_means(ArmName.TREATMENT, outcome, samples[ArmName.TREATMENT], samples[ArmName.HOLDOUT], Sizes())
    foreign = one_value(db, "SELECT count(*) FROM purchases WHERE currency IS DISTINCT FROM ?", [currency])
    return Revenue(
        currency=currency,
        treated=_revenue_arm(samples[ArmName.TREATMENT]),
        held_out=_revenue_arm(samples[ArmName.HOLDOUT]),
        effect=_effect(found.difference),
        verdict=found.verdict,
        steady=not found.heavy_tail,
        capped=_effect(found.capped.difference) if found.capped is not None else None,
        cap_minor=cap if found.capped is not None else None,
        capped_verdict=found.capped.verdict if found.capped is not None else None,
        hangs_on=found.hangs_on,
        orders_in_other_currencies=foreign,
    )


def _revenue_of(db: duckdb.DuckDBPyConnection, arm: ArmName, cap: int) -> Sample:
    customers, revenue, mean, variance, skewness, capped_mean, capped_variance = one_row(
        db,
        "SELECT count(*), coalesce(sum(revenue_minor), 0)::BIGINT, avg(revenue_minor), var_samp(revenue_minor), "
        "skewness(revenue_minor), avg(capped), var_samp(capped) "
        "FROM (SELECT *, greatest(least(revenue_minor, ?), -?) AS capped FROM outcomes WHERE measured) WHERE arm = ?",
        [cap, cap, arm.value],
    )
    largest = db.execute(
        "SELECT revenue_minor FROM outcomes WHERE arm = ? AND measured "
        "ORDER BY abs(revenue_minor) DESC, revenue_minor LIMIT ?",
        [arm.value, LARGEST],
    ).fetchall()
    known = skewness if skewness is not None and math.isfinite(skewness) else None
    return Sample(
        missing=0,
        moments=Moments(customers, mean or 0.0, variance or 0.0, known),
        total=revenue,
        capped=Moments(customers, capped_mean or 0.0, capped_variance or 0.0),
        largest=tuple(float(value) for (value,) in largest),
    )


def _revenue_arm(sample: Sample) -> RevenueArm:
    customers = sample.moments.n
    mean = sample.moments.mean if customers else None
    return RevenueArm(customers=customers, revenue_minor=round(sample.total), per_customer_minor=mean)


def _attribution(db: duckdb.DuckDBPyConnection, launch: Launch, currency: str, treated: int) -> Attribution:
    rows = db.execute(
        "SELECT step, count(*), coalesce(sum(amount_minor) FILTER (currency = ?), 0)::BIGINT, "
        "count(*) FILTER (touch = 'click') FROM attributed GROUP BY step ORDER BY step",
        [currency],
    ).fetchall()
    customers = one_value(db, "SELECT count(DISTINCT customer_key) FROM attributed")
    return Attribution(
        days=launch.definition.attribution_days,
        orders=sum(orders for _, orders, _, _ in rows),
        customers=customers,
        revenue_minor=sum(revenue for _, _, revenue, _ in rows),
        share_of_treated=customers / treated if treated else None,
        after_click=sum(clicks for *_, clicks in rows),
        steps={step: AttributedStep(orders=orders, revenue_minor=revenue) for step, orders, revenue, _ in rows},
    )


def _weeks(
    db: duckdb.DuckDBPyConnection, assigned_at: datetime, until: datetime, main: Comparison, *, lapsed: bool
) -> tuple[Week, ...]:
    rows = db.execute(
        "SELECT arm, epoch(first_purchase_at - ?::TIMESTAMP)::BIGINT // 604800 + 1, count(*) FROM outcomes "
        "WHERE returned AND measured AND lapsed = ? GROUP BY ALL",
        [naive_utc(assigned_at), lapsed],
    ).fetchall()
    first_returns = {(arm, week): count for arm, week, count in rows}
    weeks = [Week(week=0, treated=_share(0, main.treated.customers), held_out=_share(0, main.held_out.customers))]
    treated = held_out = 0
    for week in range(1, math.ceil((until - assigned_at) / timedelta(weeks=1)) + 1):
        treated += first_returns.get((ArmName.TREATMENT, week), 0)
        held_out += first_returns.get((ArmName.HOLDOUT, week), 0)
        weeks.append(
            Week(
                week=week,
                treated=_share(treated, main.treated.customers),
                held_out=_share(held_out, main.held_out.customers),
            )
        )
    return tuple(weeks)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
