from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from winback.imports.files import FileAccount, load_orders


@pytest.fixture
def connection() -> DuckDBPyConnection:
    return duckdb.connect(config={"threads": 2})


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def to_file(content: str | bytes, name: str = "file") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


@pytest.fixture
def load(connection: DuckDBPyConnection, write: Callable[..., Path]) -> Callable[..., FileAccount]:
    """Loads the content of a file of orders into `connection`."""

    def from_text(content: str | bytes, **options: Any) -> FileAccount:
        return load_orders(connection, write(content), **{"mapping": {}, **options})

    return from_text
