"""IAM is enforced: a function can do what its role says; with one permission less, the failure says which."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.cloud import Cloud, FunctionFailed, account_request


@contextmanager
def without(cloud: Cloud, function: str, action: str) -> Iterator[None]:
    """Takes one action out of the policies of a function's role for the length of the block."""
    iam = cloud.client("iam")
    configuration = cloud.client("lambda").get_function(FunctionName=f"winback-local-{function}")["Configuration"]
    role = configuration["Role"].rsplit("/", 1)[-1]
    originals: dict[str, Any] = {}
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        originals[name] = document if isinstance(document, dict) else json.loads(document)
    assert action in json.dumps(originals), f"{role} never had {action}"
    for name, document in originals.items():
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(_less(document, action)))
    try:
        yield
    finally:
        for name, document in originals.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def _less(document: dict[str, Any], action: str) -> dict[str, Any]:
    statements = []
    for statement in document["Statement"]:
        listed = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if kept := [one for one in listed if one != action]:
            statements.append({**statement, "Action": kept})
    return {**document, "Statement": statements}


def test_one_permission_less_and_the_failure_names_it(cloud: Cloud) -> None:
    request = account_request("no-permission", cloud.state.api_url)
    with (
        without(cloud, "admin-accounts", "dynamodb:PutItem"),
        pytest.raises(FunctionFailed, match=r"admin-accounts.*not authorized to perform: dynamodb:PutItem"),
    ):
        cloud.invoke("admin_accounts", request)
    assert cloud.invoke("admin_accounts", request)["api_key"]


def test_the_account_of_a_function_reaches_nothing_beyond_its_role(cloud: Cloud) -> None:
    """The authorizer may read keys; taking that away closes the API rather than opening it."""
    with without(cloud, "authorizer", "dynamodb:GetItem"):
        answer = cloud.api.get(
            "/v1/snapshots/latest", headers={"cache-control": "no-cache", "x-probe": str(time.time())}
        )
    assert answer.status_code in (401, 403, 500)
    assert "snapshot_id" not in answer.text
