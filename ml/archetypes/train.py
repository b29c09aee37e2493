"""Clusters an account's customers as a SageMaker training job of the scikit-learn container, or on this machine.

Reads every `*.csv` of `SM_CHANNEL_TRAIN`: `customer_key` and the columns of `clustering.FEATURES`, empty where unknown.
Writes `archetypes.json` (scalings, candidates, centres, names, sizes, agreement of other methods) and `assignments.csv`
(customer_key, cluster, archetype) into `SM_MODEL_DIR`. The folder given to the job as its source holds this file,
`clustering.py` and `naming.py` beside it. Run `python -m ml.archetypes.train --help` for the same on this machine.
"""

import argparse
import csv
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

if __package__:
    from ml.archetypes import clustering, naming
else:  # run by the container, where the neighbours are modules of their own
    import clustering  # type: ignore[import-not-found,no-redef]
    import naming  # type: ignore[import-not-found,no-redef]

KEY = "customer_key"
SCHEMA_VERSION = 1
_DIGITS = 6


def read_customers(folder: Path) -> tuple[list[str], dict[str, Any]]:
    """Customer keys and columns (n,), by customer key. Raises ValueError for a missing column or no file."""
    wanted = (KEY, *clustering.FEATURES)
    rows: list[list[str]] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as lines:
            reader = csv.DictReader(lines)
            missing = set(wanted) - set(reader.fieldnames or ())
            if missing:
                raise ValueError(f"{path.name} lacks the columns {', '.join(sorted(missing))}")
            rows.extend([row[name] for name in wanted] for row in reader)
    if not rows:
        raise ValueError("no customers: expected *.csv in the channel `train`")
    rows.sort()  # the same customers give the same clusters, however the files were written
    values = np.array([[float(text) if text else np.nan for text in row[1:]] for row in rows])
    return [row[0] for row in rows], dict(zip(clustering.FEATURES, values.T, strict=True))


def describe(found: clustering.Clustering) -> dict[str, Any]:
    """What a run found, without customers (docs/data-model.md)."""
    features = [scaling.name for scaling in found.scalings]
    centres = [dict(zip(features, map(float, centre), strict=True)) for centre in found.centres]
    sizes = np.bincount(found.labels, minlength=len(centres))
    stored: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "customers": len(found.labels),
        "features": features,
        "scalings": [_rounded(asdict(scaling)) for scaling in found.scalings],
        "candidates": [asdict(candidate) for candidate in found.candidates],
        "clusters": [
            {"cluster": number, "archetype": name, "customers": int(size), "centre": _rounded(centre)}
            for number, (name, size, centre) in enumerate(zip(naming.names(centres), sizes, centres, strict=True))
        ],
        "agreements": [asdict(agreement) for agreement in found.agreements],
    }
    digest = hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()
    return {"model_id": f"archetypes-{digest[:12]}", **stored}


def save(keys: Sequence[str], found: clustering.Clustering, folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    described = describe(found)
    (folder / "archetypes.json").write_text(json.dumps(described, indent=1, sort_keys=True) + "\n")
    archetypes = [row["archetype"] for row in described["clusters"]]
    with (folder / "assignments.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((KEY, "cluster", "archetype"))
        writer.writerows((key, int(label), archetypes[label]) for key, label in zip(keys, found.labels, strict=True))
    return described


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Find the archetypes among an account's customers.")
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"), help="folder of *.csv")
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"), help="folder for the result")
    parser.add_argument("--seed", type=int, default=1, help="of the random starts and samples")
    options = parser.parse_args(arguments)
    if options.train is None or options.model_dir is None:
        parser.error("--train and --model-dir are needed outside a training job")
    keys, columns = read_customers(options.train)
    described = save(keys, clustering.cluster(columns, seed=options.seed), options.model_dir)
    named = ", ".join(f"{row['archetype']} {row['customers']}" for row in described["clusters"])
    print(f"customers={described['customers']} clusters={len(described['clusters'])}: {named}")  # noqa: T201 the job's log


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, _DIGITS) if isinstance(value, float) else value for name, value in values.items()}


if __name__ == "__main__":
    main()
