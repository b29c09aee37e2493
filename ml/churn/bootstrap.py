"""Makes the model that a new deployment starts with: `python -m ml.churn.bootstrap --out DIR` writes DIR/model.tar.gz.

Trained on CDNOW by the very training script; the same rows give the same bytes. An account's own training replaces it.
Layout: `model.json`, and `code/inference.py`, which the container finds by `SAGEMAKER_PROGRAM=inference.py` and
`SAGEMAKER_SUBMIT_DIRECTORY=/opt/ml/model/code`.
"""

import argparse
import gzip
import io
import tarfile
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ml.churn import train
from ml.churn.examples import CDNOW_END, CDNOW_FILE, HORIZON, read_cdnow, training_cuts, write_training_rows

ARCHIVE = "model.tar.gz"


def build(out: Path, dataset: Path = CDNOW_FILE, until: datetime = CDNOW_END - HORIZON) -> Path:
    """Trains on orders before `until` alone, as the evaluation does; returns the archive's path."""
    with tempfile.TemporaryDirectory() as folder:
        channel, model = Path(folder, "train"), Path(folder, "model")
        write_training_rows(read_cdnow(dataset).over(training_cuts(until)), channel)
        train.main(["--train", str(channel), "--model-dir", str(model)])
        out.mkdir(parents=True, exist_ok=True)
        archive = out / ARCHIVE
        archive.write_bytes(pack(model))
    return archive


def pack(model_dir: Path) -> bytes:
    """The folder as a .tar.gz whose bytes depend on names and contents alone."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(path for path in model_dir.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(path.relative_to(model_dir).as_posix())
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)
    return gzip.compress(plain.getvalue(), 9, mtime=0)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write model.tar.gz to")
    parser.add_argument("--dataset", type=Path, default=CDNOW_FILE, help="CDNOW_master.txt")
    parser.add_argument(
        "--until",
        type=lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
        default=CDNOW_END - HORIZON,
        help="use no order on or after this day (default: the start of the evaluation's window)",
    )
    options = parser.parse_args(arguments)
    print(build(options.out, options.dataset, options.until))  # noqa: T201


if __name__ == "__main__":
    main()
