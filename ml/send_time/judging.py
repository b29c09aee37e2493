"""How well distributions over the week forecast held-out events, and whether one does better beyond chance.

Lies beside `train.py` in a training job's code, so it stands alone on numpy.
"""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np

if __package__:
    from ml.metrics import FEWEST_DRAWN, Difference
    from ml.send_time.histories import Events
    from ml.send_time.inference import HOURS, Array, Whole, best_hours
else:  # run by the container, where the neighbours are modules of their own
    from histories import Events  # type: ignore[import-not-found,no-redef]
    from inference import HOURS, Array, Whole, best_hours  # type: ignore[import-not-found,no-redef]
    from metrics import FEWEST_DRAWN, Difference  # type: ignore[import-not-found,no-redef]

DRAWS = 1000
WITHIN = (1, 3, 6)


class Comparison(Difference):
    """Ours minus another's log loss per event; `value` is the other's."""

    value: float


@dataclass(frozen=True)
class Forecasts:
    """Of each held-out event: -ln of its probability, and the place of its hour among the customer's best (from 0)."""

    loss: Array
    place: Whole


class Figures(TypedDict):
    log_loss: float
    within_best: dict[str, float]


def forecasts_of(probabilities: Array, row: Whole, hour: Whole) -> Forecasts:
    """Of events at `hour` of the customers `row` of `probabilities` (n, 168)."""
    places = np.empty((len(probabilities), HOURS), dtype=np.int64)
    np.put_along_axis(places, best_hours(probabilities, HOURS), np.arange(HOURS)[None, :], axis=1)
    return Forecasts(np.asarray(-np.log(probabilities[row, hour])), places[row, hour])


def uniform(events: int) -> Forecasts:
    """Every hour alike: k of 168 lie within the best k, so the places are spread evenly."""
    return Forecasts(np.full(events, np.log(HOURS)), np.arange(events) % HOURS)


def figures(forecasts: Forecasts, weight: Array, *, is_uniform: bool = False) -> Figures:
    within = {
        str(number): number / HOURS if is_uniform else float(np.average(forecasts.place < number, weights=weight))
        for number in WITHIN
    }
    return {"log_loss": float(np.average(forecasts.loss, weights=weight)), "within_best": within}


def compare(ours: Forecasts, other: Forecasts, held_out: Events, *, seed: int, draws: int = DRAWS) -> Comparison:
    """Ours minus the other's log loss per event, with a 95 % interval of a bootstrap over customers (percentiles).

    Events of one customer are alike, so customers are drawn and not events (Davison and Hinkley, Bootstrap Methods and
    their Application, 1997, section 3.8). Log loss: lower is better; of fewer customers than FEWEST_DRAWN nothing is.
    """
    chosen, number = np.unique(held_out.customer, return_inverse=True)
    total = np.bincount(number, weights=held_out.weight)
    gaps = np.bincount(number, weights=(ours.loss - other.loss) * held_out.weight)
    random = np.random.default_rng(seed)
    drawn = np.empty(draws)
    for draw in range(draws):
        times = np.bincount(random.integers(0, len(chosen), len(chosen)), minlength=len(chosen))
        drawn[draw] = (times @ gaps) / (times @ total)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "value": float(np.average(other.loss, weights=held_out.weight)),
        "difference": float(gaps.sum() / total.sum()),
        "low": float(low),
        "high": float(high),
        "better": bool(high < 0) and len(chosen) >= FEWEST_DRAWN,
    }


def of_account(forecasts: Forecasts, held_out: Events, account: int) -> tuple[Forecasts, Events]:
    inside = held_out.people.account[held_out.customer] == account
    return Forecasts(forecasts.loss[inside], forecasts.place[inside]), held_out.where(inside)
