"""What a training job is given and what it leaves, the same for every kind of model that is served.

Channels come as folders named by `SM_CHANNEL_TRAIN`, `SM_CHANNEL_TEST` and `SM_CHANNEL_CHAMPION`; of what the job
writes into `SM_MODEL_DIR` SageMaker makes its model.tar.gz: `model.json`, `evaluation.json` and the serving scripts
in `code/` (https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage.html). Lies beside `train.py` in the
job's folder, so it stands on the standard library and contract.py alone.
"""

import argparse
import gzip
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

if __package__:
    from ml.contract import MODEL_FILE, UnusableModel
else:  # in the container, where the neighbours are modules of their own
    from contract import MODEL_FILE, UnusableModel  # type: ignore[import-not-found,no-redef]

ARCHIVE = "model.tar.gz"
EVALUATION_FILE = "evaluation.json"


def save(
    model: Mapping[str, Any], evaluation: Mapping[str, Any], model_dir: Path, scripts: Iterable[ModuleType]
) -> None:
    """Writes the contents of an archive into `model_dir`; `scripts` are what serves the model."""
    code = model_dir / "code"
    code.mkdir(parents=True, exist_ok=True)
    (model_dir / MODEL_FILE).write_text(json.dumps(model, separators=(",", ":"), sort_keys=True) + "\n")
    (model_dir / EVALUATION_FILE).write_text(json.dumps(evaluation, indent=1, sort_keys=True) + "\n")
    for script in scripts:
        shutil.copy(str(script.__file__), code)


def write_archive(
    out: Path, model: Mapping[str, Any], evaluation: Mapping[str, Any], scripts: Iterable[ModuleType]
) -> Path:
    """The archive's path, in the folder `out`, which is made. The same contents give the same bytes."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        save(model, evaluation, Path(folder), scripts)
        archive = out / ARCHIVE
        archive.write_bytes(pack(Path(folder)))
    return archive


def pack(folder: Path) -> bytes:
    """The folder as a .tar.gz whose bytes depend on names and contents alone."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                packed.addfile(entry, content)
    return gzip.compress(plain.getvalue(), 9, mtime=0)


def read_champion(folder: Path | None) -> dict[str, Any] | None:
    """The `model.json` of the archive in the folder; None without an archive. Nothing of it is run.

    Members may be named `model.json` or `./model.json`: which one depends on how a folder was packed. Raises
    UnusableModel for an archive without it.
    """
    path = folder / ARCHIVE if folder is not None else None
    if path is None or not path.is_file():
        return None
    with tarfile.open(path) as packed:
        for entry in packed:
            content = packed.extractfile(entry) if entry.name.removeprefix("./") == MODEL_FILE else None
            if content is not None:
                return dict(json.loads(content.read()))
    raise UnusableModel(f"the champion's {ARCHIVE} holds no {MODEL_FILE}")


def job_options(
    arguments: Sequence[str] | None, description: str | None, hyperparameters: Mapping[str, tuple[int, str]]
) -> argparse.Namespace:
    """The folders `train`, `test`, `champion` (the latter two may be None) and `model_dir`, and the hyperparameters.

    `hyperparameters`: whole numbers by name, each with its default and what it is. Ends the program where a needed
    folder is given by neither an argument nor SageMaker's variable.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    channels = {
        "train": "folder of the training rows",
        "test": "folder of later rows to judge by",
        "champion": f"folder of the champion's {ARCHIVE}",
    }
    for name, what in channels.items():
        place = os.environ.get(f"SM_CHANNEL_{name.upper()}")
        parser.add_argument(f"--{name}", type=Path, default=place, help=what)
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"), help="folder to write to")
    for name, (default, what) in hyperparameters.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=what)
    options = parser.parse_args(arguments)
    if options.train is None or options.model_dir is None:
        parser.error("give --train and --model-dir, or set SM_CHANNEL_TRAIN and SM_MODEL_DIR")
    return options
