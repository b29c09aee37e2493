import tarfile
from pathlib import Path

import duckdb
import numpy as np
import pytest

from ml.churn import bootstrap, datasets, examples, inference
from ml.churn.fitting import Rows
from winback.features.examples import training_cuts


@pytest.fixture(scope="session")
def cdnow() -> duckdb.DuckDBPyConnection:
    return datasets.open_cdnow()


@pytest.fixture(scope="session")
def rows(cdnow: duckdb.DuckDBPyConnection) -> Rows:
    """Every eighth of CDNOW's customers at two cuts."""
    cuts = training_cuts(datasets.CDNOW_START, datasets.CDNOW_END)[:2]
    found = examples.rows_over(cdnow, cuts)
    return found.where(np.arange(len(found)) % 8 == 0)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a single cut."""
    return bootstrap.build(tmp_path_factory.mktemp("bootstrap"), until=datasets.CDNOW_START.replace(month=7, day=2))


@pytest.fixture(scope="session")
def model_dir(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def model(model_dir: Path) -> inference.ChurnModel:
    return inference.model_fn(str(model_dir))
