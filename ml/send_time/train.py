"""Trains the send-time model as a SageMaker training job of the scikit-learn container (script mode), or on a laptop.

Reads every `*.csv` of `SM_CHANNEL_TRAIN` and, where there is one, `SM_CHANNEL_TEST`: one row an event, with the columns
`account, customer, segment, kind, hour, weeks_ago, weight` (inference.py says what they mean; `segment` may be empty,
`weeks_ago` counts back from the cut and is negative in the test channel, `weight` is 1 or an inverse propensity).
Events by machines are not among them. `SM_CHANNEL_CHAMPION` holds the champion's model.tar.gz, or nothing.

Strengths are learned on the training rows alone: their latest quarter is forecast from what came before. The model is
then judged on the test rows against the champion, the account's histogram and uniform hours, with intervals by
customer; it is served only where it beats the histogram beyond chance, else the histogram is. Without test rows it is
judged on that latest quarter, which flatters it, and `test.rows` is 0, so that nothing is promoted on it.

Writes `model.json`, `evaluation.json` and `code/` into `SM_MODEL_DIR`. The folder given to the job as its source holds
the modules of this folder with `archive.py`, `contract.py` and `metrics.py` beside them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

if __package__:
    from ml import archive, contract
    from ml.send_time import inference, judging
    from ml.send_time.histories import Events, People, at_moment
    from ml.send_time.inference import COUNTED_WEIGHT, HISTOGRAM, KINDS, MODEL, SCHEMA_VERSION, Array
    from ml.send_time.judging import Forecasts
    from ml.send_time.learning import Fit, TargetCounts, learn
    from ml.send_time.prior import awake_prior
else:  # run by the container, where the neighbours are modules of their own
    import archive  # type: ignore[import-not-found,no-redef]
    import contract  # type: ignore[import-not-found,no-redef]
    import inference  # type: ignore[import-not-found,no-redef]
    import judging  # type: ignore[import-not-found,no-redef]
    from histories import Events, People, at_moment  # type: ignore[import-not-found,no-redef]
    from inference import (  # type: ignore[no-redef]
        COUNTED_WEIGHT,
        HISTOGRAM,
        KINDS,
        MODEL,
        SCHEMA_VERSION,
        Array,
    )
    from judging import Forecasts  # type: ignore[no-redef]
    from learning import Fit, TargetCounts, learn  # type: ignore[import-not-found,no-redef]
    from prior import awake_prior  # type: ignore[import-not-found,no-redef]

COLUMNS = ("account", "customer", "segment", "kind", "hour", "weeks_ago", "weight")
LATEST_SHARE = 0.25  # of the training rows, that strengths are learned on
SEED = 20261122
DIGITS = 9
SERVING = (inference, contract)
"""The scripts of the archive."""
_BATCH = 5000  # customers forecast at a time
_EDGES = [0.0, 1.0, 3.0, 10.0, 30.0]


@dataclass(frozen=True)
class Trained:
    stored: dict[str, Any]
    evaluation: dict[str, Any]


def train(known: Events, test: Events | None, champion: Mapping[str, Any] | None, seed: int = SEED) -> Trained:
    """`champion`: the content of its `model.json`. Events of `known` and `test` share their people."""
    prior = np.array(awake_prior())
    inner = at_moment(known, LATEST_SHARE)
    fit = learn(inner, prior, seed)
    stored = stored_model(known, fit, prior)
    target = test.where(test.targets() & np.isin(test.customer, known.customer)) if test is not None else None
    if target is None or not len(target):
        judged_on = inner.held_out.where(inner.held_out.targets())
        candidate = stored_model(inner.known, fit, prior)
        evaluation = _judged(candidate, inner.known, judged_on, champion, fit, seed)
        evaluation |= {"model_id": stored["model_id"], "test": {"rows": 0}}
        evaluation["checks"]["judged_on"] = "the latest quarter of the training rows, on which strengths were learned"
    else:
        evaluation = _judged(stored, known, target, champion, fit, seed)
    stored["serves"] = evaluation["serves"]
    return Trained(stored, evaluation)


def stored_model(known: Events, fit: Fit, prior: Array) -> dict[str, Any]:
    """The content of `model.json`, from all known events; `serves` is the model, until it is judged."""
    base = TargetCounts.of(known).bases(prior, fit.account_strength, fit.segment_strength)
    people = known.people
    accounts: dict[str, dict[str, Any]] = {
        name: {"hours": _rounded(base.accounts[number]), "segments": {}} for number, name in enumerate(people.accounts)
    }
    for number, (account, segment) in enumerate(people.segments):
        accounts[account]["segments"][segment] = _rounded(base.segments[number])
    learned = fit.learned
    stored: dict[str, Any] = {
        "kind": "send_time",
        "schema_version": SCHEMA_VERSION,
        "learned": {
            **{name: _digits(value) for name, value in vars(learned).items() if name != "kind_weights"},
            "kind_weights": dict(zip(KINDS, map(_digits, learned.kind_weights), strict=True)),
            "segment_strength": _digits(fit.segment_strength),
            "account_strength": _digits(fit.account_strength),
            "smoothing": fit.smoothing,
            "is_default": fit.is_default,
        },
        "prior": _rounded(prior),
        "accounts": accounts,
        "trained_on": {"rows": len(known), "customers": len(np.unique(known.customer))},
    }
    digest = hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()
    return {"model_id": f"send_time-{digest[:12]}", "serves": MODEL, **stored}


def _judged(  # noqa: PLR0917 (one forecast, its data and its rivals)
    stored: Mapping[str, Any],
    known: Events,
    held_out: Events,
    champion: Mapping[str, Any] | None,
    fit: Fit,
    seed: int,
) -> dict[str, Any]:
    ours = archive_forecasts(stored, known, held_out)
    histogram = archive_forecasts({**stored, "serves": HISTOGRAM}, known, held_out)
    others = {
        HISTOGRAM: histogram,
        "uniform": judging.uniform(len(held_out)),
    }
    wins = len(held_out) > 0 and judging.compare(ours, histogram, held_out, seed=seed)["better"]
    served = ours if wins else histogram
    checks: dict[str, Any] = {"learned": stored["learned"], "inner_log_loss": fit.tried, "learned_on": fit.held_out}
    if champion is not None:
        try:
            others["champion"] = archive_forecasts(champion, known, held_out)
        except contract.UnusableModel as error:
            checks["champion"] = f"not compared: {error}"
    against = {
        name: judging.compare(served, other, held_out, seed=seed) for name, other in others.items() if len(held_out)
    }
    return {
        "kind": "send_time",
        "schema_version": 1,
        "model_id": stored["model_id"],
        "trained_on": stored["trained_on"],
        "test": {"rows": len(held_out), "customers": len(np.unique(held_out.customer))},
        "metric": "log_loss",
        "higher_is_better": False,
        "value": float(np.average(served.loss, weights=held_out.weight)) if len(held_out) else float(np.log(168)),
        "against": against,
        "accounts": _by_account(served, others.get("champion"), held_out, seed),
        "checks": checks,
        "serves": MODEL if wins else HISTOGRAM,
        "reference": {
            "events": _reference(known, np.ones(len(known), dtype=bool)),
            **{kind: _reference(known, known.kind == number) for number, kind in enumerate(KINDS)},
        },
    }


def archive_forecasts(stored: Mapping[str, Any], known: Events, held_out: Events) -> Forecasts:
    """What the endpoint would have said with this `model.json`. Raises contract.UnusableModel."""
    model = inference.model_from(stored)
    people = known.people
    wanted = np.unique(held_out.customer)
    loss, place = np.empty(len(held_out)), np.empty(len(held_out), dtype=np.int64)
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        number = np.full(len(people), -1)
        number[batch] = np.arange(len(batch))
        theirs, asked = known.where(number[known.customer] >= 0), number[held_out.customer] >= 0
        answer = model.predict(
            [people.accounts[each] for each in people.account[batch]],
            [people.segments[each][1] if each >= 0 else None for each in people.segment[batch]],
            replace(theirs.evidence(), rows=len(batch), row=number[theirs.customer]),
        )
        found = judging.forecasts_of(answer.probabilities, number[held_out.customer[asked]], held_out.hour[asked])
        loss[asked], place[asked] = found.loss, found.place
    return Forecasts(loss, place)


def _by_account(ours: Forecasts, champion: Forecasts | None, held_out: Events, seed: int) -> dict[str, Any]:
    if champion is None:
        return {}
    found = {}
    for number, name in enumerate(held_out.people.accounts):
        mine, events = judging.of_account(ours, held_out, number)
        if len(events):
            theirs, _ = judging.of_account(champion, held_out, number)
            found[name] = judging.compare(mine, theirs, events, seed=seed)
    return found


def _reference(known: Events, chosen: Any) -> dict[str, Any]:
    """Of the customers, how many events of a kind they have: what drift is measured against."""
    there = np.unique(known.customer)
    number = np.bincount(known.customer[chosen], minlength=len(known.people))[there]
    counts = np.bincount(np.searchsorted(_EDGES, number, side="left"), minlength=len(_EDGES) + 1)
    return {"edges": _EDGES, "shares": (counts / max(counts.sum(), 1)).tolist()}


def read_events(train_folder: Path, test_folder: Path | None) -> tuple[Events, Events | None]:
    """The events of both channels, of the same people. Raises ValueError for files of another form."""
    known = _read(train_folder)
    if not len(known):
        raise ValueError("no training rows: expected *.csv in the channel `train`")
    later = _read(test_folder) if test_folder is not None and test_folder.is_dir() else known.iloc[:0]
    everything = pd.concat([known, later], ignore_index=True)
    # A customer's segment is that of its first row: the training rows' own, as of the cut.
    listed = everything.drop_duplicates(["account", "customer"])[["account", "customer", "segment"]]
    people = People.of(
        (account, customer, segment or None) for account, customer, segment in listed.itertuples(index=False)
    )
    number = pd.Series(np.arange(len(people)), index=pd.MultiIndex.from_tuples(people.keys))
    events = [_events(part, people, number) for part in (known, later) if len(part)]
    return events[0], events[1] if len(events) > 1 else None


def _read(folder: Path) -> Any:
    text = dict.fromkeys(("account", "customer", "segment", "kind"), str)
    parts = [pd.read_csv(path, dtype=text, keep_default_na=False) for path in sorted(folder.glob("*.csv"))]
    for part in parts:
        missing = [name for name in COLUMNS if name not in part.columns]
        if missing:
            raise ValueError(f"the rows lack the columns {', '.join(missing)}: expected {', '.join(COLUMNS)}")
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    for name, low, high in (("hour", 0, 167), ("weeks_ago", -1e4, 1e4), ("weight", 0, 1e9)):
        values = pd.to_numeric(table[name], errors="coerce").astype(float)
        if not values.between(low, high).all():
            raise ValueError(f"{name} is not a number from {low:g} to {high:g} in every row")
        table[name] = values
    if not table["kind"].isin(KINDS).all():
        raise ValueError(f"kind is none of {', '.join(KINDS)} in some row")
    return table


def _events(table: Any, people: People, number: Any) -> Events:
    customer = number.loc[pd.MultiIndex.from_frame(table[["account", "customer"]])].to_numpy()
    kinds = {kind: index for index, kind in enumerate(KINDS)}
    return Events(
        people,
        np.asarray(customer, dtype=np.int64),
        table["kind"].map(kinds).to_numpy(np.int64),
        table["hour"].to_numpy(np.int64),
        table["weeks_ago"].to_numpy(np.float64),
        np.minimum(table["weight"].to_numpy(np.float64), COUNTED_WEIGHT),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = archive.job_options(arguments, __doc__, {"seed": (SEED, "of the bootstrap")})
    known, test = read_events(options.train, options.test)
    trained = train(known, test, archive.read_champion(options.champion), options.seed)
    archive.save(trained.stored, trained.evaluation, options.model_dir, SERVING)


def _digits(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _rounded(values: Array) -> list[float]:
    return [_digits(value) for value in values.tolist()]


if __name__ == "__main__":
    main()
