import pytest

from tests.unit.briefs.shops import Shop, make_shop


@pytest.fixture(scope="session")
def drifting() -> Shop:
    """Half of it late."""
    return make_shop((120, 20, 5, 4_000), (90, 20, 120, 4_000), (60, 25, 120, 30_000), (150, 0, 200, 3_000))


@pytest.fixture(scope="session")
def steady() -> Shop:
    """Next to nobody is late."""
    return make_shop((200, 7, 3, 2_000), (150, 7, 4, 9_000), (8, 7, 60, 2_000))
