"""For all tests: boto3 reads each service's model from its package once, not once for every client of every test."""

from functools import cache
from typing import Any

from botocore.loaders import JSONFileLoader


def pytest_configure() -> None:
    """botocore only reads the models; its own cache of them ends with a session, and so with each test."""
    read = JSONFileLoader().load_file

    @cache
    def read_once(path: str) -> Any:
        return read(path)

    JSONFileLoader.load_file = lambda _, path: read_once(path)  # type: ignore[assignment, method-assign]
