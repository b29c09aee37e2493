"""Trains the offer model as a SageMaker training job of the scikit-learn container (script mode), or on a laptop.

Reads every `*.csv` of `SM_CHANNEL_TRAIN` and, where there is one, `SM_CHANNEL_TEST`: one row a decision, as
winback/predictions/offers/training_rows.sql writes them: `customer` (a number within the file), `arm`, `propensity`,
`eligible` (arms that had a chance, divided by `|`), `reward` and `cost` in purchase margins, and the features of
`inference.FEATURES`, empty where not known. `SM_CHANNEL_CHAMPION` holds the champion's model.tar.gz, or nothing.

Effects and the best single arm are learned on the training rows. On the test rows the policy that gives each customer
the arm of the largest uplift after costs is judged by its doubly robust value; it is served only where the interval of
its gain over the best single arm lies above zero, else each arm's average effect is (`best_single_arm`) where that
arm beats sending nothing beyond chance, else no effect at all (`nobody`). Costs are each arm's mean over the training
rows, and there is no budget. Without test rows a quarter of the customers is held out to judge a model of the others;
`test.rows` is 0 then, so that nothing is promoted on it.

Writes `model.json`, `evaluation.json` and `code/` into `SM_MODEL_DIR`. The folder given to the job as its source holds
the modules of this folder with `archive.py`, `contract.py` and `metrics.py` beside them.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

if __package__:
    from ml import archive, contract, metrics
    from ml.offer import inference, learners, values
    from ml.offer.logged import Array, Logged, UnusableData, effective_size, logged, mean_weight
else:  # run by the container, where neighbours are modules of their own
    import archive  # type: ignore[import-not-found,no-redef]
    import contract  # type: ignore[import-not-found,no-redef]
    import inference  # type: ignore[import-not-found,no-redef]
    import learners  # type: ignore[import-not-found,no-redef]
    import metrics  # type: ignore[import-not-found,no-redef]
    import values  # type: ignore[import-not-found,no-redef]
    from logged import (  # type: ignore[import-not-found,no-redef]
        Array,
        Logged,
        UnusableData,
        effective_size,
        logged,
        mean_weight,
    )

CONTROL = "no message"
COLUMNS = ("customer", "arm", "propensity", "eligible", "reward", "cost", *inference.NAMES)
MODEL, BEST_ARM, NOBODY, RANDOM, CHAMPION = "model", "best_single_arm", "nobody", "random", "champion"
FEWEST_EFFECTIVE = 30
"""Effective rows of training or test below which an arm decides nothing."""
SEED = 20261122
SERVING = (inference, contract)
"""The scripts of the archive."""

Uplifts = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Trained:
    stored: dict[str, Any]
    evaluation: dict[str, Any]


@dataclass(frozen=True)
class Fitted:
    """What was learned from some rows: outcome models, uplifts by arm, and which arm is best for all (an index)."""

    outcomes: learners.Outcomes
    uplifts: Uplifts
    best: int

    @classmethod
    def to(cls, data: Logged, seed: int) -> "Fitted":
        outcomes = learners.fit_outcomes(data, seed=seed)
        uplifts = learners.fit_uplifts(data, outcomes.held_out, seed=seed)
        scores = values.net_scores(data, learners.pseudo_outcomes(data, outcomes.held_out))
        known = [not index or each >= FEWEST_EFFECTIVE for index, each in enumerate(_effective(data).values())]
        return cls(outcomes, uplifts, values.best_single(data, scores, known))


def train(table: pd.DataFrame, test: pd.DataFrame | None, champion: dict[str, Any] | None, seed: int = SEED) -> Trained:
    """`champion`: the content of its `model.json`. Raises UnusableData where the rows cannot tell anything."""
    arms = (CONTROL, *sorted(set(table["arm"]) - {CONTROL}))
    fill = _fill(table)
    known = _logged(table, arms, fill, None)
    fitted = Fitted.to(known, seed)
    if test is not None and len(test):
        judged, held_out = fitted, _logged(_known_arms(test, arms), arms, fill, known.cost)
        test_rows = len(held_out)
    else:
        part = learners.folds_of(known.customer, 4, seed)
        judged, held_out = Fitted.to(known.rows(part > 0), seed), known.rows(part == 0)
        test_rows = 0
    serves, evaluation = _judge(judged, held_out, champion)
    stored = stored_model(known, fitted, fill, serves)
    evaluation = {
        "kind": "offer",
        "schema_version": 1,
        "model_id": stored["model_id"],
        "trained_on": stored["trained_on"],
        "test": {"rows": test_rows, "held_out_rows": len(held_out)},
        **evaluation,
        "reference": {name: metrics.reference(table[name].to_numpy(dtype=np.float64)) for name in inference.NAMES},
    }
    return Trained(stored, evaluation)


def stored_model(known: Logged, fitted: Fitted, fill: Array, serves: str) -> dict[str, Any]:
    """The content of `model.json`: what is served, which is less than what was learned where a baseline wins."""
    stored: dict[str, Any] = {
        "schema_version": inference.SCHEMA_VERSION,
        "features": list(inference.NAMES),
        "fill": [float(value) for value in fill],
        "serves": serves,
        "arms": {name: _served(uplift, serves) for name, uplift in fitted.uplifts.items()},
        "best_single_arm": known.arms[fitted.best],
        "trained_on": {
            "rows": len(known),
            "customers": len(np.unique(known.customer)),
            "arms": {name: int((known.arm == index).sum()) for index, name in enumerate(known.arms)},
            "clipped_propensities": known.clipped,
        },
    }
    digest = hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()
    return {"model_id": f"offer-{digest[:12]}", **stored}


def read_rows(folder: Path) -> pd.DataFrame | None:
    """All CSV files of the folder; customers of two files are different ones. None without any row.

    Raises UnusableData naming a column that is missing or holds something else than numbers.
    """
    parts = []
    for number, path in enumerate(sorted(folder.glob("*.csv"))):
        part = pd.read_csv(path, dtype={"arm": str, "eligible": str}, keep_default_na=False, na_values=[""])
        missing = [name for name in COLUMNS if name not in part.columns]
        if missing:
            raise UnusableData(f"{path.name} lacks the columns {', '.join(missing)}")
        part = part[list(COLUMNS)]
        for name in set(COLUMNS) - {"arm", "eligible", "customer"}:
            if not pd.api.types.is_numeric_dtype(part[name]):
                raise UnusableData(f"{path.name}: {name} is not a number in every row")
        whole = part[["arm", "propensity", "eligible", "reward", "cost"]]
        if whole.isna().any().any():
            raise UnusableData(f"{path.name}: arm, propensity, eligible, reward or cost is missing in a row")
        parts.append(part.assign(customer=f"{number}:" + part["customer"].astype(str)))
    table = pd.concat(parts, ignore_index=True) if parts else None
    return table if table is not None and len(table) else None


def main(arguments: Sequence[str] | None = None) -> None:
    options = archive.job_options(arguments, __doc__, {"seed": (SEED, "of folds and halves")})
    table = read_rows(options.train)
    if table is None:
        raise UnusableData("no training rows: expected *.csv in the channel `train`")
    test = read_rows(options.test) if options.test is not None else None
    trained = train(table, test, archive.read_champion(options.champion), options.seed)
    archive.save(trained.stored, trained.evaluation, options.model_dir, SERVING)


def _judge(fitted: Fitted, held_out: Logged, champion: dict[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """What is served, and the part of evaluation.json that says how it compares on rows that were not learned from."""
    expected = fitted.outcomes.predict(held_out.features)
    scores = values.net_scores(held_out, learners.pseudo_outcomes(held_out, expected))
    uplifts = learners.predicted(fitted.uplifts, held_out.arms, held_out.features)
    number = len(held_out.arms)
    policies = {
        MODEL: values.chosen_arms(values.best_arms(held_out, uplifts), number),
        BEST_ARM: values.one_arm(held_out, fitted.best),
        NOBODY: values.one_arm(held_out, 0),
        RANDOM: values.at_random(held_out),
    }
    effective = _effective(held_out)
    serves, reason = _serves(held_out, policies, scores, effective, fitted.best)
    checks: dict[str, Any] = {
        "serves": reason,
        "best_single_arm": held_out.arms[fitted.best],
        "effective_rows": effective,
        "mean_weight": {
            name: mean_weight(held_out.arm, held_out.propensity, index)[0] for index, name in enumerate(held_out.arms)
        },
        "clipped_propensities": held_out.clipped,
        "gives": dict(zip(held_out.arms, (float(share) for share in policies[serves].mean(axis=0)), strict=True)),
    }
    others = {name: policies[name] for name in (BEST_ARM, NOBODY, RANDOM)}
    if champion is not None:
        try:
            others[CHAMPION] = _policy_of(champion, held_out)
        except contract.UnusableModel as error:
            checks["champion"] = f"not compared: {error}"
    served = policies[serves]
    return serves, {
        "metric": "policy_value",
        "higher_is_better": True,
        "value": values.policy_value(held_out, served, scores).doubly_robust.value,
        "against": {name: _difference(held_out, served, other, scores) for name, other in others.items()},
        "checks": checks,
        "serves": serves,
    }


def _serves(
    held_out: Logged, policies: dict[str, Array], scores: Array, effective: dict[str, float], best: int
) -> tuple[str, str]:
    used = policies[MODEL].max(axis=0) > 0
    enough = all(effective[name] >= FEWEST_EFFECTIVE for name, given in zip(held_out.arms, used, strict=True) if given)
    if enough and values.gain(held_out, policies[MODEL], policies[BEST_ARM], scores).low > 0:
        return MODEL, "choosing by customer beats the best single arm beyond chance"
    name = held_out.arms[best]
    over_nobody = values.gain(held_out, policies[BEST_ARM], policies[NOBODY], scores)
    if best and effective[name] >= FEWEST_EFFECTIVE and over_nobody.low > 0:
        return BEST_ARM, f"choosing by customer is not shown to beat {name!r} for all, which beats sending nothing"
    return NOBODY, "nothing is shown to beat sending nothing"


def _policy_of(champion: dict[str, Any], held_out: Logged) -> Array:
    """What the champion would have given. Raises contract.UnusableModel for one of another schema."""
    model = inference.model_from(champion)
    uplifts = learners.predicted(model.arms, held_out.arms, held_out.features)
    return values.chosen_arms(values.best_arms(held_out, uplifts), len(held_out.arms))


def _effective(data: Logged) -> dict[str, float]:
    """Kish's size of each arm's rows."""
    return {name: effective_size(1 / data.propensity[data.arm == index]) for index, name in enumerate(data.arms)}


def _difference(held_out: Logged, served: Array, other: Array, scores: Array) -> dict[str, Any]:
    gain = values.gain(held_out, served, other, scores)
    return {
        "value": values.policy_value(held_out, other, scores).doubly_robust.value,
        "difference": gain.value,
        "low": gain.low,
        "high": gain.high,
        "better": gain.low > 0,
    }


def _served(uplift: dict[str, Any], serves: str) -> dict[str, Any]:
    if serves == MODEL:
        return uplift
    average = uplift["average"] if serves == BEST_ARM else 0.0
    return {**uplift, "average": average, "shrinkage": 0.0, "varying": None}


def _fill(table: pd.DataFrame) -> Array:
    return np.array([float(middle) if np.isfinite(middle) else 0.0 for middle in table[list(inference.NAMES)].median()])


def _known_arms(table: pd.DataFrame, arms: tuple[str, ...]) -> pd.DataFrame:
    """Without decisions in which an arm that was never learned about had a chance: they say nothing of the others."""
    return table[[set(listed.split(inference.DIVIDER)) <= set(arms) for listed in table["eligible"]]]


def _logged(table: pd.DataFrame, arms: tuple[str, ...], fill: Array, cost: Array | None) -> Logged:
    place = {name: index for index, name in enumerate(arms)}
    arm = np.array([place[name] for name in table["arm"]], dtype=np.int64)
    eligible = np.array([[name in listed.split(inference.DIVIDER) for name in arms] for listed in table["eligible"]])
    given = table["cost"].to_numpy(dtype=np.float64)
    means = np.array([given[arm == index].mean() if np.any(arm == index) else 0.0 for index in range(len(arms))])
    return logged(
        arms,
        inference.filled(table[list(inference.NAMES)].to_numpy(dtype=np.float64), fill),
        arm,
        table["reward"].to_numpy(dtype=np.float64),
        propensity=table["propensity"].to_numpy(dtype=np.float64),
        customer=np.unique(table["customer"], return_inverse=True)[1],
        cost=means if cost is None else cost,
        eligible=eligible,
    )


if __name__ == "__main__":
    main()
