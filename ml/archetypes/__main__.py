"""`python -m ml.archetypes`: clusters the customers of a snapshot file on this machine, as the training job does."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from ml.archetypes import clustering, train


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m ml.archetypes",
        description="Find the archetypes among the customers of a snapshot.",
        epilog="Example: winback segment ... --salt S --out seg; python -m ml.archetypes --snapshot "
        "seg/snapshot.parquet --out arc; winback segment ... --salt S --out seg --archetypes arc",
    )
    parser.add_argument("--snapshot", type=Path, required=True, help="snapshot.parquet of winback segment")
    parser.add_argument("--out", type=Path, required=True, help="folder for archetypes.json and assignments.csv")
    parser.add_argument("--seed", type=int, default=1, help="of the random starts and samples")
    options = parser.parse_args(arguments)
    if not options.snapshot.is_file():
        parser.error(f"--snapshot: there is no file {options.snapshot}")
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        names = ", ".join((train.KEY, *clustering.FEATURES))
        rows = connection.read_parquet(str(options.snapshot)).project(names)
        rows.write_csv(str(Path(folder) / "customers.csv"), header=True)
        train.main(["--train", folder, "--model-dir", str(options.out), "--seed", str(options.seed)])


if __name__ == "__main__":
    main()
