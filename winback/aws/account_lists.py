"""The accounts that an execution of a workflow goes through, as an object of the lake.

A state's output may have 256 KiB, which some thousands of accounts would fill: the workflow gets the list's key and
length, and reads it by a distributed map, a line an account (docs/decisions/2026-11-22-sizes-of-workflows.md).
"""

from collections.abc import Iterable, Sequence

from aws_lambda_powertools import Logger

from winback.aws.lake import Lake, Row, accounts_key
from winback.identifiers import AccountId

_NAMED = 20  # failed accounts that the log names


def write_list(lake: Lake, workflow: str, list_id: str, lines: Iterable[Row]) -> Row:
    """Returns `{"manifest": key, "accounts": how many}`. The same list is written again by a repeated attempt."""
    rows, key = list(lines), accounts_key(workflow, list_id)
    lake.write_rows(key, rows)
    return {"manifest": key, "accounts": len(rows)}


def count_failed(logger: Logger, workflow: str, *, of: int, failed: Sequence[AccountId]) -> Row:
    """What an execution answers at its end, when it has gone through `of` accounts; the log names the first failed."""
    logger.info(f"{workflow} ended", extra={"accounts": of, "failed": len(failed), "first": failed[:_NAMED]})
    return {"failed": len(failed)}
