"""Trains the churn model as a SageMaker training job of the scikit-learn container (script mode), or on this machine.

Reads every `*.csv` of `SM_CHANNEL_TRAIN`: the columns of `inference.NAMES` and `churned` (1: no purchase in the 91 days
after the facts were taken); other columns are ignored. Hyperparameters are arguments. Writes `model.json` and
`code/` into `SM_MODEL_DIR`, so that the model.tar.gz which SageMaker makes of that folder serves as it is. The folder
given to the job as its source holds this file, `inference.py` and `contract.py` beside each other.
"""

import argparse
import csv
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

if __package__:
    from ml import contract
    from ml.churn import inference
else:  # run by the container, where the neighbours are modules of their own
    import contract  # type: ignore[import-not-found,no-redef]
    import inference  # type: ignore[import-not-found,no-redef]

LABEL = "churned"
EXTRAPOLATION = 2.0  # a model is trusted up to this multiple of the largest value it was trained on
DIGITS = 9  # stored digits of a parameter: beyond the solver's tolerance, so the same rows give the same file


def fit(values: NDArray[np.float64], churned: NDArray[np.float64], l2: float = 1.0) -> dict[str, Any]:
    """The stored form of a model of rows (n, 5) and labels (n,): logistic regression on expanded features.

    `l2` is the penalty's weight (scikit-learn's 1 / C). Raises ValueError when only one outcome occurs.
    """
    terms = inference.expand(values)
    mean, scale = terms.mean(axis=0), terms.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    # Newton's method converges to the tolerance, so the result does not depend on where a line search stopped.
    solver = LogisticRegression(C=1 / l2, solver="newton-cholesky", tol=1e-10, max_iter=200)
    solver.fit((terms - mean) / scale, churned)
    coefficients = solver.coef_[0] / scale
    stored: dict[str, Any] = {
        "schema_version": inference.SCHEMA_VERSION,
        "features": list(inference.NAMES),
        "high": _rounded(EXTRAPOLATION * values.max(axis=0)),
        "coefficients": _rounded(coefficients),
        "intercept": _rounded([solver.intercept_[0] - mean @ coefficients])[0],
        "trained_on": {"rows": len(values), "churned": int(churned.sum())},
    }
    digest = hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()
    return {"model_id": f"churn-{digest[:12]}", **stored}


def save(stored: dict[str, Any], model_dir: Path) -> None:
    code = model_dir / "code"
    code.mkdir(parents=True, exist_ok=True)
    (model_dir / contract.MODEL_FILE).write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n")
    for script in (inference, contract):
        shutil.copy(str(script.__file__), code)


def read_rows(folder: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features (n, 5), labels (n,) of all CSV files. Raises ValueError when there are none or a column is missing."""
    wanted = (*inference.NAMES, LABEL)
    rows: list[list[float]] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as lines:
            reader = csv.DictReader(lines)
            missing = set(wanted) - set(reader.fieldnames or ())
            if missing:
                raise ValueError(f"{path.name} lacks the columns {', '.join(sorted(missing))}")
            rows.extend([float(row[name]) for name in wanted] for row in reader)
    if not rows:
        raise ValueError("no training rows: expected *.csv in the channel `train`")
    table = np.array(rows)
    return table[:, :-1], table[:, -1]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN"), help="folder of the training rows")
    parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR"), help="folder to write the model to")
    parser.add_argument("--l2", type=float, default=1.0, help="weight of the L2 penalty")
    options = parser.parse_args(arguments)
    if options.train is None or options.model_dir is None:
        parser.error("give --train and --model-dir, or set SM_CHANNEL_TRAIN and SM_MODEL_DIR")
    save(fit(*read_rows(Path(options.train)), l2=options.l2), Path(options.model_dir))


def _rounded(values: Any) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]


if __name__ == "__main__":
    main()
