from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from functions.admin_accounts import actions
from functions.authorizer import handler as authorizer
from local.invocation import Invocation
from local.tables import new_table


@pytest.fixture
def campaigns_table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    environment = {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "CAMPAIGNS_TABLE": "campaigns",
        "SES_TENANTS": "false",
        "SES_CONFIGURATION_SET": "winback-dev",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        actions.Parts.from_environment.cache_clear()
        authorizer.api_keys.cache_clear()
        yield new_table("campaigns")


@pytest.fixture
def context() -> Any:
    return Invocation()
