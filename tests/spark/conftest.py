"""One Spark for all tests of a session; the accounts that both engines are given."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from local.spark import local_spark
from tests.spark.accounts import DATASETS


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    with local_spark(tmp_path_factory.mktemp("spark"), quick_start=True) as session:
        yield session


@pytest.fixture(scope="session")
def datasets() -> Path:
    assert DATASETS.is_dir(), "make setup fetches the data sets"
    return DATASETS
