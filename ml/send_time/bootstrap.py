"""The model that a new deployment starts with: `python -m ml.send_time.bootstrap --out DIR` writes DIR/model.tar.gz.

It has learned nothing: a customer's own events and the shipped prior, with the documented cautious values in place of
learned ones (learning.DEFAULT). A training on the accounts' own events replaces it. The same code gives the same bytes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml.archive import write_archive
from ml.send_time import train
from ml.send_time.histories import Events, People
from ml.send_time.learning import DEFAULT, DEFAULT_ACCOUNT_STRENGTH, DEFAULT_SEGMENT_STRENGTH, SMOOTHINGS, Fit
from ml.send_time.prior import awake_prior


def build(out: Path) -> Path:
    """The archive's path."""
    whole, number = np.empty(0, dtype=np.int64), np.empty(0)
    nothing = Events(People.of([]), whole, whole, whole, number, number)
    fit = Fit(DEFAULT, DEFAULT_SEGMENT_STRENGTH, DEFAULT_ACCOUNT_STRENGTH, SMOOTHINGS[-1], {}, 0, True)
    stored = train.stored_model(nothing, fit, np.array(awake_prior()))
    evaluation = {
        "kind": "send_time",
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
