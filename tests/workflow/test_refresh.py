"""The refresh workflow takes every account through compute, score and publish, each on its own."""

from typing import Any

import pytest

from infra.workflows import refresh
from tests.workflow.conftest import FunctionFailed

AS_OF = "1997-10-01T00:00:00Z"
ACCOUNTS = [
    {"account_id": account, "snapshot_id": f"snp-{number:012x}", "as_of": AS_OF}
    for number, account in enumerate(("acme", "bolt"))
]
PARTS = [
    {"account_id": "acme", "snapshot_id": "snp-000000000000", "chunk": chunk, "key": f"parts/{chunk}", "rows": 2}
    for chunk in range(2)
]


def starts(payload: dict[str, Any], failed: int = 0) -> dict[str, Any]:
    return {"failed": failed} if "ended" in payload else {"manifest": "accounts.jsonl", "accounts": len(ACCOUNTS)}


def run(workflows: Any, *, parts: int = 2, **replaced: Any) -> Any:
    functions = {
        "refresh_start": starts,
        "refresh_compute": lambda payload: {**payload, "manifest": "manifest.jsonl", "parts": parts},
        "refresh_value": lambda payload: {"customers": 5},
        "refresh_recommend": lambda payload: {"customers": 5},
        "refresh_score": lambda payload: {"chunk": payload["chunk"]},
        "refresh_publish": lambda payload: {"customers": 5, "changed": 1},
        "refresh_watch": lambda payload: {"alarming": False},
        **replaced,
    }
    definition = refresh.definition(accounts=1, chunks=2, spark_minutes=None)
    return workflows.run(definition, functions, PARTS, {"as_of": AS_OF}, accounts=ACCOUNTS)


def test_the_start_gets_the_request_as_it_is_and_is_asked_at_the_end_how_its_accounts_fared(workflows: Any) -> None:
    assert run(workflows).payloads("refresh_start") == [{"as_of": AS_OF}, {"ended": "accounts.jsonl"}]


def test_a_stage_without_accounts_has_nothing_to_refresh(workflows: Any) -> None:
    outcome = run(workflows, refresh_start=lambda payload: {"manifest": "accounts.jsonl", "accounts": 0})

    assert outcome.status == "SUCCEEDED"
    assert outcome.order() == ["refresh_start"]


def test_every_account_is_computed_scored_and_published(workflows: Any) -> None:
    outcome = run(workflows)

    assert outcome.status == "SUCCEEDED"
    assert outcome.payloads("refresh_compute") == ACCOUNTS
    assert outcome.payloads("refresh_publish") == ACCOUNTS
    assert sorted(told["key"] for told in outcome.payloads("refresh_score")) == [
        "parts/0",
        "parts/0",
        "parts/1",
        "parts/1",
    ]


@pytest.mark.parametrize("step", ["refresh_value", "refresh_recommend"])
def test_a_refresh_goes_on_without_values_or_recommendations_when_they_cannot_be_had(workflows: Any, step: str) -> None:
    def fails(payload: dict[str, Any]) -> dict[str, Any]:
        raise FunctionFailed("out of memory")

    outcome = run(workflows, **{step: fails})

    assert outcome.status == "SUCCEEDED"
    assert len(outcome.payloads("refresh_score")) == 4
    assert outcome.payloads("refresh_publish") == ACCOUNTS


def test_a_part_that_cannot_be_scored_leaves_the_others_and_the_refresh_alone(workflows: Any) -> None:
    def fails_once(payload: dict[str, Any]) -> dict[str, Any]:
        if payload["chunk"] == 0:
            raise FunctionFailed("the model refused the request")
        return {"chunk": payload["chunk"]}

    outcome = run(workflows, refresh_score=fails_once)

    assert outcome.status == "SUCCEEDED"
    assert {told["chunk"] for told in outcome.payloads("refresh_score")} == {0, 1}
    assert outcome.payloads("refresh_publish") == ACCOUNTS


def test_a_published_snapshot_is_watched_for_drift_and_its_refresh_never_fails_for_that(workflows: Any) -> None:
    def fails(payload: dict[str, Any]) -> dict[str, Any]:
        raise FunctionFailed("no such file")

    outcome = run(workflows, refresh_watch=fails)

    assert outcome.status == "SUCCEEDED"
    watched = outcome.payloads("refresh_watch")
    assert [one for number, one in enumerate(watched) if one not in watched[:number]] == ACCOUNTS
    assert outcome.payloads("refresh_publish") == ACCOUNTS


def test_with_nothing_to_score_it_publishes_at_once(workflows: Any) -> None:
    outcome = run(workflows, parts=0)

    assert outcome.status == "SUCCEEDED"
    assert outcome.payloads("refresh_score") == []


def test_one_accounts_failure_leaves_the_others_alone_and_shows_at_the_end(workflows: Any) -> None:
    def fails_for_acme(payload: dict[str, Any]) -> dict[str, Any]:
        if payload["account_id"] == "acme":
            raise FunctionFailed("no orders")
        return {**payload, "manifest": "manifest.jsonl", "parts": 0}

    outcome = run(workflows, refresh_compute=fails_for_acme, refresh_start=lambda payload: starts(payload, failed=1))

    published = outcome.payloads("refresh_publish")
    assert (outcome.status, outcome.error) == ("FAILED", "RefreshFailed")
    assert [told["error"]["step"] for told in published if told["account_id"] == "acme"] == ["refresh_compute"]
    assert [told for told in published if told["account_id"] == "bolt"] == [ACCOUNTS[1]]
