"""The model that a new deployment starts with: `python -m ml.offer.bootstrap --out DIR` writes DIR/model.tar.gz.

It knows no arm, so it answers null for each, and the caller falls back to the documented priors, which are never
presented as learned (winback/predictions/offers/priors.toml). A training on logged decisions replaces it. The same
code gives the same bytes.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.archive import write_archive
from ml.offer import inference, train


def build(out: Path) -> Path:
    """The archive's path."""
    content: dict[str, Any] = {
        "schema_version": inference.SCHEMA_VERSION,
        "features": list(inference.NAMES),
        "fill": [0.0] * len(inference.NAMES),
        "serves": train.NOBODY,
        "arms": {},
        "best_single_arm": train.CONTROL,
        "trained_on": {"rows": 0, "customers": 0, "arms": {}, "clipped_propensities": 0},
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    stored = {"model_id": f"offer-{digest[:12]}", **content}
    evaluation = {
        "kind": "offer",
        "schema_version": 1,
        "model_id": stored["model_id"],
        "trained_on": stored["trained_on"],
        "serves": stored["serves"],
        "reference": {},
    }
    return write_archive(out, stored, evaluation, train.SERVING)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write model.tar.gz to")
    print(build(parser.parse_args(arguments).out))  # noqa: T201


if __name__ == "__main__":
    main()
