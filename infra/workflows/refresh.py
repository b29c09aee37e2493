"""Refresh: every account's customers are computed, valued, scored and published as a snapshot."""

from typing import Any

from infra.workflows.states import (
    States,
    caught_by,
    chunk_task,
    each_account,
    failure,
    map_over_manifest,
    spark_job,
    task,
    when_number,
)

FUNCTIONS = (
    "refresh_start",
    "refresh_compute",
    "refresh_value",
    "refresh_recommend",
    "refresh_score",
    "refresh_publish",
    "refresh_watch",
)

_LINE = ("account_id", "snapshot_id", "chunk", "key", "rows")
_ACCOUNT = {"account_id.$": "$.account_id", "snapshot_id.$": "$.snapshot_id", "as_of.$": "$.as_of"}


def definition(*, accounts: int, chunks: int, spark_minutes: int | None) -> dict[str, Any]:
    """`accounts` and `chunks`: how many of each run at a time; `spark_minutes`: how long a Spark job may take, None
    where the stage has no Spark."""
    return {
        "Comment": "Orders of the lake -> facts, segments, scores -> a snapshot for each account.",
        "StartAt": "Choose accounts",
        "States": {
            "Choose accounts": {**task("refresh_start"), "Next": "Any account"},
            **each_account(
                _one_account(chunks, spark_minutes),
                line=("account_id", "snapshot_id", "as_of"),
                concurrency=accounts,
                asks="refresh_start",
                failed={
                    "Error": "RefreshFailed",
                    "Cause": "The refresh of at least one account failed; its snapshot says at which step.",
                },
            ),
        },
    }


def _one_account(chunks: int, spark_minutes: int | None) -> States:
    # A part that cannot be scored leaves the others and the refresh alone: its customers get what publishing has
    # instead of the endpoint's scores. The function's alarm tells.
    score = {
        "Score chunk": caught_by(chunk_task("refresh_score"), "Part without scores"),
        "Part without scores": {"Type": "Pass", "Parameters": {"chunk.$": "$.chunk"}, "End": True},
    }
    return {
        "Compute": {
            **caught_by(task("refresh_compute", _ACCOUNT), "Compute failed"),
            "Next": "Value" if spark_minutes is None else "Which engine",
        },
        **(_on_spark(spark_minutes) if spark_minutes is not None else {}),
        # Segments without predicted values or recommendations are worth more than none: a failure of these two fails
        # no refresh. Their functions' alarms tell of it, and of the values so does the summary.
        "Value": {**caught_by(task("refresh_value", _ACCOUNT, keeps={}), "Recommend"), "Next": "Recommend"},
        "Recommend": {
            **caught_by(task("refresh_recommend", _ACCOUNT, keeps={}), "Anything to score"),
            "Next": "Anything to score",
        },
        "Anything to score": when_number("$.parts", zero="Publish", otherwise="Score"),
        "Score": {
            **caught_by(map_over_manifest("Score", score, line=_LINE, concurrency=chunks), "Score failed"),
            "Next": "Publish",
        },
        "Publish": {
            **caught_by(task("refresh_publish", _ACCOUNT, keeps={}), "Publish failed"),
            "Next": "Watch drift",
        },
        # The snapshot is published: nothing about its drift fails the refresh. The function's own alarm tells.
        "Watch drift": {
            **caught_by(task("refresh_watch", _ACCOUNT, keeps={}), "Account refreshed"),
            "Next": "Account refreshed",
        },
        "Account refreshed": {"Type": "Pass", "Result": "refreshed", "End": True},
        "Compute failed": failure("refresh_compute", "Mark snapshot failed"),
        "Score failed": failure("refresh_score", "Mark snapshot failed"),
        "Publish failed": failure("refresh_publish", "Mark snapshot failed"),
        "Mark snapshot failed": {
            **task("refresh_publish", {**_ACCOUNT, "error.$": "$.error"}, keeps={}),
            "Next": "Account failed",
        },
        "Account failed": {"Type": "Pass", "Result": "failed", "End": True},
    }


def _on_spark(minutes: int) -> States:
    """`refresh_compute` computes small accounts itself; for others it answers with the request of a Spark job, and is
    asked again when the job is done."""
    return {
        "Which engine": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.request", "IsPresent": True, "Next": "Compute on Spark"}],
            "Default": "Value",
        },
        "Compute on Spark": {**caught_by(spark_job(minutes), "Spark failed"), "Next": "Take over"},
        "Take over": {
            **caught_by(task("refresh_compute", {**_ACCOUNT, "request.$": "$.request"}), "Compute failed"),
            "Next": "Value",
        },
        "Spark failed": failure("refresh_spark", "Mark snapshot failed"),
    }
