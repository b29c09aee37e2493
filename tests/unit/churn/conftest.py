import tarfile
from pathlib import Path

import pytest

from ml.churn import bootstrap, examples, inference


@pytest.fixture(scope="session")
def cdnow() -> examples.Purchases:
    return examples.read_cdnow()


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bootstrap.build(tmp_path_factory.mktemp("bootstrap"))


@pytest.fixture(scope="session")
def model_dir(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def model(model_dir: Path) -> inference.ChurnModel:
    return inference.model_fn(str(model_dir))
