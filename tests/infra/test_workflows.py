"""Workflows stay within what Step Functions can carry, however many customers and accounts there are."""

import json
from typing import Any

import pytest

from infra.names import KINDS
from infra.workflows import archetypes, campaign, prepare, refresh, train
from tests.infra.conftest import Stage
from winback.campaigns.steps import MAX_STEPS

DEFINITIONS = {
    "refresh": refresh.definition(accounts=1, chunks=1, spark_minutes=60),
    "prepare": prepare.definition(chunks=1),
    "campaign": campaign.definition(chunks=1),
    "archetypes": archetypes.definition(accounts=1, poll_seconds=60),
    "train": train.definition(accounts=1, poll_seconds=60),
}
FEW = {"$.steps": MAX_STEPS, "$.runs": len(KINDS)}
"""Lists that travel in a state's input, and how many items they can have: neither customers nor accounts."""


def _states(value: Any) -> dict[str, dict[str, Any]]:
    """Of a definition, those within maps too, by name."""
    if isinstance(value, list):
        return {name: state for item in value for name, state in _states(item).items()}
    if not isinstance(value, dict):
        return {}
    return value.get("States", {}) | {name: state for item in value.values() for name, state in _states(item).items()}


@pytest.mark.parametrize("which", DEFINITIONS)
def test_every_task_of_a_workflow_retries(which: str) -> None:
    for state in _states(DEFINITIONS[which]).values():
        if state["Type"] == "Task":
            caught = {error for retrier in state["Retry"] for error in retrier["ErrorEquals"]}
            expected = {"States.TaskFailed", "States.Timeout"}
            if state["Resource"].endswith("lambda:invoke"):
                expected.add("Lambda.TooManyRequestsException")
            assert expected <= caught
            assert all(retrier["JitterStrategy"] == "FULL" for retrier in state["Retry"])


@pytest.mark.parametrize("which", DEFINITIONS)
def test_no_map_tolerates_failures_but_one_of_accounts_that_asks_about_each_afterwards(which: str) -> None:
    for name, state in _states(DEFINITIONS[which]).items():
        if state["Type"] == "Map" and state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED":
            assert state["MaxConcurrency"] >= 1
            if name == "Each account":
                assert (state["ToleratedFailurePercentage"], state["Next"]) == (100, "How many failed")
            else:
                assert state["ToleratedFailureCount"] == 0


@pytest.mark.parametrize("which", DEFINITIONS)
def test_no_state_grows_with_customers_or_accounts(which: str) -> None:
    """A map collects its children's answers before anything drops or selects them, and they must fit into 256 KiB."""
    for name, state in _states(DEFINITIONS[which]).items():
        if state["Type"] != "Map":
            continue
        if "ItemReader" not in state:
            assert state["ItemsPath"] in FEW, name
            continue
        assert "ItemsPath" not in state, name
        assert state["ItemReader"]["ReaderConfig"]["InputType"] == "JSONL"
        assert state["ResultWriter"]["Resource"] == "arn:aws:states:::s3:putObject", name
        assert state["ResultPath"] is None, name


@pytest.mark.parametrize("which", DEFINITIONS)
def test_a_workflow_writes_nothing_into_the_lake_but_what_its_own_maps_answer(prod: Stage, which: str) -> None:
    (policy,) = (
        policy["PolicyDocument"]
        for policy in prod.properties("AWS::IAM::Policy").values()
        if any(role["Ref"].startswith(f"{which.title()}Workflow") for role in policy["Roles"])
    )
    (writes,) = (statement for statement in policy["Statement"] if "s3:PutObject" in statement["Action"])
    assert json.dumps(writes["Resource"]).count(f"/workflows/{which}/results/*") == 1
    assert not isinstance(writes["Resource"], list)


def test_what_maps_answer_lies_apart_and_expires(prod: Stage) -> None:
    machines = prod.properties("AWS::StepFunctions::StateMachine").values()
    prefixes = {machine["DefinitionSubstitutions"]["results"] for machine in machines}
    assert prefixes == {f"workflows/{which}/results" for which in DEFINITIONS}
    (lake,) = (b for b in prod.properties("AWS::S3::Bucket").values() if "-lake-" in json.dumps(b["BucketName"]))
    expiring = {rule.get("Prefix"): rule.get("ExpirationInDays") for rule in lake["LifecycleConfiguration"]["Rules"]}
    assert expiring["workflows/"] == expiring["uploads/"] == 90
