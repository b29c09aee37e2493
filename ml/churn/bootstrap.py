"""Makes the model that a new deployment starts with: `python -m ml.churn.bootstrap --out DIR` writes DIR/model.tar.gz.

Trained on CDNOW by the very training script; the same rows give the same bytes. An account's own training replaces it.
Layout: `model.json`, `evaluation.json`, and `code/inference.py` with its neighbours, which the container finds by
`SAGEMAKER_PROGRAM=inference.py` and `SAGEMAKER_SUBMIT_DIRECTORY=/opt/ml/model/code`.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ml.archive import write_archive
from ml.churn import train
from ml.churn.datasets import CDNOW_END, CDNOW_FILE, CDNOW_START, open_cdnow
from ml.churn.examples import rows_at, rows_over
from winback.features.examples import HORIZON_DAYS, training_cuts

_TEST = CDNOW_END - timedelta(days=HORIZON_DAYS)


def build(out: Path, dataset: Path = CDNOW_FILE, until: datetime | None = None) -> Path:
    """The archive's path. It learns from orders before 1998-04-01 and is judged on what came after, as the evaluation
    does. With `until` it knows no order on or after that moment, and nothing of it is judged."""
    orders = open_cdnow(dataset)
    rows = rows_over(orders, training_cuts(CDNOW_START, until or _TEST))
    model, evaluation = train.train(rows, None if until else rows_at(orders, _TEST))
    return write_archive(out, model, evaluation, train.SERVING)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write model.tar.gz to")
    parser.add_argument("--dataset", type=Path, default=CDNOW_FILE, help="CDNOW_master.txt")
    parser.add_argument(
        "--until",
        type=lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
        help="use no order on or after this day, not even to judge the model",
    )
    options = parser.parse_args(arguments)
    print(build(options.out, options.dataset, options.until))  # noqa: T201


if __name__ == "__main__":
    main()
