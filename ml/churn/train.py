"""Trains the churn model as a SageMaker training job of the scikit-learn container (script mode), or on this machine.

Channels, folders of `*.csv` as winback/features/examples.py writes them (cut, standing, the facts of inputs.NAMES,
churned; other columns are ignored): `train`, and `test`, a later cut, when there is one. `champion`: a folder with the
model.tar.gz that is served now, when there is one. Hyperparameters are arguments.

Writes into `SM_MODEL_DIR` what SageMaker makes a model.tar.gz of: `model.json`, `evaluation.json` and the serving code.
Without a test the boosted trees are served unjudged. With one, they are, unless a baseline forecasts the test better
beyond chance: then the best such baseline is, and both files say so.

The folder given to the job as its source holds this folder's files with archive.py, contract.py
and metrics.py beside them.
"""

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

if __package__:
    from ml import archive, metrics
    from ml.churn import fitting, inference, inputs, judging
else:  # in the container, where the neighbours are modules of their own
    import archive  # type: ignore[import-not-found,no-redef]
    import fitting  # type: ignore[import-not-found,no-redef]
    import inference  # type: ignore[import-not-found,no-redef]
    import inputs  # type: ignore[import-not-found,no-redef]
    import judging  # type: ignore[import-not-found,no-redef]
    import metrics  # type: ignore[import-not-found,no-redef]

LABEL = "churned"
SERVING = (inference, *inference.NEIGHBOURS)
"""The scripts of the archive."""


def train(
    rows: fitting.Rows,
    test: fitting.Rows | None = None,
    champion: Mapping[str, Any] | None = None,
    *,
    horizon: int = 91,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The contents of model.json and evaluation.json. `champion` is the content of another model.json."""
    candidates = {"model": stored(fitting.fit_trees(rows, horizon), rows, horizon)}
    for name, fitted in fitting.fit_baselines(rows, horizon).items():
        candidates[name] = stored(fitted, rows, horizon)
    trained = {"rows": len(rows), "churned": int(rows.churned.sum()), "cuts": sorted(set(rows.cuts.tolist()))}
    served = "model"
    judged: dict[str, Any] = {}
    if test is not None:
        models = {name: inference.model_from(candidate) for name, candidate in candidates.items()}
        served, judged = judging.judge(models, test, _usable(champion))
    return candidates[served], {
        "kind": "churn",
        "schema_version": 1,
        "model_id": candidates[served]["model_id"],
        "serves": served,
        "trained_on": trained,
        "horizon_days": horizon,
        "higher_is_better": False,
        **judged,
        "reference": {name: metrics.reference(inputs.column(rows.values, name)) for name in inputs.NAMES},
    }


def stored(fitted: fitting.Fitted, rows: fitting.Rows, horizon: int) -> dict[str, Any]:
    """The content of model.json; its id is a digest of the rest."""
    content = {
        "schema_version": inference.SCHEMA_VERSION,
        "fields": list(inputs.NAMES),
        "horizon_days": horizon,
        "trained_on": {"rows": len(rows), "churned": int(rows.churned.sum())},
        **fitted,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {"model_id": f"churn-{digest[:12]}", **content}


def read_rows(folder: Path) -> fitting.Rows:
    """Of all CSV files, one an account, named by it. Raises ValueError when there are none or a column is missing."""
    wanted = ("cut", "standing", *inputs.NAMES, LABEL)
    rows: list[list[float]] = []
    cuts: list[str] = []
    accounts: list[str] = []
    standings: list[str] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as lines:
            reader = csv.reader(lines)
            header = next(reader, [])
            missing = set(wanted) - set(header)
            if missing:
                raise ValueError(f"{path.name} lacks the columns {', '.join(sorted(missing))}")
            places = [header.index(name) for name in (*inputs.NAMES, LABEL)]
            cut, standing = header.index("cut"), header.index("standing")
            for line in reader:
                rows.append([float(line[place]) if line[place] else np.nan for place in places])
                cuts.append(line[cut])
                accounts.append(path.stem)
                standings.append(line[standing])
    if not rows:
        raise ValueError(f"no rows: expected *.csv with a line a customer in the channel {folder.name}")
    table = np.array(rows)
    return fitting.Rows(table[:, :-1], table[:, -1], np.array(cuts), np.array(standings), np.array(accounts))


def _usable(champion: Mapping[str, Any] | None) -> inference.ChurnModel | None:
    """None for a champion of another request schema, which cannot be asked the same questions."""
    if champion is None or champion.get("schema_version") != inference.SCHEMA_VERSION:
        return None
    return inference.model_from(dict(champion))


def main(arguments: Sequence[str] | None = None) -> None:
    options = archive.job_options(arguments, __doc__, {"horizon": (91, "days within which a purchase is looked for")})
    model, evaluation = train(
        read_rows(options.train),
        read_rows(options.test) if options.test else None,
        archive.read_champion(options.champion),
        horizon=options.horizon,
    )
    archive.save(model, evaluation, options.model_dir, SERVING)


if __name__ == "__main__":
    main()
