"""One local cloud for all tests of this folder: started and deployed once, stopped at the end.

It lives in `build/local-test`, so it never meets the cloud of a `make up`.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from local.cloud import Cloud, create_account
from local.lifecycle import running_cloud
from local.place import ROOT, Place, write_state
from local.processes import process_table
from local.steps import Steps


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "local" and item.path.parent.parent.name == "tests":
            item.add_marker(pytest.mark.local)
            item.add_marker(pytest.mark.xdist_group("local cloud"))  # one deployment, whatever the workers


@pytest.fixture(scope="session")
def place() -> Place:
    return Place(ROOT / "build" / "local-test")


@pytest.fixture(scope="session")
def cloud(place: Place) -> Iterator[Cloud]:
    """The running cloud, with an account and its key."""
    with running_cloud(place, Steps()) as fresh:
        state = create_account(fresh, "first-shop")
        write_state(place, state)
        yield Cloud(state)
    left = [seen.command for seen in process_table().values() if str(place.directory) in seen.command]
    assert left == []
    assert not place.directory.exists()


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def shop(cloud: Cloud, _numbers: Iterator[int]) -> Cloud:
    """The same cloud seen by a fresh account: `shop.api` has its key, `shop.state.account_id` its id."""
    return _open_shop(cloud, f"shop-{next(_numbers)}")


@pytest.fixture
def open_shop(cloud: Cloud) -> Callable[..., Cloud]:
    """Creates an account of a given id."""
    return lambda account_id, **overrides: _open_shop(cloud, account_id, **overrides)


def _open_shop(cloud: Cloud, account_id: str, **overrides: Any) -> Cloud:
    return replace(cloud, state=create_account(cloud.state, account_id, **overrides))
